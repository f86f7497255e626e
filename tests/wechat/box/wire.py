"""Calls to the gateway signed by hand with cryptography, and answers verified by hand."""

import base64
import contextlib
import http.client
import json
import re
import secrets
import time
from typing import Any

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.wechat.box.world import RunningBox


def sign(sandbox: RunningBox, message: bytes) -> str:
    """The merchant's signature over a message, base64."""
    key = serialization.load_pem_private_key(sandbox.told["pay"]["merchant_private_key_pem"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def call(
    sandbox: RunningBox, method: str, target: str, body: bytes = b"", *, headers: Any = None, **changes: str
) -> requests.Response:
    """A call signed by hand; ``changes`` replace what Authorization says, ``signed_`` ones what is signed."""
    stamp = changes.pop("signed_timestamp", str(int(time.time())))
    nonce = secrets.token_hex(16)
    signed_target = changes.pop("signed_target", target)
    fields = {
        "timestamp": stamp,
        "serial_no": sandbox.told["pay"]["merchant_serial"],
        "nonce_str": nonce,
        "mchid": sandbox.told["pay"]["mchid"],
        "signature": sign(sandbox, f"{method}\n{signed_target}\n{stamp}\n{nonce}\n".encode() + body + b"\n"),
    } | changes
    scheme = fields.pop("scheme", "WECHATPAY2-SHA256-RSA2048")
    sent = {
        "Authorization": scheme + " " + ",".join(f'{name}="{value}"' for name, value in fields.items()),
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": "test",
    } | (headers or {})
    host = sandbox.base.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=5)
    with contextlib.closing(connection):
        connection.request(method, target, body, sent)
        raw = connection.getresponse()
        answer = requests.Response()
        answer.status_code, answer._content = raw.status, raw.read()
        answer.headers.update(raw.headers.items())
        return answer


def checked(sandbox: RunningBox, answer: requests.Response) -> Any:
    """The answer's JSON, after its five headers, its signature and its Request-ID were verified."""
    key = serialization.load_pem_public_key(sandbox.told["pay"]["platform_public_key_pem"].encode())
    assert isinstance(key, rsa.RSAPublicKey)
    headers = answer.headers
    message = (
        f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + answer.content + b"\n"
    )
    key.verify(base64.b64decode(headers["Wechatpay-Signature"]), message, padding.PKCS1v15(), hashes.SHA256())
    assert headers["Wechatpay-Serial"] == sandbox.told["pay"]["platform_public_key_id"]
    assert headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    assert re.fullmatch(r"[0-9a-f]{32}", headers["Wechatpay-Nonce"])
    assert abs(int(headers["Wechatpay-Timestamp"]) - time.time()) < 10
    assert re.fullmatch(r"08[0-9A-F]+-\d+", headers["Request-ID"])
    return answer.json() if answer.content else None


def post(sandbox: RunningBox, path: str, content: Any, **more: Any) -> requests.Response:
    """A signed POST of this JSON."""
    return call(sandbox, "POST", path, json.dumps(content, ensure_ascii=False).encode(), **more)
