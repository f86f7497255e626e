"""The mini-program's push door: proof, both forms, what is kept and what is not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app import create_app
from app.base.db import Tx, open_engine, open_tx
from app.members.meeting import meet
from app.wiring import Parts
from models.members import AppKind
from tests.doors.phoned import push_body, signed, with_telephone
from tests.make import count
from tests.people import MP
from tests.racing import at_once
from tests.wechat.pushes import KEY, OLD_KEY
from wechat.envelope import AesKey, signature
from wechat.http import Http
from wechat.mini_program import MiniProgram, MiniProgramConfig
from wechat.tokens import MemoryTokenStore, Tokens

DOOR, TOKEN = "/callbacks/wechat/mp", "pushtoken"
AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
TRADE = {
    "transaction_id": "4200000001",
    "merchant_id": "1900000001",
    "merchant_trade_no": "P1",
    "pay_time": "1772337600",
}


def a_program(token: str = TOKEN, *, safe: bool = False, keys: tuple[str, ...] = ()) -> MiniProgram:
    config = MiniProgramConfig(MP, "s", "http://127.0.0.1:1", token, keys, safe)
    return MiniProgram(config, Http(), Tokens(MP, "s", MemoryTokenStore(), lambda a, s: ("t", 7200)))


@pytest.fixture
def asking(parts: Parts) -> Iterator[Callable[[MiniProgram], FlaskClient]]:
    with with_telephone(parts) as (phoned, _):
        yield lambda mp: create_app(parts=replace(phoned, wechat=replace(phoned.wechat, mp=mp))).test_client()


@pytest.fixture
def client(asking: Callable[[MiniProgram], FlaskClient]) -> FlaskClient:
    return asking(a_program())


def pushed(client: FlaskClient, openid: str = "mp-1", **elements: Any) -> Any:
    """A push in JSON, as mini-programs have it by default."""
    common = {"ToUserName": "gh_1", "FromUserName": openid, "CreateTime": int(AT.timestamp())}
    return client.post(DOOR, query_string=signed(), data=json.dumps(common | elements))


def event(client: FlaskClient, name: str, **elements: Any) -> Any:
    return pushed(client, MsgType="event", Event=name, **elements)


def kept(tx: Tx) -> list[tuple[str, dict[str, Any]]]:
    with tx() as session:
        rows = session.execute(text("select source, kind, detail from inbox order by received_at")).all()
        assert {row.source for row in rows} <= {"wechat.mp"}
        return [(row.kind, row.detail) for row in rows]


def test_without_a_token_the_door_says_that_it_is_none(
    asking: Callable[[MiniProgram], FlaskClient], tx: Tx
) -> None:
    client = asking(a_program(token=""))
    for answer in (client.get(DOOR, query_string=signed() | {"echostr": "1"}), event(client, "debug_demo")):
        assert answer.status_code == 404
        assert answer.text == "No message push is configured for the mini-program: MP_TOKEN is not set.\n"
    assert kept(tx) == []


def test_the_console_gets_its_echo_back_exactly(client: FlaskClient) -> None:
    answer = client.get(DOOR, query_string=signed() | {"echostr": "4375120948345356249"})
    assert (answer.status_code, answer.data) == (200, b"4375120948345356249")
    wrong = signed() | {"echostr": "1", "signature": "0" * 40}
    assert client.get(DOOR, query_string=wrong).status_code == 403


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ({}, b"", 403),
        (signed() | {"signature": "0" * 40}, b"{}", 403),
        (signed(), b"{", 400),
        (signed(), b"[]", 400),
        (signed(), b'{"FromUserName": "a"}', 400),
        (signed(), b"{" * 40_000, 400),
        (signed(), b'<!DOCTYPE x [<!ENTITY a "a">]><xml>&a;</xml>', 400),
        (signed(), b"x" * 70_000, 413),
    ],
)
def test_what_is_not_a_push_of_wechats_does_nothing(
    client: FlaskClient, tx: Tx, query: dict[str, str], body: bytes, status: int
) -> None:
    assert client.post(DOOR, query_string=query, data=body).status_code == status
    assert kept(tx) == []


def test_a_settlement_is_told_twice_and_kept_twice_repeats_aside(client: FlaskClient, tx: Tx) -> None:
    shipped = TRADE | {"shipped_time": 1772341200, "estimated_settlement_time": 1773201600}
    settled = TRADE | {
        "confirm_receive_method": 2,
        "confirm_receive_time": 1773201000,
        "settlement_time": 1773201600,
    }
    for facts in (shipped, settled, settled, shipped):
        assert event(client, "trade_manage_order_settlement", **facts).data == b"success"
    first, second = kept(tx)
    assert (first[0], second[0]) == ("Settlement", "Settlement")
    assert first[1] == {
        "transaction_id": "4200000001",
        "mchid": "1900000001",
        "out_trade_no": "P1",
        "paid_at": "2026-03-01T04:00:00+00:00",
        "shipped_at": "2026-03-01T05:00:00+00:00",
        "expected_at": "2026-03-11T04:00:00+00:00",
        "received_at": None,
        "settled_at": None,
        "by_hand": None,
        "identity_id": None,
    }
    assert (second[1]["settled_at"], second[1]["by_hand"]) == ("2026-03-11T04:00:00+00:00", False)


def test_the_verdict_of_a_check_is_kept(client: FlaskClient, tx: Tx) -> None:
    result = {"suggest": "risky", "label": 20002}
    for trace_id in ("t-1", "t-2", "t-1"):  # two in one second, and one again
        event(
            client,
            "wxa_media_check",
            appid=MP,
            trace_id=trace_id,
            version=2,
            result=result,
            errcode=0,
            errmsg="ok",
        )
    assert kept(tx) == [
        (
            "MediaChecked",
            {"trace_id": trace_id, "suggest": "risky", "label": 20002, "error_code": 0, "identity_id": None},
        )
        for trace_id in ("t-1", "t-2")
    ]


def test_withdrawn_consent_names_the_person_by_our_row(client: FlaskClient, tx: Tx) -> None:
    with tx() as session:
        known = meet(session, app=AppKind.MP, appid=MP, openid="mp-openid-7", now=AT).identity_id
    revoked = {"OpenID": "mp-openid-7", "AppID": MP, "RevokeInfo": "8,13"}
    assert event(client, "user_authorization_revoke", **revoked).data == b"success"
    ((kind, detail),) = kept(tx)
    assert (kind, detail["kinds"], detail["identity_id"]) == ("ConsentRevoked", ["8", "13"], known)
    assert "mp-openid-7" not in json.dumps(detail)


def test_answers_about_subscribe_messages_are_kept(client: FlaskClient, tx: Tx) -> None:
    asked = {"TemplateId": "T1", "SubscribeStatusString": "accept", "PopupScene": "0"}
    event(client, "subscribe_msg_popup_event", List=asked)  # an object, where it is one
    event(
        client,
        "subscribe_msg_sent_event",
        List={"TemplateId": "T1", "MsgID": "9", "ErrorCode": "0", "ErrorStatus": "success"},
    )
    (popup, sent) = kept(tx)
    assert popup[1]["answers"] == [{"template_id": "T1", "accepted": True, "where": "0"}]
    assert sent[1]["results"] == [
        {"template_id": "T1", "message_id": "9", "error_code": 0, "status": "success"}
    ]


def test_an_unknown_push_is_kept_as_it_came_but_for_what_is_personal(client: FlaskClient, tx: Tx) -> None:
    inside = {"openid": "mp-secret", "state": "3", "user": {"OpenID": "mp-secret", "n": [1, {"phone": "1"}]}}
    assert event(client, "something_new", info=inside).data == b"success"
    ((kind, detail),) = kept(tx)
    assert kind == "event.something_new"
    assert detail["raw"]["info"] == {"state": "3", "user": {"n": [1, {}]}}
    assert (detail["raw"]["Event"], "FromUserName" in detail["raw"]) == ("something_new", False)
    event(client, "something_big", text="x" * 20_000)
    assert kept(tx)[1][1] == {"raw": "too large"}


def test_what_a_person_writes_goes_to_the_desk_and_is_not_kept(client: FlaskClient, tx: Tx) -> None:
    answers = [pushed(client, MsgType="text", Content="我的订单呢", MsgId=7) for _ in range(2)]
    for answer in answers:
        assert answer.content_type == "application/json; charset=utf-8"
        assert answer.json["MsgType"] == "transfer_customer_service"
        assert (answer.json["ToUserName"], answer.json["FromUserName"]) == ("mp-1", "gh_1")
    assert event(client, "user_enter_tempsession", SessionFrom="order:1").data == b"success"
    assert kept(tx) == [("Said", {}), ("ChatEntered", {"session_from": "order:1"})]
    xml = client.post(
        DOOR, query_string=signed(), data=push_body("mp-1", AT, MsgType="image", MediaId="m", MsgId="8")
    )
    assert xml.content_type == "application/xml; charset=utf-8"
    assert b"<MsgType><![CDATA[transfer_customer_service]]></MsgType>" in xml.data


def test_safe_mode_takes_both_keys_during_a_change_and_no_plain_body(
    asking: Callable[[MiniProgram], FlaskClient], tx: Tx
) -> None:
    client = asking(a_program(safe=True, keys=(KEY, OLD_KEY)))
    for number, key in enumerate((KEY, OLD_KEY)):
        message = {"ToUserName": "gh_1", "FromUserName": "mp-1", "CreateTime": 1772337600, "MsgType": "event"}
        inside = json.dumps(message | {"Event": "debug_demo", "debug_str": str(number)}).encode()
        sealed = AesKey(key).encrypt(inside, MP)
        query = signed() | {
            "encrypt_type": "aes",
            "msg_signature": signature(TOKEN, "1772337600", "n0nce", sealed),
        }
        body = json.dumps({"ToUserName": "gh_1", "Encrypt": sealed})
        assert client.post(DOOR, query_string=query, data=body).data == b"success"
    assert event(client, "debug_demo").status_code == 403
    assert {kind for kind, _ in kept(tx)} == {"ConsoleTested"}


def test_tch_2_fifty_deliveries_at_once_are_one_row(
    asking: Callable[[MiniProgram], FlaskClient], tx: Tx
) -> None:
    program = a_program()
    app = asking(program).application
    facts = TRADE | {"msg": "请尽快发货"}
    answers = at_once(50, lambda _: event(app.test_client(), "trade_manage_remind_shipping", **facts).data)
    assert set(answers) == {b"success"}
    assert [kind for kind, _ in kept(tx)] == ["ShippingWanted"]


def test_a_push_is_not_said_to_be_taken_while_the_database_is_away(parts: Parts, tx: Tx) -> None:
    nowhere = open_tx(open_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=1))
    with with_telephone(parts) as (phoned, _):
        away = replace(phoned, wechat=replace(phoned.wechat, mp=a_program()), callback_tx=nowhere)
        assert event(create_app(parts=away).test_client(), "debug_demo").status_code == 503
    with tx() as session:
        assert count(session, "inbox") == 0
