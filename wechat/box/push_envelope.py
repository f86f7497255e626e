"""The envelope of a message push: signatures, AES and XML, both ways (WECHAT.md 9.1, 9.2). Written apart from
the client's, so that each proves the other."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from wechat.box.credentials import Account
from wechat.box.inside import digits

_BLOCK = 32
# XML 1.0 has no room for these; WeChat's keyboards cannot type them.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BadReply(ValueError):
    """An answer to a push that WeChat cannot read; the sentence says why."""


@dataclass(frozen=True)
class Posted:
    """One push as it goes over the wire."""

    query: str
    body: bytes
    content_type: str = "text/xml"


def signature(*parts: str) -> str:
    """sha1 over the sorted parts, in hex: of (token, timestamp, nonce) or of those and the cipher text."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def _crypt_key(aes_key: str) -> bytes:
    return base64.b64decode(aes_key + "=")


def encrypt(account: Account, message: bytes) -> str:
    """The AES scheme: 16 random characters, length, message, appid; PKCS#7 to 32 bytes; CBC; base64."""
    frame = secrets.token_hex(8).encode() + struct.pack(">I", len(message)) + message + account.appid.encode()
    pad = _BLOCK - len(frame) % _BLOCK
    key = _crypt_key(account.aes_key)
    locked = Cipher(AES(key), CBC(key[:16])).encryptor()
    return base64.b64encode(locked.update(frame + bytes([pad]) * pad) + locked.finalize()).decode()


def decrypt(account: Account, cipher: str) -> bytes:
    """The message inside; raises BadReply for bad base64, padding, length or a foreign appid."""
    key = _crypt_key(account.aes_key)
    try:
        unlocked = Cipher(AES(key), CBC(key[:16])).decryptor()
        frame = unlocked.update(base64.b64decode(cipher, validate=True)) + unlocked.finalize()
    except (binascii.Error, ValueError):
        raise BadReply("Encrypt is not a whole number of AES blocks in base64") from None
    pad = frame[-1] if frame else 0
    if not 1 <= pad <= _BLOCK or frame[-pad:] != bytes([pad]) * pad:
        raise BadReply("the padding is wrong: another EncodingAESKey?")
    frame = frame[:-pad]
    if len(frame) < 20:
        raise BadReply("the frame is too short")
    length = struct.unpack(">I", frame[16:20])[0]
    if frame[20 + length :] != account.appid.encode():
        raise BadReply("the frame ends with another appid")
    return frame[20 : 20 + length]


def cdata(text: str) -> str:
    """Text in a CDATA section, whatever it holds."""
    return "<![CDATA[" + _NOT_XML.sub("", text).replace("]]>", "]]]]><![CDATA[>") + "]]>"


def as_xml(fields: Mapping[str, Any]) -> str:
    """The push's XML: text in CDATA, numbers bare, objects nested, a list repeats its element, in this order."""
    return "<xml>" + "\n".join(_element(name, value) for name, value in fields.items()) + "\n</xml>"


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, one) for one in value)
    if isinstance(value, dict):
        return f"<{name}>" + "".join(_element(part, one) for part, one in value.items()) + f"</{name}>"
    return f"<{name}>{cdata(value) if isinstance(value, str) else value}</{name}>"


def as_json(fields: Mapping[str, Any]) -> str:
    """The push's JSON, as a mini-program may choose it: the wrapper of subscribe events is gone, and their
    ``List`` is an object when it holds one template (WECHAT.md 9.5)."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict) and value.keys() == {"List"}:
            several = value["List"]
            flat["List"] = several[0] if isinstance(several, list) and len(several) == 1 else several
        else:
            flat[name] = value
    return json.dumps(flat, ensure_ascii=False, separators=(",", ":"))


def seal(
    account: Account,
    mode: str,
    openid: str,
    fields: Mapping[str, Any],
    *,
    form: str = "xml",
    wrong: bool = False,
) -> Posted:
    """The push for one attempt in this mode, as "xml" or "json": a fresh nonce and the true time, the same
    message inside. ``wrong`` signatures are a fault on demand."""
    written = as_xml if form == "xml" else as_json
    kind = "text/xml" if form == "xml" else "application/json"
    stamp, nonce = str(int(time.time())), digits(10)
    token = account.token[::-1] if wrong else account.token
    query = {"signature": signature(token, stamp, nonce), "timestamp": stamp, "nonce": nonce}
    query["openid"] = openid
    message = written(fields)
    if mode == "plain":
        return Posted(urlencode(query), message.encode(), kind)
    locked = encrypt(account, message.encode())
    query["encrypt_type"] = "aes"
    query["msg_signature"] = signature(token, stamp, nonce, locked)
    outside: dict[str, Any] = {"ToUserName": account.original_id, "Encrypt": locked}
    if mode == "compatible":
        outside = {**fields, "Encrypt": locked}
    return Posted(urlencode(query), written(outside).encode(), kind)


def hello(account: Account, echo: str) -> str:
    """The query of the GET that checks a callback address; echostr is plain in every mode."""
    stamp, nonce = str(int(time.time())), digits(10)
    return urlencode(
        {
            "signature": signature(account.token, stamp, nonce),
            "echostr": echo,
            "timestamp": stamp,
            "nonce": nonce,
        }
    )


def open_reply(account: Account, mode: str, body: bytes) -> ElementTree.Element:
    """The reply's XML out of an answer's body. In safe mode it must be encrypted. Raises BadReply."""
    outer = _parse(body)
    locked = outer.findtext("Encrypt")
    if locked is None:
        if mode == "safe":
            raise BadReply("safe mode is on, but the reply is not encrypted")
        return outer
    return _parse(_unlocked(account, mode, {one.tag: one.text or "" for one in outer}))


def open_json_reply(account: Account, mode: str, body: bytes) -> dict[str, Any]:
    """The reply's JSON out of an answer's body, as mini-programs may give it. Raises BadReply."""
    outer = _json(body)
    if "Encrypt" in outer:
        return _json(_unlocked(account, mode, {name: str(value) for name, value in outer.items()}))
    if mode == "safe":
        raise BadReply("safe mode is on, but the reply is not encrypted")
    return outer


def _json(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise BadReply("the answer is neither success, nor empty, nor JSON") from None
    if not isinstance(told, dict):
        raise BadReply("the reply is not a JSON object")
    return told


def _unlocked(account: Account, mode: str, outer: Mapping[str, str]) -> bytes:
    if mode == "plain":
        raise BadReply("plain mode is on, but the reply is encrypted")
    stamp, nonce, locked = outer.get("TimeStamp", ""), outer.get("Nonce", ""), outer["Encrypt"]
    if not stamp.isdigit() or not nonce:
        raise BadReply("TimeStamp or Nonce is missing")
    expected = signature(account.token, stamp, nonce, locked)
    if not hmac.compare_digest(expected.encode(), outer.get("MsgSignature", "").encode()):
        raise BadReply("MsgSignature is wrong")
    return decrypt(account, locked)


def _parse(body: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise BadReply("the reply has a DTD")
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError):
        raise BadReply("the answer is neither success, nor empty, nor XML") from None
    if root.tag != "xml":
        raise BadReply("the root element is not xml")
    return root
