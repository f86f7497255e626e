"""What a merchant needs to speak with WeChat Pay."""

from dataclasses import dataclass, field

BASE = "https://api.mch.weixin.qq.com"
BACKUP_BASE = "https://api2.mch.weixin.qq.com"


@dataclass(frozen=True)
class PayConfig:
    """One merchant, in public-key mode, certificate mode, or on the way from one to the other.

    `merchant_serial` is that of the merchant's own API certificate (hex, leading zeros kept), `public_key_id`
    the PUB_KEY_ID_... under which WeChat signs; both public-key fields are empty for a merchant who still has
    platform certificates only. `platform_certificates_pem` are certificates known beforehand; with
    `download_certificates` others are fetched when something arrives under a serial that we do not know, at
    most once an hour. PEM texts, not paths. Bases are scheme and host only; `backup_base` is WeChat's other
    access point."""

    mchid: str
    apiv3_key: str = field(repr=False)
    merchant_serial: str
    merchant_private_key_pem: str = field(repr=False)
    public_key_id: str = ""
    public_key_pem: str = field(default="", repr=False)
    base: str = BASE
    backup_base: str = BACKUP_BASE
    platform_certificates_pem: tuple[str, ...] = field(default=(), repr=False)
    download_certificates: bool = True
