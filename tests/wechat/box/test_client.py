"""Our client and the box: two readings of the same rules, written apart, that must agree on every byte."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from tests.wechat.box.world import Ear, Heard, RunningBox, wait_until
from wechat.errors import BadSignature, Refused, Unknown
from wechat.events import Located, Said, Scanned, Subscribed, TextReply, Unsubscribed
from wechat.http import Http
from wechat.mini_program import MiniProgram, MiniProgramConfig
from wechat.official_account import OfficialAccount, OfficialAccountConfig
from wechat.pay import Paid, Pay, PayConfig, Refunded, RefundStatus, TradeState
from wechat.platform import stable_token
from wechat.tokens import MemoryTokenStore, Tokens


class Client:
    """Everything of the client, pointed at the box."""

    def __init__(self, sandbox: RunningBox, *, safe: bool = True) -> None:
        told, http = sandbox.told, Http()
        oa, mp, pay = told["oa"], told["mp"], told["pay"]

        def tokens(account: dict[str, str]) -> Tokens:
            return Tokens(
                account["appid"], account["secret"], MemoryTokenStore(), stable_token(http, sandbox.base)
            )

        self.appid: str = mp["appid"]
        self.oa = OfficialAccount(
            OfficialAccountConfig(
                oa["appid"], oa["secret"], oa["token"], (oa["aes_key"],), safe, sandbox.base, sandbox.base
            ),
            http,
            tokens(oa),
        )
        self.mp = MiniProgram(MiniProgramConfig(mp["appid"], mp["secret"], sandbox.base), http, tokens(mp))
        self.pay = Pay(
            PayConfig(
                mchid=pay["mchid"],
                apiv3_key=pay["apiv3_key"],
                merchant_serial=pay["merchant_serial"],
                merchant_private_key_pem=pay["merchant_private_key_pem"],
                public_key_id=pay["platform_public_key_id"],
                public_key_pem=pay["platform_public_key_pem"],
                base=sandbox.base,
                backup_base=sandbox.base,
            ),
            http,
        )

    def order(self, openid: str, url: str) -> tuple[str, str]:
        """A new order of 100 fen: its number and prepay_id."""
        number = "L" + secrets.token_hex(8)
        prepay_id = self.pay.prepay(
            appid=self.appid,
            out_trade_no=number,
            description="澜序 外套",
            amount_fen=100,
            openid=openid,
            notify_url=url,
            expires_at=datetime.now(UTC) + timedelta(minutes=15),
        )
        return number, prepay_id


@pytest.mark.parametrize("safe", [True, False])
def test_pushes_and_replies(sandbox: RunningBox, ear: Ear, safe: bool) -> None:
    client = Client(sandbox, safe=safe)
    events = []

    def answer(heard: Heard) -> tuple[int, bytes]:
        push = client.oa.open(heard.query, heard.body)
        events.append(push.event)
        return 200, client.oa.answer(push, TextReply("您好 ]]> & <b>"), now=datetime.now(UTC))

    ear.answer = answer
    sandbox.post("/settings", push_mode="safe" if safe else "plain")
    person = sandbox.person()
    path = f"/persons/{person['id']}"
    ticket = client.oa.create_code("s:店员1").ticket
    assert client.oa.show_code(ticket)[:3] == b"\xff\xd8\xff"
    sandbox.post(f"{path}/follow", ticket=ticket)
    sandbox.post(f"{path}/scan", ticket=ticket)
    said = sandbox.post(f"{path}/say", text="门店 ]]> <&")
    sandbox.post(f"{path}/locate", lat=31.5, lng=121.25, label="这里")
    sandbox.post(f"{path}/unfollow")
    followed, scanned, text, located, left = events
    assert isinstance(followed, Subscribed)
    assert isinstance(scanned, Scanned)
    assert isinstance(text, Said)
    assert isinstance(located, Located)
    assert isinstance(left, Unsubscribed)
    assert (followed.scene, followed.ticket) == ("s:店员1", ticket)
    assert (scanned.scene, scanned.ticket) == ("s:店员1", ticket)
    assert (text.text, str(text.message_id)) == ("门店 ]]> <&", said["message_id"])
    assert (float(located.lat), float(located.lng), located.label) == (31.5, 121.25, "这里")
    assert {event.openid for event in events} == {person["oa_openid"]}
    lines = [line["text"] for line in sandbox.get(f"{path}/chat")["messages"] if line["from"] == "account"]
    assert lines == ["您好 ]]> & <b>"] * 4


def test_callback_address_is_confirmed(sandbox: RunningBox, ear: Ear) -> None:
    client = Client(sandbox)
    ear.answer = lambda heard: (200, client.oa.verify_url(heard.query).encode())
    assert sandbox.post("/settings", callback_url=ear.url + "/oa")["callback_check"]["ok"] is True


def test_fans_and_messages(sandbox: RunningBox) -> None:
    client, person = Client(sandbox), sandbox.person()
    assert client.oa.fan(person["oa_openid"]).subscribed is False
    with pytest.raises(Refused) as refused:
        client.oa.send_text(person["oa_openid"], "早")
    assert str(refused.value.code) == "45015"
    sandbox.post(f"/persons/{person['id']}/follow", scene="s:2")
    fan = client.oa.fan(person["oa_openid"])
    assert (fan.subscribed, fan.unionid, fan.scene) == (True, person["unionid"], "s:2")
    client.oa.send_text(person["oa_openid"], "早")
    sandbox.post("/tokens/kill")
    assert client.oa.fan(person["oa_openid"]).subscribed is True


def test_login_phone_and_code(sandbox: RunningBox) -> None:
    client, person = Client(sandbox), sandbox.person(phone="13812345678")
    path = f"/persons/{person['id']}/mp"
    code = sandbox.post(f"{path}/login")["code"]
    session = client.mp.login(code)
    assert (session.openid, session.unionid) == (person["mp_openid"], person["unionid"])
    with pytest.raises(Refused) as refused:
        client.mp.login(code)
    assert str(refused.value.code) == "40163"
    phone = client.mp.phone(sandbox.post(f"{path}/phone")["code"], openid=session.openid)
    assert (phone.country_code, phone.number) == ("86", "13812345678")
    assert client.mp.unlimited_code("c=1", page="pages/home")[:3] == b"\xff\xd8\xff"


def test_payment_and_refund(sandbox: RunningBox, ear: Ear) -> None:
    client, person = Client(sandbox), sandbox.person()
    ear.answer = lambda heard: (204, b"")
    number, prepay_id = client.order(person["mp_openid"], ear.url + "/paid")
    assert client.pay.query(number).state == TradeState.NOTPAY
    signed = client.pay.sign_payment(appid=client.appid, prepay_id=prepay_id, now=datetime.now(UTC))
    paid = sandbox.post(f"/persons/{person['id']}/pay", **signed)
    notice = client.pay.open_notice(ear.heard[0].headers, ear.heard[0].body, now=datetime.now(UTC))
    assert isinstance(notice, Paid)
    assert notice.trade == client.pay.query(number)
    assert (notice.trade.state, notice.trade.amount_fen) == (TradeState.SUCCESS, 100)
    assert (notice.trade.transaction_id, notice.trade.payer_openid) == (
        paid["transaction_id"],
        person["mp_openid"],
    )
    with pytest.raises(Refused) as refused:
        client.pay.close(number)
    assert refused.value.code == "ORDER_PAID"
    asked = client.pay.refund(
        out_trade_no=number,
        out_refund_no="R" + number,
        refund_fen=40,
        total_fen=100,
        reason="尺码",
        notify_url=ear.url + "/refunded",
    )
    assert (asked.status, asked.refund_fen) == (RefundStatus.PROCESSING, 40)
    heard = ear.wait_for(2)[1]
    told = client.pay.open_notice(heard.headers, heard.body, now=datetime.now(UTC))
    assert isinstance(told, Refunded)
    assert (told.out_refund_no, told.refund_fen, told.total_fen) == ("R" + number, 40, 100)
    assert client.pay.query_refund("R" + number).status == RefundStatus.SUCCESS


def test_lost_answer_is_unknown_and_probe_is_a_bad_signature(sandbox: RunningBox, ear: Ear) -> None:
    client, person = Client(sandbox), sandbox.person()
    number, prepay_id = client.order(person["mp_openid"], ear.url + "/paid")
    sandbox.post(
        "/settings", faults={"unavailable_after": {"path": "/v3", "value": True}, "signtest_probe": 1}
    )
    with pytest.raises(Unknown):
        client.pay.close(number)
    sandbox.post("/settings", faults={"signtest_probe": 1})
    assert client.pay.query(number).state == TradeState.CLOSED
    number, prepay_id = client.order(person["mp_openid"], ear.url + "/paid")

    def answer(heard: Heard) -> tuple[int, bytes]:
        try:
            client.pay.open_notice(heard.headers, heard.body, now=datetime.now(UTC))
        except BadSignature:
            return 401, b""
        return 204, b""

    ear.answer = answer
    delivery = sandbox.post(f"/persons/{person['id']}/pay", prepay_id=prepay_id)["delivery"]
    assert [one["verdict"] for one in delivery["attempts"]] == ["probe refused", "accepted"]
    wait_until(lambda: client.pay.query(number).state == TradeState.SUCCESS)
