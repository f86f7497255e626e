"""A merchant of WeChat Pay and the platform that it deals with, for tests: keys, signed answers, sealed
notices.

The signing here is written out once more, on cryptography alone, so that it checks the client's.
"""

import base64
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tests.wechat import vectors as v
from tests.wechat.local import Call, Line, Say, quick
from wechat.http import Http
from wechat.pay import Pay, PayConfig

MCHID, APPID, FAN = "1900000001", "wx2421b1c4370ec43b", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
SERIAL, KEY_ID = "0C4AEF34B89340881BB2B25226393DC2E47F094B", "PUB_KEY_ID_0119000000012026010100001234567890"
MERCHANT_PEM = v.TESTING_KEY.replace("TESTING KEY", "PRIVATE KEY")
MERCHANT_KEY = load_pem_private_key(MERCHANT_PEM.encode(), None)
PLATFORM_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PLATFORM_PEM = (
    PLATFORM_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
assert isinstance(MERCHANT_KEY, rsa.RSAPrivateKey)


def a_config(base: str = "http://127.0.0.1:9", backup: str = "") -> PayConfig:
    return PayConfig(
        MCHID, v.DERIVED_APIV3_KEY, SERIAL, MERCHANT_PEM, KEY_ID, PLATFORM_PEM, base, backup or base
    )


def a_pay(line: Line, backup: Line | None = None, http: Http | None = None) -> Pay:
    return Pay(a_config(line.base, backup.base if backup else ""), http or quick())


def signed_headers(
    body: bytes, *, seconds: int | None = None, key: rsa.RSAPrivateKey = PLATFORM_KEY, **changes: str
) -> dict[str, str]:
    """The headers under which the platform sends exactly these bytes."""
    stamp = str(int(time.time()) if seconds is None else seconds)
    nonce = "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz"
    message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
    return {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": KEY_ID,
        "Wechatpay-Signature": base64.b64encode(key.sign(message, padding.PKCS1v15(), SHA256())).decode(),
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        "Content-Type": "application/json; charset=utf-8",
        "Request-ID": "08F78BB5AF0610D302-0",
    } | changes


def proven(call: Call) -> dict[str, str]:
    """The fields of the Authorization header; the signature over the raw call has held."""
    scheme, _, rest = call.headers["authorization"].partition(" ")
    fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    message = f"{call.method}\n{call.target}\n{fields['timestamp']}\n{fields['nonce_str']}\n".encode()
    raw = base64.b64decode(fields["signature"], validate=True)
    MERCHANT_KEY.public_key().verify(raw, message + call.body + b"\n", padding.PKCS1v15(), SHA256())
    assert abs(time.time() - int(fields["timestamp"])) < 5
    return fields


def answering(*answers: dict[str, object] | Say | None) -> Callable[[Call], Say]:
    """A gateway that checks each signature and gives these answers one after another, the last for ever: a
    dict as a signed 200, None as a signed 204, a Say as it is."""
    left = list(answers)

    def answer(call: Call) -> Say:
        fields = proven(call)
        assert (fields["mchid"], fields["serial_no"]) == (MCHID, SERIAL)
        said = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(said, Say):
            return said
        body = b"" if said is None else json.dumps(said, ensure_ascii=False).encode()
        return Say(204 if said is None else 200, body, signed_headers(body))

    return answer


def failing(status: int, code: str, message: str = "出错了", number: str = "0", **more: object) -> Say:
    """An error answer: unsigned, as WeChat's are not checked either."""
    body = json.dumps({"code": code, "message": message, **more}).encode()
    return Say(status, body, {"Request-ID": f"08F78BB5AF0610D302-{number}"})


def unsealed(text: str, key: rsa.RSAPrivateKey = PLATFORM_KEY) -> str:
    """A sensitive field as the platform reads it."""
    raw = base64.b64decode(text, validate=True)
    return key.decrypt(raw, padding.OAEP(padding.MGF1(SHA1()), SHA1(), None)).decode()


def a_notice(
    data: object, event: str = "TRANSACTION.SUCCESS", original: str = "transaction", **more: object
) -> bytes:
    """The body of a notice around `data`."""
    plain = data if isinstance(data, bytes) else json.dumps(data).encode()
    sealed = AESGCM(v.DERIVED_APIV3_KEY.encode()).encrypt(b"a1b2c3d4e5f6", plain, original.encode())
    resource = {
        "original_type": original,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": original,
        "nonce": "a1b2c3d4e5f6",
    }
    envelope = {"id": "EV-1", "create_time": "2026-01-01T08:00:31+08:00", "event_type": event}
    whole = envelope | {"resource_type": "encrypt-resource", "resource": resource} | more
    return json.dumps(whole).encode()


TRADE: dict[str, object] = json.loads(v.TRANSACTION_PLAINTEXT)
REFUND: dict[str, object] = {
    "refund_id": "50000000382019052709732678859",
    "out_refund_no": "REFUND_1",
    "transaction_id": "4200000000202601010000000001",
    "out_trade_no": "ORDER_20260101_0001",
    "status": "PROCESSING",
    "create_time": "2026-01-01T08:01:00+08:00",
    "amount": {"total": 100, "refund": 30, "payer_total": 90, "payer_refund": 27, "currency": "CNY"},
}

NO = "ORDER_20260101_0001"
ORDER: dict[str, object] = {
    "appid": APPID,
    "out_trade_no": NO,
    "description": "两件衬衫",
    "amount_fen": 100,
    "openid": FAN,
    "notify_url": "https://shop.example/callbacks/wechat/pay/paid",
    "expires_at": None,
}
PAY_BACK: dict[str, object] = {
    "out_trade_no": NO,
    "out_refund_no": "REFUND_1",
    "refund_fen": 30,
    "total_fen": 100,
    "reason": "尺码不合适",
    "notify_url": "https://shop.example/callbacks/wechat/pay/refunded",
}
