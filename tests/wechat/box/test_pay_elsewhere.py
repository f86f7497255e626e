"""Orders that are not paid inside WeChat: by a code on a screen, from a browser, from an app; wechatpayv3 asks."""

import base64
import json
import secrets
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from wechatpayv3 import WeChatPay, WeChatPayType

from tests.wechat.box.shop import Shop
from tests.wechat.box.world import Ear, RunningBox

H5 = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap", "app_name": "澜序"}}


def peer(sandbox: RunningBox, kind: WeChatPayType) -> WeChatPay:
    return sandbox.merchant(wechatpay_type=kind)


def ordered(shop: Shop, kind: WeChatPayType, number: str = "", **more: Any) -> tuple[int, Any]:
    status, text = peer(shop.box, kind).pay(
        description="澜序 外套",
        out_trade_no=number or "E" + secrets.token_hex(8),
        amount={"total": 100},
        notify_url=shop.ear.url + "/paid",
        **more,
    )
    return status, json.loads(text)


@pytest.fixture
def shop(sandbox: RunningBox, ear: Ear) -> Shop:
    return Shop(sandbox, ear)


@pytest.mark.parametrize(
    ("kind", "more", "member", "trade_type"),
    [
        (WeChatPayType.NATIVE, {}, "code_url", "NATIVE"),
        (WeChatPayType.H5, {"scene_info": H5}, "h5_url", "MWEB"),
        (WeChatPayType.APP, {}, "prepay_id", "APP"),
    ],
)
def test_an_order_is_paid_by_whoever_opens_it_and_told_with_its_type(
    shop: Shop, kind: WeChatPayType, more: dict[str, Any], member: str, trade_type: str
) -> None:
    number = "E" + secrets.token_hex(8)
    status, told = ordered(shop, kind, number, **more)
    assert (status, list(told)) == (200, [member])
    before = shop.query(number)[1]
    assert (before["trade_state"], "payer" in before, "trade_type" in before) == ("NOTPAY", False, False)
    seen = shop.box.post("/pay/look", **told)["bill"]
    assert seen == {"out_trade_no": number, "description": "澜序 外套", "total_fen": 100, "state": "NOTPAY"}
    other = shop.box.person(name="小竹")  # nobody was named as the payer
    shop.box.post(f"/persons/{other['id']}/pay", **told)
    notice = shop.read(shop.ear.wait_for(1)[0])["resource"]
    for trade in (notice, shop.query(number)[1]):
        assert (trade["trade_type"], trade["trade_state"]) == (trade_type, "SUCCESS")
        assert trade["payer"] == {"openid": other["mp_openid"]}
    again = shop.box.post(f"/persons/{shop.shopper['id']}/pay", 409, **told)
    assert again["error"]["code"] == "ORDER_PAID"


def test_the_addresses_look_like_wechats_and_are_new_each_time(shop: Shop) -> None:
    number = "E" + secrets.token_hex(8)
    codes = {ordered(shop, WeChatPayType.NATIVE, number)[1]["code_url"] for _ in range(2)}
    assert len(codes) == 2
    assert all(code.startswith("weixin://wxpay/bizpayurl?pr=") for code in codes)
    link = ordered(shop, WeChatPayType.H5, scene_info=H5)[1]["h5_url"]
    assert link.startswith("https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx")


def test_a_number_keeps_its_way_of_paying(shop: Shop) -> None:
    number = "E" + secrets.token_hex(8)
    assert ordered(shop, WeChatPayType.NATIVE, number)[0] == 200
    status, told = ordered(shop, WeChatPayType.APP, number)
    assert (status, told["code"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (WeChatPayType.H5, {"scene_info": {"payer_client_ip": "203.0.113.7"}}),
        (WeChatPayType.H5, {"scene_info": {"h5_info": {"type": "Wap"}}}),
        (WeChatPayType.NATIVE, {"payer": {"openid": "o"}}),
        (WeChatPayType.APP, {"payer": {"openid": "o"}}),
    ],
)
def test_each_way_has_its_own_members(shop: Shop, kind: WeChatPayType, more: dict[str, Any]) -> None:
    status, told = ordered(shop, kind, **more)
    assert (status, told["code"]) == (400, "PARAM_ERROR")


def test_a_link_for_browsers_ends_after_five_minutes_and_a_code_after_two_hours(shop: Shop) -> None:
    link = ordered(shop, WeChatPayType.H5, scene_info=H5)[1]
    code = ordered(shop, WeChatPayType.NATIVE)[1]
    pay = f"/persons/{shop.shopper['id']}/pay"
    shop.box.post("/clock", offset_s=301)
    assert shop.box.post(pay, 409, **link)["error"]["code"] == "PREPAY_EXPIRED"
    shop.box.post("/clock", offset_s=7201)
    assert shop.box.post(pay, 409, **code)["error"]["code"] == "PREPAY_EXPIRED"
    assert (
        shop.box.post(pay, 409, code_url="weixin://wxpay/bizpayurl?pr=x")["error"]["code"] == "PREPAY_UNKNOWN"
    )


def test_what_an_app_hands_to_the_sdk_is_verified(shop: Shop) -> None:
    pay = shop.box.told["pay"]
    prepay_id = ordered(shop, WeChatPayType.APP)[1]["prepay_id"]
    key = load_pem_private_key(pay["merchant_private_key_pem"].encode(), None)
    assert isinstance(key, RSAPrivateKey)
    appid = shop.box.told["mp"]["appid"]
    message = f"{appid}\n1767225600\nNONCE\n{prepay_id}\n".encode()
    given = {
        "appid": appid,
        "partnerid": pay["mchid"],
        "prepayid": prepay_id,
        "package": "Sign=WXPay",
        "noncestr": "NONCE",
        "timestamp": "1767225600",
        "sign": base64.b64encode(key.sign(message, PKCS1v15(), SHA256())).decode(),
    }
    door = f"/persons/{shop.shopper['id']}/pay"
    assert shop.box.post(door, 409, **{**given, "noncestr": "OTHER"})["error"]["code"] == "SIGN_ERROR"
    assert shop.box.post(door, 409, **{**given, "partnerid": "1"})["error"]["code"] == "PARAM_ERROR"
    assert shop.box.post(door, **given)["state"] == "SUCCESS"


def test_tokens_are_given_to_allowed_addresses_only(sandbox: RunningBox) -> None:
    account = sandbox.told["oa"]
    asked = {"grant_type": "client_credential", "appid": account["appid"], "secret": account["secret"]}

    def errcodes() -> list[int]:
        stable = sandbox.http.post(f"{sandbox.base}/cgi-bin/stable_token", json=asked, timeout=5).json()
        classic = sandbox.http.get(f"{sandbox.base}/cgi-bin/token", params=asked, timeout=5).json()
        for one in (stable, classic):
            if "errcode" in one:
                assert one["errmsg"].startswith("invalid ip 127.0.0.1, not in whitelist rid: ")
        return [one.get("errcode", 0) for one in (stable, classic)]

    sandbox.post("/settings", ip_allow_list=["203.0.113.7", "2001:db8::/32"])
    assert errcodes() == [40164, 40164]
    sandbox.post("/settings", ip_allow_list=["127.0.0.0/8"])
    assert errcodes() == [0, 0]
    sandbox.post("/settings", 400, ip_allow_list=["somewhere"])
    sandbox.post("/settings", ip_allow_list=None)
    assert errcodes() == [0, 0]


def test_transfers_are_taken_from_allowed_addresses_only(shop: Shop) -> None:
    def asked() -> tuple[int, str]:
        status, text = shop.peer.mch_transfer_bills(
            out_bill_no=secrets.token_hex(8),
            transfer_scene_id="1000",
            openid=shop.shopper["mp_openid"],
            transfer_amount=100,
            transfer_remark="x",
            notify_url=shop.ear.url + "/t",
            transfer_scene_report_infos=[
                {"info_type": "活动名称", "info_content": "x"},
                {"info_type": "奖励说明", "info_content": "x"},
            ],
        )
        return status, json.loads(text).get("code", "")

    shop.box.post("/settings", transfer_ip_allow_list=["203.0.113.7"])
    assert asked() == (403, "NO_AUTH")
    shop.box.post("/settings", transfer_ip_allow_list=None)
    assert asked() == (200, "")
