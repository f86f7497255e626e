"""The WeChat Pay half of scripts/fuzz_targets.py: a merchant whose gateway says whatever the input says."""

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from wechat.http import Answer, Http, Stream
from wechat.pay import (
    COMMISSION,
    BankCard,
    OtherNotice,
    Pay,
    PayConfig,
    Receiver,
    ReceiverKind,
    Relation,
    Share,
    SubOrder,
)

MCHID, APPID, FAN = "1900000001", "wx1111111111111111", "oFAN_aaaaaaaaaaaaaaaaaaaaaaa"
APIV3_KEY, KEY_ID = "0123456789abcdef0123456789abcdef", "PUB_KEY_ID_0100000000012026010100000000000000"
NOTIFY = "https://shop.example/callbacks/wechat/pay/paid"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # short, for speed: it guards nothing
HEADER_NONCE, SEAL_NONCE = "EcZ9Cmy4Xyx1i6Rl", "a1b2c3d4e5f6"


class Saying(Http):
    """A line on which every call is answered with `answers(path)`: a status and a body, signed."""

    def __init__(self) -> None:
        super().__init__(attempts=2, sleep=lambda seconds: None)
        self.answers: Callable[[str], tuple[int, bytes]] = lambda path: (404, b"")

    def deliver(self, request: requests.PreparedRequest) -> Answer:
        """The answer, under headers with a good signature."""
        status, body = self.answers(request.path_url)
        return Answer(status, signed_headers(body), body)

    @contextmanager
    def stream(self, request: requests.PreparedRequest, *, whole_s: float = 240.0) -> Iterator[Stream]:
        """The same in small pieces."""
        status, body = self.answers(request.path_url)
        yield Stream(status, {}, (body[at : at + 512] for at in range(0, len(body), 512)))


def signed_headers(body: bytes) -> dict[str, str]:
    """The headers under which the platform sends exactly these bytes."""
    message = f"{SECONDS}\n{HEADER_NONCE}\n".encode() + body + b"\n"
    return {
        "Wechatpay-Timestamp": str(SECONDS),
        "Wechatpay-Nonce": HEADER_NONCE,
        "Wechatpay-Serial": KEY_ID,
        "Wechatpay-Signature": base64.b64encode(KEY.sign(message, PKCS1v15(), SHA256())).decode(),
        "Request-ID": "08F78BB5AF0610D302-268447843",
    }


def _config() -> PayConfig:
    own = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return PayConfig(MCHID, APIV3_KEY, "0C4AEF34", own, KEY_ID, public)


CONFIG = _config()
LINE = Saying()
PAY = Pay(
    CONFIG, LINE, clock=lambda: SECONDS
)  # one for all inputs: reading its keys takes longer than they do


EVENTS = (
    ("TRANSACTION.SUCCESS", "transaction"),
    ("REFUND.SUCCESS", "refund"),
    ("MCHTRANSFER.BILL.FINISHED", "mchtransfer"),
    ("PROFITSHARING", "profitsharing"),
    ("PROFITSHARING.RETURN", "ProfitSharing"),
    ("COUPON.USE", "coupon"),
)


def notice_content(data: bytes) -> None:
    """A notice whose signature holds. The first byte is the number of one of EVENTS, inside of which the rest
    is sealed, or anything else before a whole body."""
    which, rest = data[:1], data[1:]
    body = rest
    if which.isdigit() and int(which) < len(EVENTS):
        body = _around(rest, *EVENTS[int(which)])
    found = PAY.open_notice(signed_headers(body), body, now=NOW)
    assert isinstance(found, OtherNotice) or found.notice_id


def _sealed(plain: bytes, about: str) -> dict[str, str]:
    raw = AESGCM(APIV3_KEY.encode()).encrypt(SEAL_NONCE.encode(), plain, about.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": SEAL_NONCE,
        "associated_data": about,
        "ciphertext": base64.b64encode(raw).decode(),
    }


def _around(content: bytes, event: str, original: str) -> bytes:
    resource = {"original_type": original} | _sealed(content, original)
    return json.dumps({"id": "EV-1", "event_type": event, "resource": resource}).encode()


_NO, _TRANSACTION = "ORDER_20260101_0001", "4200000000202601010000000001"
_SHARED = {"transaction_id": _TRANSACTION, "out_order_no": "SHARE_1"}
_ORDER: dict[str, Any] = {"appid": APPID, "openid": FAN, "notify_url": NOTIFY, "expires_at": None}
_REFUND: dict[str, Any] = {"out_trade_no": _NO, "out_refund_no": "R_1", "refund_fen": 30, "total_fen": 100}
_TRANSFER: dict[str, Any] = {"scene_id": COMMISSION, "amount_fen": 1234, "remark": "11月佣金"}
_REPORTS = {"报酬说明": "11月销售佣金", "岗位类型": "导购"}
_TWO = [SubOrder(MCHID, "ORDER_1", "衬衫", 100), SubOrder("1900000002", "ORDER_2", "领带", 5)]
_STORE = Receiver(ReceiverKind.MERCHANT_ID, "1900000109", Relation.STORE, name="连客商贸")
_PART = Share(ReceiverKind.MERCHANT_ID, "1900000109", 10, "门店")

VERBS: dict[str, Callable[[Pay], object]] = {
    "A": lambda pay: pay.query(_NO),
    "B": lambda pay: pay.query_transaction(_TRANSACTION),
    "C": lambda pay: pay.query_refund("R_1"),
    "D": lambda pay: pay.query_combined("COMBINED_1"),
    "E": lambda pay: pay.query_share(**_SHARED),
    "F": lambda pay: pay.query_share_return(out_return_no="RETURN_1", out_order_no="SHARE_1"),
    "G": lambda pay: pay.unshared_fen(_TRANSACTION),
    "H": lambda pay: pay.query_transfer("BILL0001"),
    "I": lambda pay: pay.prepay(out_trade_no=_NO, description="衬衫", amount_fen=100, **_ORDER),
    "J": lambda pay: pay.close(_NO),
    "K": lambda pay: pay.refund(reason="尺码", notify_url=NOTIFY, **_REFUND),
    "L": lambda pay: pay.redirect_refund(
        refund_id="50000000382019", out_refund_no="R_1", card=BankCard("CMB_DEBIT", "6225750000000000", "林")
    ),
    "M": lambda pay: pay.prepay_combined(combine_out_trade_no="COMBINED_1", orders=_TWO, **_ORDER),
    "N": lambda pay: pay.add_receiver(appid=APPID, receiver=_STORE),
    "O": lambda pay: pay.share(appid=APPID, shares=[_PART], unfreeze_rest=True, **_SHARED),
    "P": lambda pay: pay.unfreeze(description="解冻", **_SHARED),
    "Q": lambda pay: pay.transfer(
        appid=APPID,
        out_bill_no="BILL0001",
        openid=FAN,
        notify_url=NOTIFY,
        reports=_REPORTS,
        user_name=None,
        **_TRANSFER,
    ),
    "R": lambda pay: pay.cancel_transfer("BILL0001"),
    "S": lambda pay: pay.fetch_certificates(),
}
SEALED_CERTIFICATE = "T"
STATUSES = (200, 204, 202, 400, 401, 403, 404, 429, 500, 502)


def answered(data: bytes) -> None:
    """An answer of one of VERBS (or T: a list of one certificate, the input in its seal) under one of
    STATUSES, by the first two bytes; the rest is the body."""
    verb, body = data[:1].decode("latin-1"), data[2:]
    status = STATUSES[int(data[1:2])] if data[1:2].isdigit() else 200
    if verb == SEALED_CERTIFICATE:
        verb, body = "S", _certificates(body)
    act = VERBS.get(verb) or VERBS["A"]
    LINE.answers = lambda path: (status, body)
    act(PAY)


def _certificates(der: bytes) -> bytes:
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    sealed = _sealed(pem, "certificate")
    return json.dumps({"data": [{"serial_no": "0C4A", "encrypt_certificate": sealed}]}).encode()


def bill_read(data: bytes) -> None:
    """A bill behind an announcement that fits it. The first byte says which (T: trades, else the flow of
    funds), the second how it comes: G gzip, H two gzips, else as it stands."""
    which, packing, rest = data[:1], data[1:2], data[2:]
    halves = gzip.compress(rest[: len(rest) // 2], 1), gzip.compress(rest[len(rest) // 2 :], 1)
    packed = {b"G": gzip.compress(rest, 1), b"H": b"".join(halves)}.get(packing, rest)
    plain = _unpacked(packed)
    url = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=x"
    fields: Mapping[str, str] = {
        "hash_type": "SHA1",
        "hash_value": hashlib.sha1(plain, usedforsecurity=False).hexdigest(),
        "download_url": url,
    }
    said = json.dumps(fields).encode()
    LINE.answers = lambda path: (200, packed if path.startswith("/v3/billdownload/") else said)
    day = date(2026, 1, 1)
    bill = PAY.trade_bill(day) if which == b"T" else PAY.fund_flow_bill(day)
    with bill as found:
        assert list(found) == list(found)


def _unpacked(packed: bytes) -> bytes:
    try:
        return gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
    except (OSError, EOFError, zlib.error):
        return b""
