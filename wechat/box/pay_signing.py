"""WeChat Pay v3 signatures on the platform's side: requests verified, answers and notices signed
(WECHAT_PAY.md 2, 3)."""

import base64
import binascii
import json
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Request, Response

from wechat.box.credentials import Merchant
from wechat.box.inside import letters

SCHEME = "WECHATPAY2-SHA256-RSA2048"
_WINDOW_S = 300
_FIELD = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*(?:,|$)')
_FIELDS = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}
# The number that ends a Request-ID (WECHAT_PAY.md 1.1).
_NUMBERS = {
    "ORDER_NOT_EXIST": 268512771,
    "PARAM_ERROR": 268435461,
    "SIGN_ERROR": 268443699,
    "APPID_MCHID_NOT_MATCH": 268445527,
    "FREQUENCY_LIMITED": 268447840,
    "ORDER_PAID": 268449538,
    "INVALID_REQUEST": 268498688,
}


class PayRefusal(Exception):
    """WeChat Pay says no: an HTTP status, a code of WECHAT_PAY.md 1.2, a sentence and perhaps a detail."""

    def __init__(
        self, status: int, code: str, message: str, detail: dict[str, Any] | None = None, number: int = 0
    ) -> None:
        """Refuse with this status and code; without a ``number`` that of the Request-ID follows from the
        code."""
        super().__init__(code)
        self.status, self.code, self.message, self.detail = status, code, message, detail
        self.number = number or _NUMBERS.get(code, 268435462)


def raw_target(request: Request) -> str:
    """Path and query exactly as they came over the wire: this is what the caller has signed."""
    environ = request.environ
    return str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or request.full_path.rstrip("?"))


def _authorization(request: Request) -> dict[str, str]:
    header = request.headers.get("Authorization", "")
    scheme, _, rest = header.partition(" ")
    if scheme != SCHEME:
        raise PayRefusal(401, "SIGN_ERROR", "Http头Authorization认证类型不正确")
    fields: dict[str, str] = {}
    at = 0
    while at < len(rest):
        found = _FIELD.match(rest, at)
        if found is None or found[1] in fields:
            raise PayRefusal(401, "SIGN_ERROR", "Http头Authorization格式不正确")
        fields[found[1]] = found[2]
        at = found.end()
    if not fields.keys() >= _FIELDS:
        raise PayRefusal(401, "SIGN_ERROR", "Http头Authorization缺少必要字段")
    return fields


def check_request(merchant: Merchant, request: Request) -> None:
    """Is this call signed by the merchant over its raw target and raw body, within five minutes of the true
    clock? Raises PayRefusal: 400 PARAM_ERROR for missing Accept or User-Agent, else 401 SIGN_ERROR."""
    if not request.headers.get("Accept", "").strip() or not request.headers.get("User-Agent", "").strip():
        raise PayRefusal(400, "PARAM_ERROR", "Http头缺少Accept或User-Agent")
    fields = _authorization(request)
    if fields["mchid"] != merchant.mchid:
        raise PayRefusal(401, "SIGN_ERROR", "Http头Authorization中的mchid不存在")
    if fields["serial_no"] != merchant.serial:
        raise PayRefusal(401, "SIGN_ERROR", "商户证书序列号有误。")
    stamp = fields["timestamp"]
    if not (stamp.isascii() and stamp.isdigit()) or abs(time.time() - int(stamp)) > _WINDOW_S:
        raise PayRefusal(401, "SIGN_ERROR", "Http头Authorization值中的timestamp与发起请求的时间不得超过5分钟")
    head = f"{request.method}\n{raw_target(request)}\n{stamp}\n{fields['nonce_str']}\n"
    message = head.encode("latin-1", "replace") + request.get_data() + b"\n"
    if not is_signed(merchant, message, fields["signature"]):
        raise PayRefusal(401, "SIGN_ERROR", "签名错误，请检查后再试", _sign_detail(request, message))


def _sign_detail(request: Request, message: bytes) -> dict[str, Any]:
    return {
        "detail": {"issue": "sign not match"},
        "field": "signature",
        "location": "authorization",
        "sign_information": {
            "method": request.method,
            "url": raw_target(request),
            "sign_message_length": len(message),
            "truncated_sign_message": message.decode("utf-8", "replace")[:64],
        },
    }


def is_signed(merchant: Merchant, message: bytes, signature: str) -> bool:
    """Did the merchant's key sign this message (base64, standard alphabet)?"""
    try:
        merchant.public_key.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


@dataclass(frozen=True)
class Signer:
    """A key of the platform and the name that Wechatpay-Serial gives it."""

    serial: str
    key: RSAPrivateKey


def platform_headers(signer: Signer, body: bytes, *, seconds: int | None = None) -> dict[str, str]:
    """The five Wechatpay-* headers over this body, by a key of the platform's, at the true time (or at
    ``seconds``)."""
    stamp, nonce = str(int(time.time()) if seconds is None else seconds), secrets.token_hex(16)
    signature = signer.key.sign(f"{stamp}\n{nonce}\n".encode() + body + b"\n", PKCS1v15(), SHA256())
    return {
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": signer.serial,
        "Wechatpay-Signature": base64.b64encode(signature).decode(),
        "Wechatpay-Signature-Type": SCHEME,
        "Wechatpay-Timestamp": stamp,
    }


def answer(signer: Signer, status: int, content: dict[str, Any] | None, number: int = 0) -> Response:
    """A signed answer as the gateway sends it; ``content`` None is an empty, signed 204."""
    body = b""
    if content is not None:
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    response = Response(body, status=status)
    response.headers["Content-Type"] = "application/json; charset=utf-8"
    response.headers["Cache-Control"] = "no-cache, must-revalidate"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Language"] = "zh-CN"
    response.headers["Request-ID"] = f"08{secrets.token_hex(20).upper()}-{number}"
    response.headers.update(platform_headers(signer, body))
    return response


def refused(signer: Signer, refusal: PayRefusal) -> Response:
    """The error answer, signed like every other."""
    content: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if refusal.detail is not None:
        content = {"code": refusal.code, "detail": refusal.detail, "message": refusal.message}
    return answer(signer, refusal.status, content, refusal.number)


def sealed(merchant: Merchant, content: dict[str, Any], original_type: str) -> dict[str, str]:
    """A notice's resource: AES-256-GCM under the APIv3 key, a fresh nonce each time (WECHAT_PAY.md 3.3)."""
    plain = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    nonce = letters(12)
    cipher = AESGCM(merchant.apiv3_key.encode()).encrypt(nonce.encode(), plain, original_type.encode())
    return {
        "original_type": original_type,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(cipher).decode(),
        "associated_data": original_type,
        "nonce": nonce,
    }
