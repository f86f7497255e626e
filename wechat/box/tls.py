"""HTTPS under WeChat's own names, for SDKs with hard-coded hosts (WECHAT_PAY.md 12): a certification authority
made once per state folder, a server certificate made at every start."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wechat.box.state import Store

NAMES = (
    "api.weixin.qq.com",
    "api.mch.weixin.qq.com",
    "api2.mch.weixin.qq.com",
    "mp.weixin.qq.com",
    "open.weixin.qq.com",
    "localhost",
)
_CA_LIFE, _LIFE = timedelta(days=3650), timedelta(days=397)


def ca_pem(store: Store) -> str:
    """The certificate of this state folder's authority, which a client must trust; made once."""
    return _authority(store)["certificate_pem"]


def context(store: Store, folder: Path) -> ssl.SSLContext:
    """A server's context for all of WeChat's names, localhost and 127.0.0.1. Raises OSError when the folder
    cannot be written."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    path = folder / "tls.pem"
    # The standard library reads keys from files only.
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(_server_pem(_authority(store)))
    made.load_cert_chain(path)
    return made


def _authority(store: Store) -> dict[str, str]:
    with store.write():
        kept: dict[str, str] | None = store.kept("tls authority")
        if kept is None:
            kept = _made_authority()
            store.keep("tls authority", kept)
        return kept


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _named(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _made_authority() -> dict[str, str]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = _named("WeChat in a box, for this machine only")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return {"key_pem": _key_pem(key), "certificate_pem": pem}


def _server_pem(authority: dict[str, str]) -> str:
    """Key, certificate and authority, one after the other."""
    ca_key = serialization.load_pem_private_key(authority["key_pem"].encode(), password=None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    ca = x509.load_pem_x509_certificate(authority["certificate_pem"].encode())
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    names = [x509.DNSName(name) for name in NAMES]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_named(NAMES[0]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(min(now + _LIFE, ca.not_valid_after_utc))
        .add_extension(
            x509.SubjectAlternativeName([*names, x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    chain = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return _key_pem(key) + chain + authority["certificate_pem"]
