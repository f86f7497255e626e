"""The push door: proof, answers, repeats, and a database that is away."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from app import create_app
from app.base.db import Tx, open_engine, open_stroke, open_tx
from app.wiring import Parts
from tests.doors.phoned import PUSH, push, push_body, signed, with_telephone
from tests.make import a_shop, count
from tests.people import a_code
from tests.racing import at_once

AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


@pytest.fixture
def phoned(parts: Parts) -> Iterator[Parts]:
    with with_telephone(parts) as (phoned, _):
        yield phoned


@pytest.fixture
def asking(phoned: Parts) -> Callable[[], FlaskClient]:
    """A new client of the one app: a client is not made for several threads."""
    return create_app(parts=phoned).test_client


@pytest.fixture
def scene(tx: Tx) -> str:
    with tx() as session:
        a_shop(session)
        return a_code(session, "C-SZFT-01")


def test_the_console_gets_its_echo_back_exactly(asking: Callable[[], FlaskClient]) -> None:
    response = asking().get(PUSH, query_string=signed() | {"echostr": "4375120948345356249"})
    assert (response.status_code, response.data) == (200, b"4375120948345356249")
    assert (
        asking().get(PUSH, query_string=signed() | {"echostr": "1", "signature": "0" * 40}).status_code == 403
    )
    assert asking().get(PUSH).status_code == 403


def test_a_follow_by_a_code_is_welcomed_in_xml(asking: Callable[[], FlaskClient], scene: str, tx: Tx) -> None:
    response = push(
        asking(), "fan-1", AT, MsgType="event", Event="subscribe", EventKey=f"qrscene_{scene}", Ticket="t"
    )
    assert response.status_code == 200
    assert response.content_type.startswith("application/xml")
    told = response.data.decode()
    assert "林晓雨" in told
    assert "<ToUserName><![CDATA[fan-1]]></ToUserName>" in told
    with tx() as session:
        assert count(session, "acquisition") == 1


def test_tch_2_three_deliveries_of_a_push_have_one_effect_and_one_answer(
    asking: Callable[[], FlaskClient], scene: str, tx: Tx
) -> None:
    facts = {"MsgType": "event", "Event": "SCAN", "EventKey": scene, "Ticket": "t"}
    answers = {push(asking(), "fan-1", AT, **facts).data.split(b"<Content>")[1] for _ in range(3)}
    assert len(answers) == 1
    with tx() as session:
        assert (count(session, "touch"), count(session, "inbox")) == (1, 1)


def test_tch_2_fifty_deliveries_at_once_have_one_effect(
    asking: Callable[[], FlaskClient], scene: str, tx: Tx
) -> None:
    facts = {"MsgType": "event", "Event": "SCAN", "EventKey": scene, "Ticket": "t"}
    statuses = at_once(50, lambda _: push(asking(), "fan-1", AT, **facts).status_code)
    assert set(statuses) == {200}
    with tx() as session:
        assert (count(session, "touch"), count(session, "acquisition"), count(session, "member")) == (1, 1, 1)


def test_what_needs_no_answer_gets_success(asking: Callable[[], FlaskClient]) -> None:
    response = push(asking(), "fan-1", AT, MsgType="event", Event="unsubscribe", EventKey="")
    assert (response.status_code, response.data) == (200, b"success")


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ({}, b"", 403),
        ({"signature": "x", "timestamp": "1", "nonce": "n"}, b"<xml/>", 403),
        (signed(), b"", 400),
        (signed(), b"not xml", 400),
        (signed(), b'<!DOCTYPE x [<!ENTITY a "a">]><xml>&a;</xml>', 400),
        (signed(), b"<xml><FromUserName>a</FromUserName></xml>", 400),
        (signed(), b"<xml>" + b"x" * 70_000 + b"</xml>", 413),
    ],
)
def test_what_is_not_a_push_of_wechats_does_nothing(
    asking: Callable[[], FlaskClient], tx: Tx, query: dict[str, str], body: bytes, status: int
) -> None:
    assert asking().post(PUSH, query_string=query, data=body).status_code == status
    with tx() as session:
        assert (count(session, "inbox"), count(session, "member")) == (0, 0)


def test_a_hostile_fan_gets_a_polite_answer(asking: Callable[[], FlaskClient]) -> None:
    told = push(asking(), "fan-1", AT, MsgType="text", Content="]]><b>&amp;", MsgId="7")
    assert told.status_code in (200, 400)
    for number, said in enumerate(["' or 1=1 --", "衬衫" * 500, "\U0001f600", "%_\\"]):
        response = push(asking(), "fan-1", AT, MsgType="text", Content=said, MsgId=str(100 + number))
        assert response.status_code == 200


def test_a_push_is_not_said_to_be_taken_while_the_database_is_away(phoned: Parts) -> None:
    nowhere = open_tx(open_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=1))
    client = create_app(parts=replace(phoned, callback_tx=nowhere)).test_client()
    body = push_body("fan-1", AT, MsgType="event", Event="subscribe", EventKey="")
    assert client.post(PUSH, query_string=signed(), data=body).status_code == 503


def test_a_question_is_not_said_to_be_taken_while_the_database_is_away(phoned: Parts, tx: Tx) -> None:
    engine = open_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    away = replace(phoned, callback_tx=open_tx(engine), callback_stroke=open_stroke(engine, deadline_s=2))
    client = create_app(parts=away).test_client()
    assert push(client, "fan-1", AT, MsgType="text", Content="x" * 60, MsgId="9").status_code == 503
    with tx() as session:
        assert count(session, "inbox") == 0


def test_tch_2_fifty_deliveries_of_a_question_at_once_have_one_answer(
    asking: Callable[[], FlaskClient], tx: Tx
) -> None:
    push(asking(), "fan-1", AT, MsgType="text", Content="y" * 60, MsgId="8")
    said = {"MsgType": "text", "Content": "x" * 60, "MsgId": "9"}
    answers = at_once(50, lambda _: push(asking(), "fan-1", AT, **said).data.split(b"<Content>")[1])
    assert len(set(answers)) == 1
    with tx() as session:
        assert (count(session, "inbox"), count(session, "member")) == (2, 1)


def test_an_answer_that_takes_too_long_follows_as_a_job(
    asking: Callable[[], FlaskClient], tx: Tx, engine: Engine
) -> None:
    with tx() as session:
        a_shop(session)
    said = {"MsgType": "text", "Content": "衬衫", "MsgId": "77"}
    with engine.begin() as other:
        other.execute(text("lock table product in access exclusive mode"))
        response = push(asking(), "fan-1", AT, **said)
        assert (response.status_code, response.data) == (200, b"success")
        assert push(asking(), "fan-1", AT, **said).data == b"success"
    with tx() as session:
        jobs = session.execute(text("select task_name, args from procrastinate_jobs")).all()
        asked = [job.args["about"] for job in jobs if job.task_name == "answer_late"]
    assert asked == ["衬衫"]


def test_cns_3_a_place_is_not_kept_for_a_later_answer(
    asking: Callable[[], FlaskClient], tx: Tx, engine: Engine
) -> None:
    place = {"MsgType": "location", "Location_X": "22.5", "Location_Y": "114.0", "MsgId": "78"}
    with engine.begin() as other:
        other.execute(text("lock table store in access exclusive mode"))
        assert push(asking(), "fan-1", AT, **place).status_code == 503
    with tx() as session:
        assert (count(session, "inbox"), count(session, "procrastinate_jobs")) == (0, 0)
