"""Signatures and seals of WeChat Pay v3, always over raw bytes: what is sent is signed, what came is
verified."""

import base64
import binascii
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from wechat.errors import BadSignature, Malformed

SCHEME = "WECHATPAY2-SHA256-RSA2048"
WINDOW_S = 300
PROBE = "WECHATPAY/SIGNTEST/"
"""WeChat sometimes signs wrongly on purpose, with this prefix, to see whether we look."""


def lines(*parts: str | bytes) -> bytes:
    """The message that is signed: every part followed by a newline, the last one too."""
    return b"".join((part.encode() if isinstance(part, str) else part) + b"\n" for part in parts)


class MerchantKey:
    """Our side: the private key of the merchant's API certificate. Thread-safe. Raises ValueError when
    unusable."""

    def __init__(self, mchid: str, serial: str, private_key_pem: str) -> None:
        self.mchid = mchid
        self._serial = serial
        try:
            key = load_pem_private_key(private_key_pem.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("merchant private key: not an unencrypted RSA key in PEM")
        self._key = key

    def __repr__(self) -> str:
        return f"MerchantKey(mchid={self.mchid!r})"

    def sign(self, message: bytes) -> str:
        """RSA PKCS#1 v1.5 with SHA-256, base64."""
        return base64.b64encode(self._key.sign(message, PKCS1v15(), SHA256())).decode()

    def authorization(self, method: str, target: str, body: bytes, *, seconds: int, nonce: str) -> str:
        """The Authorization header of a request. `target`: raw path and query as they stand on the wire."""
        signature = self.sign(lines(method, target, str(seconds), nonce, body))
        return (
            f'{SCHEME} mchid="{self.mchid}",nonce_str="{nonce}",signature="{signature}",'
            f'timestamp="{seconds}",serial_no="{self._serial}"'
        )


class PlatformKeys:
    """WeChat's side: the public keys that may have signed, by the exact text of Wechatpay-Serial."""

    def __init__(self, pem_by_serial: Mapping[str, str]) -> None:
        self._keys = {serial: _public_key(pem) for serial, pem in pem_by_serial.items()}

    def verify(self, headers: Mapping[str, str], body: bytes, *, seconds: float) -> None:
        """Passes when WeChat has signed exactly these bytes less than 5 minutes from `seconds` (unix), else
        raises BadSignature. An empty body is signed as well."""
        given = {str(name).lower(): value for name, value in headers.items()}
        timestamp, nonce, serial, signature = (
            _header(given, name) for name in ("timestamp", "nonce", "serial", "signature")
        )
        if given.get("wechatpay-signature-type", SCHEME) != SCHEME:
            raise BadSignature("signature type")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise BadSignature("timestamp")
        if abs(seconds - int(timestamp)) >= WINDOW_S:
            raise BadSignature("older or newer than five minutes")
        if serial not in self._keys:
            raise BadSignature("signed with a key that we do not have")
        if signature.startswith(PROBE):
            raise BadSignature("signature probe")
        try:
            raw = base64.b64decode(signature, validate=True)
            self._keys[serial].verify(raw, lines(timestamp, nonce, body), PKCS1v15(), SHA256())
        except (ValueError, InvalidSignature):  # binascii.Error and UnicodeEncodeError are ValueErrors
            raise BadSignature("signature does not match") from None


def _public_key(pem: str) -> RSAPublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("WeChat Pay public key: not an RSA public key in PEM")
    return key


def _header(given: Mapping[str, object], name: str) -> str:
    value = given.get(f"wechatpay-{name}")
    if not isinstance(value, str) or not 0 < len(value) <= 2048:
        raise BadSignature(f"Wechatpay-{name.capitalize()} is missing or not one short text")
    return value


class NoticeKey:
    """The APIv3 key, which opens what WeChat Pay seals in notices. Raises ValueError unless it has 32 bytes
    (`any_length` admits the 16 of published vectors)."""

    def __init__(self, apiv3_key: str, *, any_length: bool = False) -> None:
        raw = apiv3_key.encode()
        if len(raw) != 32 and not any_length:
            raise ValueError("APIv3 key: not 32 bytes")
        self._cipher = AESGCM(raw)

    def open(self, nonce: str, associated_data: str, ciphertext: str) -> bytes:
        """AES-GCM over base64, tag at the end. Raises Malformed when it does not open."""
        try:
            sealed = base64.b64decode(ciphertext, validate=True)
            return self._cipher.decrypt(nonce.encode(), sealed, associated_data.encode())
        except (binascii.Error, ValueError, InvalidTag):
            raise Malformed("sealed part does not open with the APIv3 key") from None
