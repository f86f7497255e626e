"""Answers kept for a moment: found once, found again after a change, never trusted without news."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.base.db import Tx
from app.base.freshness import CATALOG, STORES, Freshness, touch
from app.conversation.known import KEPT_FOR, Known

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def wait_until(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 5
    while not holds() and time.monotonic() < until:
        time.sleep(0.005)
    return holds()


@pytest.fixture
def fresh(database_url: str) -> Iterator[Freshness]:
    listening = Freshness(database_url)
    assert wait_until(listening.live)
    yield listening
    listening.close()


class Asked:
    """A source of answers that counts how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> str:
        self.times += 1
        return f"answer {self.times}"


def test_an_answer_is_found_once_for_each_question_and_topic(fresh: Freshness) -> None:
    known, asked = Known(fresh), Asked()
    assert known.tell(CATALOG, "衬衫", asked, now=NOW) == "answer 1"
    assert known.tell(CATALOG, "衬衫", asked, now=NOW) == "answer 1"
    assert known.tell(CATALOG, "大衣", asked, now=NOW) == "answer 2"
    assert known.tell(STORES, "衬衫", asked, now=NOW) == "answer 3"


def test_a_change_of_the_topic_ends_it_and_another_change_does_not(fresh: Freshness, tx: Tx) -> None:
    known, asked = Known(fresh), Asked()
    known.tell(CATALOG, "衬衫", asked, now=NOW)
    before = fresh.versions((CATALOG, STORES))
    with tx() as session:
        touch(session, STORES)
    assert wait_until(lambda: fresh.versions((CATALOG, STORES)) == (before[0], before[1] + 1))
    assert known.tell(CATALOG, "衬衫", asked, now=NOW) == "answer 1"
    with tx() as session:
        touch(session, CATALOG)
    assert wait_until(lambda: fresh.versions((CATALOG,)) == (before[0] + 1,))
    assert known.tell(CATALOG, "衬衫", asked, now=NOW) == "answer 2"


def test_it_grows_old_even_without_news(fresh: Freshness) -> None:
    known, asked = Known(fresh), Asked()
    known.tell(CATALOG, "衬衫", asked, now=NOW)
    known.tell(CATALOG, "衬衫", asked, now=NOW + KEPT_FOR - timedelta(seconds=1))
    assert asked.times == 1
    known.tell(CATALOG, "衬衫", asked, now=NOW + KEPT_FOR)
    assert asked.times == 2


def test_nothing_is_kept_while_nobody_brings_news() -> None:
    deaf = Freshness("postgresql://127.0.0.1:1/none")
    try:
        known, asked = Known(deaf), Asked()
        known.tell(CATALOG, "衬衫", asked, now=NOW)
        known.tell(CATALOG, "衬衫", asked, now=NOW)
        assert asked.times == 2
    finally:
        deaf.close()
