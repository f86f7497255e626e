"""The envelope of a message push: who sent it, and what is inside.

Plain mode is proven by `signature` = sha1(sorted token, timestamp, nonce), which does not cover the body.
Safe mode is proven by `msg_signature`, which also covers `Encrypt`; inside is AES-256-CBC with PKCS#7 of
block size 32 over: 16 random bytes, length (4 bytes, big-endian), message, appid. Which mode holds is our
configuration, never the sender's choice.
"""

import base64
import binascii
import hashlib
import hmac
import os
import threading
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from wechat import push_xml
from wechat.errors import BadSignature, Malformed

_PAD = 32


def signature(*parts: str) -> str:
    """WeChat's signature over texts: sha1 hex of them sorted and joined."""
    joined = "".join(sorted(parts)).encode("utf-8", "surrogatepass")
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def _one(query: Mapping[str, Any], name: str) -> str:
    value = query.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 256:
        raise BadSignature(f"{name} is missing or not one short text")
    return value


def _demand(given: str, *parts: str) -> None:
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), signature(*parts).encode()):
        raise BadSignature("signature does not match")


class AesKey:
    """One EncodingAESKey. Thread-safe. The 43rd character may carry stray bits, as real keys do.

    Making a cipher costs as much as the rest of a push, so each thread keeps one for either way. In CBC that
    only touches the first block of the next frame, which is the 16 random bytes: nobody reads them when a
    frame is opened, and when one is sealed they are given the form that the key's own IV would have met.
    """

    def __init__(self, encoded: str) -> None:
        try:
            key = base64.b64decode(encoded.encode("ascii") + b"=")
        except ValueError:  # UnicodeEncodeError and binascii.Error are ValueErrors
            key = b""
        if len(encoded) != 43 or len(key) != 32:
            raise ValueError("an EncodingAESKey is 43 letters and digits")
        self._iv = int.from_bytes(key[:16], "big")
        self._cipher = Cipher(AES(key), CBC(key[:16]))
        self._mine = _Kept(self._cipher, self._iv)

    def decrypt(self, sealed: bytes) -> tuple[bytes, bytes]:
        """(message, appid) of a frame. Raises Malformed when the key does not open it."""
        if len(sealed) < _PAD or len(sealed) % 16:
            raise Malformed("encrypted part has an impossible length")
        frame = self._mine.opener.update(sealed)
        pad = frame[-1]
        size = int.from_bytes(frame[16:20], "big")
        end = len(frame) - pad
        if not 1 <= pad <= _PAD or frame[end:] != bytes([pad]) * pad or 20 + size > end:
            raise Malformed("encrypted part does not open with the configured key")
        return frame[20 : 20 + size], frame[20 + size : end]

    def encrypt(self, message: bytes, appid: str, *, filler: bytes | None = None) -> str:
        """The frame around `message`, base64. `filler`: the 16 random bytes, given only to check vectors."""
        mine = self._mine
        first = int.from_bytes(filler or os.urandom(8).hex().encode(), "big") ^ self._iv ^ mine.last
        frame = first.to_bytes(16, "big") + len(message).to_bytes(4, "big") + message + appid.encode()
        pad = _PAD - len(frame) % _PAD
        sealed = mine.sealer.update(frame + bytes([pad]) * pad)
        mine.last = int.from_bytes(sealed[-16:], "big")
        return binascii.b2a_base64(sealed, newline=False).decode()


class _Kept(threading.local):
    """A thread's own ciphers under one key, and the last block that the sealing one gave."""

    def __init__(self, cipher: Cipher[CBC], iv: int) -> None:
        self.opener = cipher.decryptor()
        self.sealer = cipher.encryptor()
        self.last = iv


class Envelope:
    """Opens and seals the pushes of one app. `aes_keys`: the current key, then the previous one while the
    console's key is being changed. Raises ValueError when safe mode has no key."""

    def __init__(self, *, appid: str, token: str, aes_keys: tuple[str, ...], safe: bool) -> None:
        if not token or (safe and not aes_keys):
            raise ValueError("a push needs a token, and in safe mode an EncodingAESKey")
        self._appid = appid
        self._token = token
        self._safe = safe
        self._keys = tuple(AesKey(key) for key in aes_keys) if safe else ()

    def __repr__(self) -> str:
        return f"Envelope(appid={self._appid!r}, safe={self._safe})"

    def verify_url(self, query: Mapping[str, Any]) -> str:
        """The echostr to answer, exactly, when the console checks our address. Plain in every mode."""
        _demand(_one(query, "signature"), self._token, _one(query, "timestamp"), _one(query, "nonce"))
        return _one(query, "echostr")

    def open(self, query: Mapping[str, Any], body: bytes) -> tuple[dict[str, Any], int]:
        """(elements, number of the key that opened them). Raises BadSignature or Malformed, nothing else."""
        proof = (self._token, _one(query, "timestamp"), _one(query, "nonce"))
        if not self._safe:
            _demand(_one(query, "signature"), *proof)
            return push_xml.read(body), 0
        given = _one(query, "msg_signature")
        encrypt = push_xml.read(body).get("Encrypt")
        if not isinstance(encrypt, str) or not encrypt:
            raise BadSignature("not encrypted although safe mode is configured")
        _demand(given, *proof, encrypt)
        message, number = self._decrypt(encrypt)
        return push_xml.read(message), number

    def _decrypt(self, encrypt: str) -> tuple[bytes, int]:
        try:
            sealed = base64.b64decode(encrypt.encode("ascii"), validate=True)
        except (UnicodeEncodeError, binascii.Error):
            raise Malformed("Encrypt is not base64") from None
        foreign = False
        for number, key in enumerate(self._keys):
            try:
                message, appid = key.decrypt(sealed)
            except Malformed:
                continue
            if hmac.compare_digest(appid, self._appid.encode()):
                return message, number
            foreign = True
        raise BadSignature("meant for another app") if foreign else Malformed("no configured key opens it")

    def seal(self, message: bytes, *, key: int, seconds: int, nonce: str) -> tuple[str, str, int, str] | None:
        """(Encrypt, MsgSignature, TimeStamp, Nonce) of the reply, encrypted with the key that opened the push,
        as WeChat asks; None in plain mode, where a reply goes out as it is."""
        if not self._safe:
            return None
        encrypt = self._keys[key].encrypt(message, self._appid)
        return encrypt, signature(self._token, str(seconds), nonce, encrypt), seconds, nonce
