"""HTTPS under WeChat's own names: clients with hard-coded hosts need nothing but the box's authority.

wechatpayv3 runs here as it is: its gateway is hard-coded, so it is led by a proxy instead of a hosts file, and
trusts the authority through REQUESTS_CA_BUNDLE.
"""

import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from wechatpayv3 import WeChatPay, WeChatPayType

from tests.wechat.box.relay import relay_to
from tests.wechat.box.shop import Shop, refused, set_clock, told
from tests.wechat.box.world import Ear, RunningBox

# wechatpayv3 compares naive times when it seals in certificate mode (WECHAT_PAY.md 11.2-18).
NAIVE = pytest.mark.filterwarnings("ignore:Properties that return a na")
NAMES = (
    *("api.weixin.qq.com", "api.mch.weixin.qq.com", "api2.mch.weixin.qq.com", "mp.weixin.qq.com"),
    *("open.weixin.qq.com", "localhost", "127.0.0.1"),
)


class Secured:
    """A box with --tls, its authority in a file, and a proxy that leads every name to it."""

    def __init__(self, sandbox: RunningBox, ca: Path, proxy: str, asked: list[str]) -> None:
        self.box, self.ca, self.proxy, self.asked = sandbox, ca, proxy, asked

    def merchant(self, **changes: Any) -> WeChatPay:
        """wechatpayv3 with nothing patched."""
        pay = self.box.told["pay"]
        given: dict[str, Any] = {
            "wechatpay_type": WeChatPayType.MINIPROG,
            "mchid": pay["mchid"],
            "private_key": pay["merchant_private_key_pem"],
            "cert_serial_no": pay["merchant_serial"],
            "appid": self.box.told["mp"]["appid"],
            "apiv3_key": pay["apiv3_key"],
            "public_key": pay["platform_public_key_pem"],
            "public_key_id": pay["platform_public_key_id"],
            "proxy": {"https": self.proxy},
            "timeout": (2, 5),
        }
        return WeChatPay(**(given | changes))

    def certified(self) -> WeChatPay:
        """The same in certificate mode: its constructor downloads the certificates."""
        return self.merchant(public_key=None, public_key_id=None)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """One box with TLS for this file."""
    state = tmp_path_factory.mktemp("tls")
    sandbox = RunningBox(state, "--tls", "--exit-with-parent")
    ca = state / "ca.pem"
    ca.write_text(sandbox.told["ca_pem"])
    with relay_to(int(sandbox.base.rpartition(":")[2])) as (proxy, asked):
        yield Secured(sandbox, ca, proxy, asked)
    assert sandbox.stop() == 0


@pytest.fixture
def secured(running: Secured, monkeypatch: pytest.MonkeyPatch) -> Secured:
    """The box, swept; programs in this process trust its authority."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.ca))
    running.box.post("/reset")
    running.box.post("/settings", merchant_mode="key-only", platform_certificate="ordinary", faults={})
    running.asked.clear()
    return running


def test_line_tells_two_origins_and_the_authority(secured: Secured) -> None:
    line = secured.box.told
    assert line["api_base"] == line["mp_base"] == line["pay_base"]
    assert re.fullmatch(r"https://127\.0\.0\.1:\d+", line["pay_base"])
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", line["control_base"])
    assert secured.box.get("/about") == line
    ca = x509.load_pem_x509_certificate(line["ca_pem"].encode())
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is True


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_served_and_strictly_verified(secured: Secured, name: str) -> None:
    host, _, port = secured.box.base.removeprefix("https://").partition(":")
    context = ssl.create_default_context(cadata=secured.box.told["ca_pem"])
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection((host, int(port)), timeout=5) as line,
        context.wrap_socket(line, server_hostname=name) as talk,
    ):
        assert talk.version() in ("TLSv1.2", "TLSv1.3")


def test_other_names_and_other_authorities_are_refused(secured: Secured) -> None:
    host, _, port = secured.box.base.removeprefix("https://").partition(":")
    trusting = ssl.create_default_context(cadata=secured.box.told["ca_pem"])
    for context, name in ((trusting, "pay.weixin.qq.com"), (ssl.create_default_context(), NAMES[0])):
        with (
            socket.create_connection((host, int(port)), timeout=5) as line,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(line, server_hostname=name)


def test_requests_calls_the_official_account_by_its_name(secured: Secured) -> None:
    account = secured.box.told["oa"]
    answer = requests.post(
        "https://api.weixin.qq.com/cgi-bin/stable_token",
        json={
            "grant_type": "client_credential",
            "appid": account["appid"],
            "secret": account["secret"],
        },
        proxies={"https": secured.proxy},
        verify=str(secured.ca),
        timeout=5,
    )
    assert answer.json()["expires_in"] == 7200
    assert secured.asked == ["api.weixin.qq.com:443"]


def test_a_silent_caller_holds_up_nobody(secured: Secured) -> None:
    host, _, port = secured.box.base.removeprefix("https://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5):
        answer = requests.get(f"{secured.box.base}/cgi-bin/token", verify=str(secured.ca), timeout=2)
        assert answer.json()["errcode"] == 40002


def test_order_refund_and_bill_with_an_unpatched_peer(secured: Secured, ear: Ear) -> None:
    shop = Shop(secured.box, ear, secured.merchant())
    day = set_clock(secured.box, 1, 12)
    shop.paid("ORDER-1")
    assert shop.read(ear.heard[0])["resource"]["out_trade_no"] == "ORDER-1"
    assert shop.query("ORDER-1")[1]["trade_state"] == "SUCCESS"
    assert shop.refund("ORDER-1", "R-1", 40)[0] == 200
    set_clock(secured.box, 2, 11)
    bill = told(shop.peer.trade_bill(day))
    assert bill["download_url"].startswith("https://api.mch.weixin.qq.com/v3/billdownload/file?token=")
    status, content = shop.peer.download_bill(bill["download_url"])
    assert (status, content[:2]) == (200, b"\x1f\x8b")
    assert set(secured.asked) == {"api.mch.weixin.qq.com:443"}


def test_every_family_of_calls_with_an_unpatched_peer(secured: Secured, ear: Ear) -> None:
    shop, peer = Shop(secured.box, ear, secured.merchant()), secured.merchant()
    openid, mchid = shop.shopper["mp_openid"], secured.box.told["pay"]["mchid"]
    shop.prepay("ORDER-1")
    assert peer.close("ORDER-1")[0] == 204
    subs = [
        {
            "mchid": mchid,
            "attach": "x",
            "amount": {"total_amount": fen, "currency": "CNY"},
            "out_trade_no": f"PART-{fen}",
            "description": "货",
        }
        for fen in (300, 201)
    ]
    whole = {"combine_payer_info": {"openid": openid}, "notify_url": ear.url + "/combined"}
    shop.pay(told(peer.combine_pay("WHOLE-1", subs, **whole))["prepay_id"])
    assert len(told(peer.combine_query("WHOLE-1"))["sub_orders"]) == 2
    transaction = shop.shared("ORDER-2")
    told(peer.profitsharing_add_receiver("PERSONAL_OPENID", openid, "STAFF", name="小兰"))
    part = {"type": "PERSONAL_OPENID", "account": openid, "amount": 700, "description": "佣金"}
    told(peer.profitsharing_order(transaction, "S-1", [part], False))
    assert told(peer.profitsharing_order_query(transaction, "S-1"))["receivers"][0]["amount"] == 700
    assert told(peer.profitsharing_amount_query(transaction))["unsplit_amount"] == 9240
    reports = [{"info_type": "岗位类型", "info_content": "a"}, {"info_type": "报酬说明", "info_content": "b"}]
    given = {"transfer_scene_report_infos": reports, "notify_url": ear.url + "/transferred"}
    asked = told(peer.mch_transfer_bills("T1", "1005", openid, 200_000, "佣金", "小兰", **given))
    assert asked["state"] == "WAIT_USER_CONFIRM"
    assert told(peer.mch_transfer_bills_cancel("T1"))["state"] == "CANCELING"
    assert set(secured.asked) == {"api.mch.weixin.qq.com:443"}


@NAIVE
def test_certificate_mode_from_the_first_download(secured: Secured, ear: Ear) -> None:
    secured.box.post("/settings", merchant_mode="cert-only")
    shop = Shop(secured.box, ear, secured.certified())
    shop.paid("ORDER-1")
    serial = secured.box.told["pay"]["platform_serial"]
    assert ear.heard[0].headers["Wechatpay-Serial"] == serial
    assert shop.read(ear.heard[0])["event_type"] == "TRANSACTION.SUCCESS"
    named = {"account_type": "PERSONAL_OPENID", "account": shop.shopper["mp_openid"], "name": "小兰"}
    assert shop.peer.profitsharing_add_receiver(relation_type="STAFF", **named)[0] == 200


@NAIVE
def test_a_serial_that_begins_with_zero(secured: Secured, ear: Ear) -> None:
    secured.box.post("/settings", merchant_mode="cert-only", platform_certificate="zero")
    shop = Shop(secured.box, ear, secured.certified())
    shop.paid("ORDER-1")
    assert re.fullmatch(r"0[0-9A-F]{39}", ear.heard[0].headers["Wechatpay-Serial"])
    assert shop.read(ear.heard[0])["event_type"] == "TRANSACTION.SUCCESS"
    # wechatpayv3 drops the zero when it names the certificate (WECHAT_PAY.md 11.2-9): the gateway cannot know it.
    named = {"account_type": "PERSONAL_OPENID", "account": shop.shopper["mp_openid"], "name": "小兰"}
    refused(
        shop.peer.profitsharing_add_receiver(relation_type="STAFF", **named),
        400,
        "PARAM_ERROR",
        "(Wechatpay-Serial)有误",
    )


def test_a_key_peer_without_certificates_cannot_start_in_certificate_mode(secured: Secured) -> None:
    with pytest.raises(Exception, match="No wechatpay platform certificate"):
        secured.certified()


def test_authority_and_serials_survive_a_restart(tmp_path: Path) -> None:
    lines = []
    for more in ([], ["--zero-serial"], []):
        sandbox = RunningBox(tmp_path, "--tls", *more)
        lines.append(sandbox.told)
        assert sandbox.stop() == 0
    assert lines[0]["ca_pem"] == lines[1]["ca_pem"]
    assert re.fullmatch(r"[1-7][0-9A-F]{39}", lines[0]["pay"]["platform_serial"])
    assert re.fullmatch(r"0[0-9A-F]{39}", lines[1]["pay"]["platform_serial"])
    # A setting stays set.
    assert lines[2]["pay"] == lines[1]["pay"]
    for line in lines:
        certificate = x509.load_pem_x509_certificate(line["pay"]["platform_certificate_pem"].encode())
        assert f"{certificate.serial_number:040X}" == line["pay"]["platform_serial"]
    assert (tmp_path / "tls.pem").stat().st_mode & 0o077 == 0


def test_plain_box_tells_no_authority(sandbox: RunningBox) -> None:
    assert "ca_pem" not in sandbox.told
    assert sandbox.told["control_base"] == sandbox.told["pay_base"]
    assert sandbox.get("/about") == sandbox.told
