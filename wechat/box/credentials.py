"""The accounts that the box plays: made once into the state folder, the same after every restart."""

import base64
import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.x509.oid import NameOID

from wechat.box import platform_certificates
from wechat.box.platform_certificates import ORDINARY, ZERO, PlatformCertificate
from wechat.box.state import Store

_LETTERS_AND_DIGITS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Account:
    """An official account or a mini-program as its console shows it. ``original_id`` is the gh_ name in
    pushes."""

    appid: str
    secret: str
    token: str
    aes_key: str
    original_id: str


@dataclass(frozen=True)
class Merchant:
    """A WeChat Pay merchant with both sides' keys (the box plays the platform too)."""

    mchid: str
    apiv3_key: str
    serial: str
    private_key_pem: str
    certificate_pem: str
    public_key: RSAPublicKey
    platform_key: RSAPrivateKey
    platform_key_id: str
    platform_public_key_pem: str
    certificates: dict[str, PlatformCertificate]


@dataclass(frozen=True)
class Credentials:
    """Everything that a client of the box must be told."""

    oa: Account
    mp: Account
    pay: Merchant


def _account() -> dict[str, str]:
    return {
        "appid": "wx" + secrets.token_hex(8),
        "secret": secrets.token_hex(16),
        "token": "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(24)),
        "aes_key": _aes_key(),
        "original_id": "gh_" + secrets.token_hex(6),
    }


def _aes_key() -> str:
    # 43 letters and digits that decode strictly: WECHAT.md 9.2 (the last character has no loose bits).
    while True:
        key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        if key.isalnum():
            return key


def _pem_of(key: RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _public_pem_of(key: RSAPublicKey) -> str:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def _merchant_certificate(key: RSAPrivateKey, mchid: str) -> x509.Certificate:
    # A serial of exactly 40 hex digits that begins with a zero: clients that drop leading zeros show at once.
    serial = int("07" + secrets.token_hex(19), 16) & ((1 << 155) - 1) | (1 << 154)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, mchid),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "微信商户系统"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "WeChat in a box"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        ]
    )
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=5 * 365))
        .sign(key, hashes.SHA256())
    )


def _merchant() -> dict[str, str]:
    mchid = "16" + "".join(secrets.choice(string.digits) for _ in range(8))
    merchant_key = generate_private_key(public_exponent=65537, key_size=2048)
    platform_key = generate_private_key(public_exponent=65537, key_size=2048)
    certificate = _merchant_certificate(merchant_key, mchid)
    day = datetime.now(UTC).strftime("%Y%m%d")
    tail = "".join(secrets.choice(string.digits) for _ in range(14))
    return {
        "mchid": mchid,
        "apiv3_key": "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(32)),
        "serial": f"{certificate.serial_number:040X}",
        "private_key_pem": _pem_of(merchant_key),
        "certificate_pem": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "platform_key_pem": _pem_of(platform_key),
        "platform_key_id": f"PUB_KEY_ID_01{mchid}{day}{tail}",
    }


def _private_key(pem: str) -> RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


def load_or_make(store: Store) -> Credentials:
    """The credentials of this state folder; made, and kept, when it has none."""
    with store.write():
        kept: dict[str, Any] | None = store.kept("credentials")
        if kept is None:
            kept = {"oa": _account(), "mp": _account(), "pay": _merchant()}
            store.keep("credentials", kept)
    pay = dict(kept["pay"])
    platform_key = _private_key(pay.pop("platform_key_pem"))
    return Credentials(
        oa=Account(**kept["oa"]),
        mp=Account(**kept["mp"]),
        pay=Merchant(
            **pay,
            public_key=_private_key(pay["private_key_pem"]).public_key(),
            platform_key=platform_key,
            platform_public_key_pem=_public_pem_of(platform_key.public_key()),
            certificates=platform_certificates.load_or_make(store),
        ),
    )


def as_told(
    credentials: Credentials,
    origin: str,
    *,
    control: str | None = None,
    ca_pem: str | None = None,
    zero_serial: bool = False,
) -> dict[str, Any]:
    """The JSON line that ``serve`` prints: all that a foreign client needs to talk to the box at ``origin``
    (and to steer it at ``control``, the same when it is not told)."""
    oa, mp, pay = credentials.oa, credentials.mp, credentials.pay
    certificate = pay.certificates[ZERO if zero_serial else ORDINARY]
    return {
        "api_base": origin,
        "mp_base": origin,
        "pay_base": origin,
        "control_base": control or origin,
        **({"ca_pem": ca_pem} if ca_pem else {}),
        "oa": {
            "appid": oa.appid,
            "secret": oa.secret,
            "token": oa.token,
            "aes_key": oa.aes_key,
            "original_id": oa.original_id,
        },
        "mp": {
            "appid": mp.appid,
            "secret": mp.secret,
            "token": mp.token,
            "aes_key": mp.aes_key,
            "original_id": mp.original_id,
        },
        "pay": {
            "mchid": pay.mchid,
            "apiv3_key": pay.apiv3_key,
            "merchant_private_key_pem": pay.private_key_pem,
            "merchant_certificate_pem": pay.certificate_pem,
            "merchant_serial": pay.serial,
            "platform_public_key_pem": pay.platform_public_key_pem,
            "platform_public_key_id": pay.platform_key_id,
            "platform_certificate_pem": certificate.pem,
            "platform_serial": certificate.serial,
        },
    }
