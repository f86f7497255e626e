"""Signatures and seals of WeChat Pay against published vectors, byte for byte, and against wechatpayv3."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import aes_decrypt, rsa_verify

from tests.wechat import vectors as v
from tests.wechat.local import serving
from tests.wechat.merchant import (
    APPID,
    FAN,
    KEY_ID,
    MCHID,
    MERCHANT_KEY,
    MERCHANT_PEM,
    NOW,
    PLATFORM_PEM,
    SECONDS,
    SERIAL,
    TRADE,
    a_config,
    a_notice,
    a_pay,
    answering,
    signed_headers,
)
from wechat.errors import BadSignature
from wechat.http import Http
from wechat.pay import Paid, Pay
from wechat.pay.platform_keys import PlatformKeys
from wechat.pay.signing import MerchantKey, NoticeKey, lines

OURS = MerchantKey(MCHID, SERIAL, MERCHANT_PEM)
PUBLIC_PEM = MERCHANT_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_wechatpay_go_signature_over_source() -> None:
    assert OURS.sign(b"source") == v.SIGNED_SOURCE


@pytest.mark.parametrize("name", v.SIGNED)
def test_derived_signatures(name: str) -> None:
    message, signature = v.SIGNED[name]
    assert OURS.sign(message.encode()) == signature
    assert lines(*message[:-1].split("\n")) == message.encode()


@pytest.mark.parametrize("name", ["close", "query"])
def test_derived_authorization(name: str) -> None:
    message, signature = v.SIGNED[name]
    method, target, seconds, nonce, body, _ = message.split("\n")
    given = OURS.authorization(method, target, body.encode(), seconds=int(seconds), nonce=nonce)
    assert given == (
        f'WECHATPAY2-SHA256-RSA2048 mchid="{MCHID}",nonce_str="{nonce}",signature="{signature}",'
        f'timestamp="{seconds}",serial_no="{SERIAL}"'
    )


def test_derived_answer_204_is_verified_over_its_empty_body() -> None:
    headers = {
        "wechatpay-timestamp": "1767225600",
        "wechatpay-nonce": "593BEC0C930BF1AFEB40B4A08C8FB242",
        "wechatpay-serial": KEY_ID,
        "wechatpay-signature": v.SIGNED["answer_204"][1],
    }
    keys = PlatformKeys({KEY_ID: PUBLIC_PEM})
    keys.verify(headers, b"", seconds=1767225600 + 299)
    for body, seconds in ((b"\n", 1767225600), (b"", 1767225600 + 300), (b"", 1767225600 - 300)):
        with pytest.raises(BadSignature):
            keys.verify(headers, body, seconds=seconds)


def test_wechatpay_go_notice_verifies_and_opens() -> None:
    serial = v.NOTICE_HEADERS["Wechatpay-Serial"]
    keys = PlatformKeys({serial: PUBLIC_PEM})
    keys.verify(v.NOTICE_HEADERS, v.NOTICE_BODY, seconds=1624523846)
    with pytest.raises(BadSignature):
        keys.verify(v.NOTICE_HEADERS, v.NOTICE_BODY + b" ", seconds=1624523846)
    opened = NoticeKey(v.NOTICE_APIV3_KEY, any_length=True).open(
        "Kj7QIyUiYx1q", "payscore", v.NOTICE_CIPHERTEXT
    )
    assert json.loads(opened) == v.NOTICE_PLAINTEXT


@pytest.mark.parametrize("vector", v.SEALED)
def test_sealed_vectors(vector: v.Sealed) -> None:
    key = NoticeKey(vector.key, any_length=True)
    assert key.open(vector.nonce, vector.associated_data, vector.ciphertext).decode() == vector.plaintext


def test_the_derived_transaction_opens() -> None:
    opened = NoticeKey(v.DERIVED_APIV3_KEY).open("a1b2c3d4e5f6", "transaction", v.TRANSACTION_CIPHERTEXT)
    assert opened.decode() == v.TRANSACTION_PLAINTEXT


def test_payment_parameters_are_signed_for_the_appid() -> None:
    pay = Pay(a_config(), Http())
    given = pay.sign_payment(appid=APPID, prepay_id="wx2014", now=datetime(2026, 1, 1, tzinfo=UTC))
    assert (given["timeStamp"], given["package"], given["signType"]) == (
        "1767225600",
        "prepay_id=wx2014",
        "RSA",
    )
    message = f"{APPID}\n1767225600\n{given['nonceStr']}\nprepay_id=wx2014\n"
    assert given["paySign"] == OURS.sign(message.encode())
    assert re.fullmatch(r"[0-9a-f]{32}", given["nonceStr"])
    again = pay.sign_payment(appid=APPID, prepay_id="wx2014", now=datetime(2026, 1, 1, tzinfo=UTC))
    assert again["nonceStr"] != given["nonceStr"]


@contextmanager
def a_peer(gateway: str = "http://127.0.0.1:9") -> Iterator[WeChatPay]:
    """wechatpayv3 in public-key mode, on our gateway."""
    peer = WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=MCHID,
        private_key=MERCHANT_PEM,
        cert_serial_no=SERIAL,
        appid=APPID,
        apiv3_key=v.DERIVED_APIV3_KEY,
        notify_url="https://shop.example/paid",
        public_key=PLATFORM_PEM,
        public_key_id=KEY_ID,
        timeout=(1, 3),
    )
    peer._core._gate_way = gateway
    yield peer


def test_wechatpayv3_signs_payment_parameters_as_we_do() -> None:
    given = Pay(a_config(), Http()).sign_payment(appid=APPID, prepay_id="wx2014", now=NOW)
    with a_peer() as peer:
        assert given["paySign"] == peer.sign([APPID, given["timeStamp"], given["nonceStr"], given["package"]])
    message = [APPID, given["timeStamp"], given["nonceStr"], given["package"]]
    raw = base64.b64decode(given["paySign"])
    assert raw == base64.b64decode(OURS.sign(("\n".join(message) + "\n").encode()))


def test_wechatpayv3_and_we_open_the_same_notice() -> None:
    body = a_notice(TRADE)
    headers = signed_headers(body, seconds=SECONDS)
    ours = Pay(a_config(), Http()).open_notice(headers, body, now=NOW)
    with a_peer() as peer:
        theirs = peer.callback(headers, body.decode())
    assert isinstance(ours, Paid)
    assert theirs["event_type"] == ours.event_type
    assert theirs["resource"]["transaction_id"] == ours.trade.transaction_id == "4200000000202601010000000001"
    assert aes_decrypt("a1b2c3d4e5f6", v.TRANSACTION_CIPHERTEXT, "transaction", v.DERIVED_APIV3_KEY) == (
        v.TRANSACTION_PLAINTEXT
    )
    signature = headers["Wechatpay-Signature"]
    key = PlatformKeys({KEY_ID: PLATFORM_PEM})
    key.verify(headers, body, seconds=SECONDS)
    stamp, nonce = headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"]
    with a_peer() as peer:
        assert rsa_verify(stamp, nonce, body.decode(), signature, peer._core._public_key)


def test_wechatpayv3_sends_what_we_send() -> None:
    """The same gateway, which verifies each raw request, understands both; paths and bodies agree."""
    with serving(answering({"prepay_id": "wx1"})) as line, a_peer(line.base) as peer:
        status, _ = peer.pay(
            description="两件衬衫",
            out_trade_no="ORDER_1",
            amount={"total": 100, "currency": "CNY"},
            payer={"openid": FAN},
        )
        assert status == 200
        a_pay(line).prepay(
            appid=APPID,
            out_trade_no="ORDER_1",
            description="两件衬衫",
            amount_fen=100,
            openid=FAN,
            notify_url="https://shop.example/paid",
            expires_at=None,
        )
    theirs, ours = line.calls
    assert (theirs.method, theirs.target) == (ours.method, ours.target)
    assert json.loads(theirs.body) == json.loads(ours.body)
    with serving(answering(TRADE)) as line, a_peer(line.base) as peer:
        assert peer.query(out_trade_no="ORDER_1")[0] == 200
        assert a_pay(line).query("ORDER_1").amount_fen == 1
    assert line.calls[0].target == line.calls[1].target
