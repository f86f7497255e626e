"""A question whose words are at hand: taken in and answered by one statement, else not at all."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, TextClause, text

from app.base.db import Stroke, Tx, open_stroke
from app.base.freshness import CATALOG, Freshness, touch
from app.base.step import Answer
from app.conversation.hearing import hear, hear_quickly
from app.conversation.known import Known
from tests.make import a_shop, count
from tests.people import OA, a_fan
from tests.racing import at_once
from tests.rooms.test_conversation_known import wait_until
from wechat.events import Clicked, Event, Located, Reply, Said, Scanned, TextReply

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


class Counted:
    """A stroke that counts."""

    def __init__(self, stroke: Stroke) -> None:
        self._stroke = stroke
        self.times = 0

    def __call__(self, statement: TextClause, values: dict[str, Any]) -> Answer:
        self.times += 1
        return self._stroke(statement, values)


@pytest.fixture
def known(database_url: str) -> Iterator[Known]:
    fresh = Freshness(database_url)
    assert wait_until(fresh.live)
    yield Known(fresh)
    fresh.close()


@pytest.fixture
def stroke(engine: Engine) -> Counted:
    return Counted(open_stroke(engine, deadline_s=5))


@pytest.fixture
def fan(tx: Tx) -> int:
    with tx() as session:
        a_shop(session)
        return a_fan(session, now=NOW).identity_id


Ask = Callable[[Event], Reply | None]


@pytest.fixture
def quickly(stroke: Counted, known: Known) -> Ask:
    return lambda event: hear_quickly(stroke, event, now=LATER, known=known)


@pytest.fixture
def fully(tx: Tx, known: Known) -> Callable[[Event], Reply]:
    def heard(event: Event) -> Reply:
        with tx() as session:
            return hear(session, event, brand="b", now=LATER, known=known)

    return heard


def says(said: str, key: str = "k1", openid: str = "fan-1") -> Said:
    return Said(OA, openid, LATER, key, text=said)


def marks(tx: Tx, fan: int) -> tuple[object, object]:
    with tx() as session:
        row = session.execute(
            text("select spoke_at, last_heard_at from identity where id = :i"), {"i": fan}
        ).one()
        return row.spoke_at, row.last_heard_at


def inbox(tx: Tx) -> list[tuple[str, str, str, str | None]]:
    with tx() as session:
        rows = session.execute(text("select source, key, kind, answer from inbox order by key")).all()
        return [tuple(row) for row in rows]


def test_words_that_are_kept_are_said_in_one_statement(
    tx: Tx, fan: int, quickly: Ask, fully: Callable[[Event], Reply], stroke: Counted
) -> None:
    assert (quickly(says("衬衫", "k0")), stroke.times) == (None, 0)  # nobody has asked for it yet
    first = fully(says("衬衫", "k0"))
    assert isinstance(first, TextReply)
    assert (quickly(says("衬衫", "k1")), stroke.times) == (first, 1)
    assert inbox(tx) == [("wechat.oa", key, "Said", first.text) for key in ("k0", "k1")]
    assert marks(tx, fan) == (LATER, LATER)


def test_a_tap_is_heard_but_is_no_message_of_the_person(tx: Tx, fan: int, quickly: Ask) -> None:
    assert isinstance(quickly(Clicked(OA, "fan-1", LATER, "k1", key="GOODS")), TextReply)
    assert marks(tx, fan) == (None, LATER)


def test_tch_2_a_repeat_is_not_answered_quickly_but_with_the_words_that_were_kept(
    tx: Tx, fan: int, quickly: Ask, fully: Callable[[Event], Reply]
) -> None:
    first = quickly(says("x" * 60))
    assert isinstance(first, TextReply)
    assert quickly(says("x" * 60)) is None
    assert fully(says("x" * 60)) == first
    assert len(inbox(tx)) == 1


def test_tch_2_of_twenty_copies_at_once_one_is_taken_in(tx: Tx, fan: int, quickly: Ask) -> None:
    replies = at_once(20, lambda _: quickly(says("x" * 60)))
    assert sum(reply is not None for reply in replies) == 1
    assert len(inbox(tx)) == 1


def test_somebody_never_met_is_left_to_the_whole_way(tx: Tx, fan: int, quickly: Ask) -> None:
    assert quickly(says("x" * 60, openid="stranger")) is None
    with tx() as session:
        assert (count(session, "inbox"), count(session, "identity")) == (0, 1)


@pytest.mark.parametrize(
    "event",
    [
        says("客服"),  # depends on who asks
        Located(OA, "fan-1", LATER, "k1", lat=22.5, lng=114.0),
        Scanned(OA, "fan-1", LATER, "k1", scene="s"),
    ],
)
def test_what_has_to_be_looked_up_writes_nothing(
    tx: Tx, fan: int, quickly: Ask, stroke: Counted, event: Event
) -> None:
    assert quickly(event) is None
    assert (stroke.times, inbox(tx), marks(tx, fan)) == (0, [], (None, NOW))


def test_a_change_of_the_goods_ends_the_kept_words(
    tx: Tx, fan: int, known: Known, quickly: Ask, fully: Callable[[Event], Reply]
) -> None:
    fully(says("衬衫", "k0"))
    assert known.recall(CATALOG, "衬衫", now=LATER) is not None
    with tx() as session:
        touch(session, CATALOG)
    assert wait_until(lambda: known.recall(CATALOG, "衬衫", now=LATER) is None)
    assert quickly(says("衬衫")) is None
