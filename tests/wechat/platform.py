"""Platform certificates and the list in which WeChat hands them out, for tests."""

import base64
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.wechat import vectors as v
from tests.wechat.local import Call, Say
from tests.wechat.merchant import NOW, signed_headers

CERTIFICATE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
YEARS = timedelta(days=5 * 365)
LEADING_ZERO = "0C4AEF34B89340881BB2B25226393DC2E47F094B"


class Issued(NamedTuple):
    """A certificate as it is printed, and the key that it is of."""

    serial: str
    pem: str
    key: rsa.RSAPrivateKey


def issued(
    serial: str = LEADING_ZERO,
    key: rsa.RSAPrivateKey = CERTIFICATE_KEY,
    *,
    from_at: datetime = NOW - timedelta(days=30),
    until_at: datetime = NOW + YEARS,
) -> Issued:
    """A platform certificate under this serial (hex), signed by itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
    built = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=int(serial, 16),
        not_valid_before=from_at,
        not_valid_after=until_at,
    ).sign(key, SHA256())
    return Issued(serial, built.public_bytes(Encoding.PEM).decode(), key)


def listed(certificates: Iterable[Issued], apiv3_key: str = v.DERIVED_APIV3_KEY) -> dict[str, object]:
    """The answer of GET /v3/certificates."""
    cipher = AESGCM(apiv3_key.encode())

    def sealed(one: Issued) -> dict[str, object]:
        raw = cipher.encrypt(b"14b16c03dc1b", one.pem.encode(), b"certificate")
        return {
            "serial_no": one.serial,
            "effective_time": "2026-01-01T08:00:00+08:00",
            "expire_time": "2030-12-31T08:00:00+08:00",
            "encrypt_certificate": {
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": "14b16c03dc1b",
                "associated_data": "certificate",
                "ciphertext": base64.b64encode(raw).decode(),
            },
        }

    return {"data": [sealed(one) for one in certificates]}


def signed_by(one: Issued, answer: dict[str, object], *, seconds: int | None = None) -> Say:
    """A 200 that this certificate's key has signed."""
    body = json.dumps(answer).encode()
    headers = signed_headers(body, seconds=seconds, key=one.key, **{"Wechatpay-Serial": one.serial})
    return Say(200, body, headers)


def handing_out(
    lists: Callable[[], dict[str, object] | Say],
    signer: Issued,
    answer: dict[str, object] | Say,
    seconds: int | None = None,
) -> Callable[[Call], Say]:
    """A gateway with a list of certificates, which `signer` signs, and one answer to all else."""

    def respond(call: Call) -> Say:
        found = lists() if call.target == "/v3/certificates" else answer
        return found if isinstance(found, Say) else signed_by(signer, found, seconds=seconds)

    return respond


def utc(seconds: float) -> datetime:
    """Unix seconds as aware UTC."""
    return datetime.fromtimestamp(seconds, UTC)
