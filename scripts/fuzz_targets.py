"""What scripts/fuzz.py throws at wechat/: one function per parser, and the errors that it may answer with.

Anything else that is raised is a finding, and so is a promise that does not hold (the `assert`s). All keys and
numbers are made up. tests/wechat/test_corpus.py replays what was once found worth keeping.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from scripts import fuzz_pay
from wechat import push_xml
from wechat.envelope import AesKey, Envelope, signature
from wechat.errors import BadSignature, Malformed, WeChatError
from wechat.pushing import Pushes
from wechat.replies import TextReply, TransferToStaff

APPID, TOKEN = "wx1111111111111111", "pushtoken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
STAMP, NONCE = "1714112445", "n0nce"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN = Pushes(Envelope(appid=APPID, token=TOKEN, aes_keys=(), safe=False), APPID)
SAFE = Pushes(Envelope(appid=APPID, token=TOKEN, aes_keys=(AES_KEY,), safe=True), APPID)


@dataclass(frozen=True)
class Target:
    """One parser under one shape of input. `allowed`: what it may raise, whatever it is given."""

    run: Callable[[bytes], object]
    allowed: tuple[type[Exception], ...]

    def outcome(self, data: bytes) -> str:
        """`answer`, or the name of the allowed error; everything else is raised."""
        try:
            self.run(data)
        except self.allowed as error:
            return type(error).__name__
        return "answer"


def push_xml_body(data: bytes) -> None:
    """The body of a plain push. The short way through the XML must read what the long way reads."""
    if data[:1] != b"{" and (short := push_xml._read_flat(data[: push_xml.MAX_BYTES])) is not None:
        assert short == push_xml._read_any(data[: push_xml.MAX_BYTES])
    _opened_and_answered(PLAIN, _query(), data)


def push_json_body(data: bytes) -> None:
    """The body of a plain push in JSON."""
    _opened_and_answered(PLAIN, _query(), data if data[:1] == b"{" else b"{" + data)


def push_safe_body(data: bytes) -> None:
    """A push in safe mode whose signature holds. The first byte says what follows it: a whole body, the text
    of Encrypt, a frame before AES, or a message in a good frame (as XML, or as JSON)."""
    shape, rest = data[:1], data[1:]
    if shape == b"B":
        body = rest
    elif shape == b"E":
        body = b"<xml><Encrypt>" + rest + b"</Encrypt></xml>"
    else:
        encrypt = _framed(rest) if shape == b"F" else AesKey(AES_KEY).encrypt(rest, APPID)
        as_json = json.dumps({"ToUserName": "gh_0123456789ab", "Encrypt": encrypt}).encode()
        body = as_json if shape == b"J" else f"<xml><Encrypt>{encrypt}</Encrypt></xml>".encode()
    _opened_and_answered(SAFE, _query(_encrypted_part(body)), body)


def _framed(frame: bytes) -> str:
    key = base64.b64decode(AES_KEY + "=")
    sealer = Cipher(AES(key), CBC(key[:16])).encryptor()
    return base64.b64encode(sealer.update(frame[: len(frame) // 16 * 16])).decode()


def _encrypted_part(body: bytes) -> str:
    try:
        found = push_xml.read(body).get("Encrypt")
    except Malformed:
        return ""
    return found if isinstance(found, str) else ""


def _query(encrypt: str = "") -> dict[str, str]:
    signed = {"timestamp": STAMP, "nonce": NONCE, "signature": signature(TOKEN, STAMP, NONCE)}
    return signed | {"msg_signature": signature(TOKEN, STAMP, NONCE, encrypt)}


def _opened_and_answered(pushes: Pushes, query: Mapping[str, Any], body: bytes) -> None:
    push = pushes.open(query, body)
    assert push.from_user
    assert push.event.dedupe_key
    assert push.event.at.tzinfo is UTC
    reply = TransferToStaff() if push.json else TextReply("您好 ]]> <&")
    answer = pushes.answer(push, reply, now=NOW, nonce=NONCE)
    # Whoever sent it must be able to read what we answer.
    read = push_xml.read(answer)
    assert "Encrypt" in read or read["ToUserName"] == push.from_user


TARGETS = {
    "push_xml": Target(push_xml_body, (Malformed,)),
    "push_json": Target(push_json_body, (Malformed,)),
    "push_safe": Target(push_safe_body, (Malformed, BadSignature)),
    "notice": Target(fuzz_pay.notice_content, (Malformed,)),
    "pay_answer": Target(fuzz_pay.answered, (WeChatError,)),
    "bill": Target(fuzz_pay.bill_read, (Malformed, WeChatError)),
}
