"""WeChat's side: the public keys that may have signed, and the one that sealed fields are encrypted for.

A merchant has a public key (PUB_KEY_ID_..., for ever), or platform certificates (hex serials, five years each,
overlapping), or both while moving from the certificates to the key; then WeChat picks one by itself for each
notice, and Wechatpay-Serial says which (WECHAT_PAY 3.1).
"""

import base64
import re
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from wechat.errors import BadSignature
from wechat.pay.signing import PROBE, SCHEME, WINDOW_S

_HEX = re.compile(r"[0-9A-Fa-f]{1,64}")
_PADDING, _HASH = PKCS1v15(), SHA256()
LONGEST_HEADER = 2048


class Certificate(NamedTuple):
    """A platform certificate: when it counts (unix seconds), and its key."""

    serial: str
    key: RSAPublicKey
    from_s: float
    until_s: float


def certificate_of(pem: str) -> Certificate:
    """Reads a platform certificate. Raises ValueError unless it is one, with an RSA key."""
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
        key = found.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("platform certificate: not a certificate with an RSA key in PEM")
    starts_at, ends_at = found.not_valid_before_utc, found.not_valid_after_utc
    return Certificate(hex_serial(found.serial_number), key, starts_at.timestamp(), ends_at.timestamp())


def hex_serial(number: int) -> str:
    """A certificate's serial as WeChat prints it: whole bytes in capitals, so a leading zero stays."""
    text = f"{number:X}"
    return text.zfill(len(text) + len(text) % 2)


def same_serial(serial: str) -> str:
    """The form in which serials are compared: PUB_KEY_ID_... exactly as it stands, the hex digits of a
    certificate's in any case and with or without leading zeros."""
    return hex_serial(int(serial, 16)) if _HEX.fullmatch(serial) else serial


class Sealer(NamedTuple):
    """What encrypts sensitive fields: a call that carries them must name `serial` in Wechatpay-Serial."""

    serial: str
    key: RSAPublicKey

    def seal(self, text: str) -> str:
        """RSA-OAEP with SHA-1, base64. Raises ValueError when the text has more than 214 bytes (2048 bits)."""
        sealed = self.key.encrypt(text.encode(), OAEP(MGF1(SHA1()), SHA1(), None))
        return base64.b64encode(sealed).decode()


class PlatformKeys:
    """The keys that WeChat may have signed with. Thread-safe: what is looked at is replaced whole, never
    changed."""

    def __init__(self, pem_by_key_id: Mapping[str, str], certificates: Iterable[Certificate] = ()) -> None:
        self._public = {serial: _public_key(pem) for serial, pem in pem_by_key_id.items()}
        self._given = {one.serial: one for one in certificates}
        self._certificates = self._given
        self._renew: Callable[[], None] | None = None

    def hold(self, certificates: Iterable[Certificate]) -> None:
        """Replaces what was fetched before with what WeChat lists now; what was given at the start stays."""
        self._certificates = self._given | {one.serial: one for one in certificates}

    def joined(self, certificates: Iterable[Certificate]) -> "PlatformKeys":
        """These keys and the given certificates as well, to check the answer that brought them."""
        both = PlatformKeys({}, [*self._certificates.values(), *certificates])
        both._public = self._public
        return both

    def renewed_by(self, renew: Callable[[], None]) -> None:
        """Names what to call when something is signed under a serial that is not held. It bounds how often it
        really asks, for anybody can send us a serial."""
        self._renew = renew

    @property
    def has_public_key(self) -> bool:
        """Whether the merchant is in public-key mode."""
        return bool(self._public)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all can be verified yet."""
        return not (self._public or self._certificates)

    def sealer(self, *, seconds: float) -> Sealer | None:
        """What to encrypt with at `seconds` (unix): the public key, else the newest certificate that counts;
        None when there is neither."""
        for serial, key in self._public.items():
            return Sealer(serial, key)
        good = [one for one in self._certificates.values() if one.from_s <= seconds < one.until_s]
        newest = max(good, key=lambda one: one.from_s, default=None)
        return Sealer(newest.serial, newest.key) if newest else None

    def verify(self, headers: Mapping[str, str], body: bytes, *, seconds: float) -> None:
        """Passes when WeChat has signed exactly these bytes less than 5 minutes from `seconds` (unix), else
        raises BadSignature. An empty body is signed as well. An unknown certificate may be fetched first."""
        timestamp, nonce, serial, signature, scheme = _signature(headers)
        if scheme != SCHEME:
            raise BadSignature("signature type")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise BadSignature("timestamp")
        if abs(seconds - int(timestamp)) >= WINDOW_S:
            raise BadSignature("older or newer than five minutes")
        if signature.startswith(PROBE):
            raise BadSignature("signature probe")
        key = self._public.get(serial) or self._certified(serial, seconds)
        try:
            raw = a2b_base64(signature, strict_mode=True)
            key.verify(raw, f"{timestamp}\n{nonce}\n".encode() + body + b"\n", _PADDING, _HASH)
        except (ValueError, InvalidSignature):  # binascii.Error and UnicodeEncodeError are ValueErrors
            raise BadSignature("signature does not match") from None

    def _certified(self, serial: str, seconds: float) -> RSAPublicKey:
        if self._renew and _HEX.fullmatch(serial) and same_serial(serial) not in self._certificates:
            self._renew()
        certificate = self._certificates.get(same_serial(serial))
        if certificate is None:
            raise BadSignature("signed with a key that we do not have")
        if seconds >= certificate.until_s:
            raise BadSignature("signed with a certificate that has expired")
        return certificate.key


def _public_key(pem: str) -> RSAPublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("WeChat Pay public key: not an RSA public key in PEM")
    return key


def _signature(headers: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    try:
        # Their own spelling first: names in any case are legal, but looking for them costs as much as the rest.
        timestamp, nonce, serial = (
            headers["Wechatpay-Timestamp"],
            headers["Wechatpay-Nonce"],
            headers["Wechatpay-Serial"],
        )
        signature, scheme = headers["Wechatpay-Signature"], headers["Wechatpay-Signature-Type"]
    except KeyError:
        get = {str(name).lower(): value for name, value in headers.items()}.get
        timestamp, nonce, serial = (get(f"wechatpay-{name}") for name in ("timestamp", "nonce", "serial"))
        signature, scheme = get("wechatpay-signature"), get("wechatpay-signature-type", SCHEME)
    # In one go: this is looked at for every notice and every answer.
    if not (type(timestamp) is type(nonce) is type(serial) is type(signature) is str):
        raise BadSignature("a header of the signature is missing or not a text")
    if not (timestamp and nonce and serial and signature) or (
        len(timestamp) + len(nonce) + len(serial) + len(signature) > LONGEST_HEADER
    ):
        raise BadSignature("the headers of the signature are empty or too long")
    return timestamp, nonce, serial, signature, scheme
