"""The platform's certificates, as WeChat Pay issues them to merchants of the older kind (WECHAT_PAY.md 3.1,
3.2): an ordinary one, and one whose serial begins with a zero."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.x509.oid import NameOID

from wechat.box.state import Store

ORDINARY, ZERO = "ordinary", "zero"
_LIFE = timedelta(days=5 * 365)
# As in a published one.
_SUBJECT = {
    NameOID.COUNTRY_NAME: "CN",
    NameOID.LOCALITY_NAME: "ShenZhen",
    NameOID.ORGANIZATION_NAME: "Tenpay.com",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "Tenpay.com CA Center",
    NameOID.COMMON_NAME: "Tenpay.com sign",
}


@dataclass(frozen=True)
class PlatformCertificate:
    """One platform certificate with its private key. ``serial`` is 40 upper-case hex digits."""

    serial: str
    pem: str
    key: RSAPrivateKey
    effective_at: datetime
    expire_at: datetime


def load_or_make(store: Store) -> dict[str, PlatformCertificate]:
    """Both certificates of this state folder by name; made, and kept, when it has none."""
    with store.write():
        kept: dict[str, dict[str, str]] | None = store.kept("platform_certificates")
        if kept is None:
            kept = {name: _made(name) for name in (ORDINARY, ZERO)}
            store.keep("platform_certificates", kept)
    return {name: _opened(one["key_pem"], one["certificate_pem"]) for name, one in kept.items()}


def _serial(name: str) -> int:
    # 159 bits at most; the first of the 40 hex digits tells the two apart.
    rest = secrets.randbits(152)
    first = secrets.choice(range(1, 16)) if name == ZERO else secrets.choice(range(0x10, 0x80))
    return (first << 152) | rest


def _made(name: str) -> dict[str, str]:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(what, value) for what, value in _SUBJECT.items()])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(_serial(name))
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFE)
        .sign(key, hashes.SHA256())
    )
    return {
        "key_pem": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        "certificate_pem": certificate.public_bytes(serialization.Encoding.PEM).decode(),
    }


def _opened(key_pem: str, certificate_pem: str) -> PlatformCertificate:
    key = serialization.load_pem_private_key(key_pem.encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    return PlatformCertificate(
        serial=f"{certificate.serial_number:040X}",
        pem=certificate_pem,
        key=key,
        effective_at=certificate.not_valid_before_utc,
        expire_at=certificate.not_valid_after_utc,
    )
