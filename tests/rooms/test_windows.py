"""Writing to a person of our own accord: inside WeChat's windows, counted, once per reason."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.conversation.hearing import hear, put_off
from app.conversation.intent import Intent, Wish
from app.conversation.late import answer_late
from app.members import windows
from app.members.meeting import lost_follower, meet
from app.members.tidying import tidy
from models.members import AppKind
from tests.make import a_shop, count
from tests.people import OA, a_fan
from tests.racing import at_once
from tests.telephone import Telephone, a_telephone
from wechat.errors import Unavailable
from wechat.events import Clicked, ImageSent, Nothing, Said, ThingScanned, Viewed

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


@pytest.fixture
def phone() -> Iterator[Telephone]:
    with a_telephone() as telephone:
        yield telephone


@pytest.fixture
def fan(tx: Tx) -> int:
    """Somebody who has just followed."""
    with tx() as session:
        return a_fan(session, now=NOW).identity_id


def speaks(tx: Tx, *, at: datetime = NOW) -> None:
    with tx() as session:
        meet(session, app=AppKind.OA, appid=OA, openid="fan-1", spoke=True, now=at)


def claimed(tx: Tx, fan: int, times: int, *, at: datetime, key: str = "k") -> int:
    won = 0
    for number in range(times):
        with tx() as session:
            won += windows.claim(session, identity_id=fan, key=f"{key}{number}", now=at)
    return won


def test_a_message_opens_five_within_two_days(tx: Tx, fan: int) -> None:
    speaks(tx)
    assert claimed(tx, fan, 7, at=NOW + timedelta(hours=46)) == 5
    assert claimed(tx, fan, 1, at=NOW + timedelta(hours=48), key="late") == 0


def test_a_follow_opens_three_within_a_minute(tx: Tx, fan: int) -> None:
    assert claimed(tx, fan, 4, at=NOW + timedelta(seconds=49)) == 3
    assert claimed(tx, fan, 1, at=NOW + timedelta(seconds=51), key="late") == 0


def test_a_new_sign_opens_the_window_anew(tx: Tx, fan: int) -> None:
    speaks(tx)
    assert claimed(tx, fan, 6, at=NOW + timedelta(hours=1)) == 5
    later = NOW + timedelta(hours=2)
    with tx() as session:  # a scan or a click: three within the minute
        meet(session, app=AppKind.OA, appid=OA, openid="fan-1", now=later)
    assert claimed(tx, fan, 4, at=later + timedelta(seconds=1), key="scan") == 3
    speaks(tx, at=later + timedelta(minutes=1))
    assert claimed(tx, fan, 6, at=later + timedelta(minutes=9), key="again") == 5


def test_windows_that_are_open_together_are_not_added_up(tx: Tx, fan: int) -> None:
    at = NOW + timedelta(seconds=1)
    speaks(tx, at=at)  # 3 by the follow, 5 by the message: 5
    assert claimed(tx, fan, 9, at=at + timedelta(seconds=1)) == 5
    speaks(tx, at=at + timedelta(hours=1))
    assert claimed(tx, fan, 2, at=at + timedelta(hours=1), key="b") == 2
    scan = at + timedelta(hours=1, seconds=2)
    with tx() as session:
        meet(session, app=AppKind.OA, appid=OA, openid="fan-1", now=scan)
    # 3 are left of the message, and 3 of the scan: 3
    assert claimed(tx, fan, 9, at=scan + timedelta(seconds=1), key="c") == 3


def test_who_does_not_follow_is_not_written_to(tx: Tx, fan: int) -> None:
    speaks(tx)
    with tx() as session:
        lost_follower(session, appid=OA, openid="fan-1", at=NOW + timedelta(seconds=1))
    assert claimed(tx, fan, 1, at=NOW + timedelta(seconds=2)) == 0


def test_of_many_at_once_no_more_than_allowed_are_sent(tx: Tx, fan: int) -> None:
    speaks(tx)

    def one(number: int) -> bool:
        with tx() as session:
            return windows.claim(session, identity_id=fan, key=f"k{number}", now=NOW + timedelta(hours=1))

    assert sum(at_once(12, one)) == 5


def written(tx: Tx, phone: Telephone, fan: int, *, key: str = "k", at: datetime = NOW) -> bool:
    return windows.write(
        tx, phone.oa, identity_id=fan, openid="fan-1", key=key, words="您好", now=at + timedelta(seconds=1)
    )


def states(tx: Tx) -> list[tuple[str, str | None]]:
    with tx() as session:
        rows = session.execute(text("select state, code from customer_message order by id")).all()
    return [(row.state, row.code) for row in rows]


def test_a_key_is_written_once(tx: Tx, phone: Telephone, fan: int) -> None:
    assert [written(tx, phone, fan), written(tx, phone, fan)] == [True, False]
    assert [one["text"]["content"] for one in phone.sent] == ["您好"]
    assert states(tx) == [("SENT", None)]


def test_an_open_outcome_counts_and_is_not_repeated(tx: Tx, phone: Telephone, fan: int) -> None:
    phone.dead.add("/cgi-bin/message/custom/send")
    assert written(tx, phone, fan) is False
    assert states(tx) == [("UNKNOWN", "HTTP_502")]
    phone.dead.clear()
    assert written(tx, phone, fan) is False
    assert phone.sent == []


@pytest.mark.parametrize("code", [45015, 45047])
def test_a_refusal_of_wechats_is_noted_and_does_not_count(
    tx: Tx, phone: Telephone, fan: int, code: int
) -> None:
    phone.refusals["/cgi-bin/message/custom/send"] = code
    assert [written(tx, phone, fan, key=f"k{n}") for n in range(5)] == [False] * 5
    assert states(tx) == [("REFUSED", str(code))] * 5
    phone.refusals.clear()
    assert written(tx, phone, fan, key="k9") is True


def test_nothing_sent_leaves_the_key_free_for_the_next_try(tx: Tx, phone: Telephone, fan: int) -> None:
    phone.refusals["/cgi-bin/message/custom/send"] = 45009
    with pytest.raises(Unavailable):
        written(tx, phone, fan)
    assert states(tx) == []
    phone.refusals.clear()
    assert written(tx, phone, fan) is True


def asked_late(tx: Tx, event: Said | Clicked) -> None:
    with tx() as session:
        assert put_off(session, event, now=NOW) == Nothing()


def late_jobs(tx: Tx) -> list[dict[str, object]]:
    with tx() as session:
        rows = session.execute(
            text("select args from procrastinate_jobs where task_name = 'answer_late' order by id")
        )
        return [row.args for row in rows]


def test_a_question_put_off_is_answered_once_by_a_message(tx: Tx, phone: Telephone) -> None:
    with tx() as session:
        a_shop(session)
        a_fan(session, now=NOW)
    said = Said(OA, "fan-1", NOW, "push-1", text="人工")
    asked_late(tx, said)
    asked_late(tx, said)  # WeChat delivers again
    (facts,) = late_jobs(tx)
    assert (facts["key"], facts["wish"], facts["about"]) == ("push-1", "SERVICE", "")
    for sent in (True, False):
        done = answer_late(
            tx,
            phone.oa,
            identity_id=int(str(facts["identity_id"])),
            key="push-1",
            intent=Intent(Wish.SERVICE),
            now=NOW + timedelta(seconds=9),
        )
        assert done is sent
    assert [one["touser"] for one in phone.sent] == ["fan-1"]
    with tx() as session:
        assert count(session, "inbox") == 1


def test_a_question_that_was_answered_is_not_put_off(tx: Tx) -> None:
    clicked = Clicked(OA, "fan-1", NOW, "push-2", key="SERVICE")
    with tx() as session:
        answer = hear(session, clicked, brand="b", now=NOW)
    with tx() as session:
        assert put_off(session, clicked, now=NOW) == answer
    assert late_jobs(tx) == []


def test_a_picture_lets_us_write_and_a_view_does_not(tx: Tx, fan: int) -> None:
    at = NOW + timedelta(days=1)
    with tx() as session:
        assert hear(session, Viewed(OA, "fan-1", at, "v", url="u"), brand="b", now=at) == Nothing()
    assert claimed(tx, fan, 1, at=at) == 0
    with tx() as session:
        assert hear(session, ThingScanned(OA, "fan-1", at, "t"), brand="b", now=at) == Nothing()
    assert claimed(tx, fan, 4, at=at, key="scan") == 3
    with tx() as session:
        assert hear(session, ImageSent(OA, "fan-1", at, "i"), brand="b", now=at) == Nothing()
    assert claimed(tx, fan, 1, at=at + timedelta(hours=40), key="picture") == 1


def test_messages_are_forgotten_after_a_week(tx: Tx, phone: Telephone, fan: int) -> None:
    written(tx, phone, fan)
    with tx() as session:
        assert tidy(session, now=NOW + timedelta(days=6)) == 0
        assert tidy(session, now=NOW + timedelta(days=8)) == 1
    assert states(tx) == []
