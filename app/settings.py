"""Every environment variable of Lianke, named once, with its unit and default."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SAMPLE_WORDS = ("changeme", "change-me", "secret", "sample", "example", "password", "lianke")


def _strong(value: SecretStr) -> SecretStr:
    plain = value.get_secret_value()
    if len(plain) < 32:
        raise ValueError("must have at least 32 characters; make one with: openssl rand -hex 32")
    if len(set(plain)) < 10 or any(word in plain.lower() for word in SAMPLE_WORDS):
        raise ValueError("looks like a sample; make one with: openssl rand -hex 32")
    return value


def _aes_key(value: SecretStr) -> SecretStr:
    plain = value.get_secret_value()
    if plain and len(plain) != 43:
        raise ValueError("an EncodingAESKey has exactly 43 characters")
    return value


def _readable(value: Path) -> Path:
    if not value.is_file():
        raise ValueError("no such file")
    return value


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


Strong = Annotated[SecretStr, AfterValidator(_strong)]
AesKey = Annotated[SecretStr, AfterValidator(_aes_key)]
PemFile = Annotated[Path, AfterValidator(_readable)]
MaybePemFile = Annotated[PemFile | None, BeforeValidator(_none_if_empty)]
DOWNLOAD = "download"


class Settings(BaseSettings):
    """Read from the environment at start; a missing, weak or malformed value stops the process with its name."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    database_url: str
    redis_url: str | None = None
    secret_key: Strong
    public_url: str

    brand_name: str = "澜序 LANXU"
    brand_slogan: str = "把好日子穿在身上"

    wechat_api_base: str = "https://api.weixin.qq.com"
    wechat_mp_base: str = "https://mp.weixin.qq.com"
    wechat_pay_base: str = "https://api.mch.weixin.qq.com"
    wechat_pay_backup_base: str = "https://api2.mch.weixin.qq.com"

    oa_appid: str
    oa_secret: SecretStr
    oa_token: SecretStr
    oa_aes_key: AesKey
    oa_aes_key_previous: AesKey = SecretStr("")
    oa_mode: Literal["safe", "plain"] = "safe"

    mp_appid: str
    mp_secret: SecretStr
    mp_code_page: str = "pages/index/index"
    # WeChat refuses a code for a page that is not released yet; "trial" and "develop" codes help before launch.
    mp_env_version: Literal["release", "trial", "develop"] = "release"
    # The mini-program's message push, when it is switched on in the console; without a token there is no door.
    mp_token: SecretStr = SecretStr("")
    mp_aes_key: AesKey = SecretStr("")
    mp_aes_key_previous: AesKey = SecretStr("")
    mp_mode: Literal["safe", "plain"] = "safe"

    pay_mchid: str
    pay_apiv3_key: SecretStr
    pay_merchant_serial: str
    pay_merchant_key_file: PemFile
    # WeChat's side: the public key, platform certificates, or both while a merchant moves to the key.
    pay_public_key_id: str = ""
    pay_public_key_file: MaybePemFile = None
    # "download", or paths of certificates separated by commas (others are then downloaded when they are met).
    pay_platform_certificates: str = ""

    unpaid_order_ttl_s: int = 900
    login_ttl_s: int = 30 * 86400

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    web_threads: int = 8
    worker_concurrency: int = 4

    @property
    def paid_url(self) -> str:
        """Where WeChat Pay reports payments."""
        return self._notify("paid")

    @property
    def refunded_url(self) -> str:
        """Where WeChat Pay reports refunds."""
        return self._notify("refunded")

    @property
    def transferred_url(self) -> str:
        """Where WeChat Pay reports how transfers to people ended."""
        return self._notify("transferred")

    @property
    def shared_url(self) -> str:
        """Where WeChat Pay reports shares that we received as a merchant; it is set in the console."""
        return self._notify("shared")

    @property
    def combined_url(self) -> str:
        """Where WeChat Pay reports combined payments."""
        return self._notify("combined")

    def _notify(self, what: str) -> str:
        return f"{self.public_url}/callbacks/wechat/pay/{what}"

    @property
    def platform_certificate_files(self) -> tuple[Path, ...]:
        """The platform certificates that lie on this machine."""
        named = self.pay_platform_certificates
        return (
            () if named == DOWNLOAD else tuple(Path(one.strip()) for one in named.split(",") if one.strip())
        )

    @model_validator(mode="after")
    def _check_mp_push(self) -> "Settings":
        token, key, old = (
            one.get_secret_value() for one in (self.mp_token, self.mp_aes_key, self.mp_aes_key_previous)
        )
        if (key or old) and not token:
            raise ValueError("MP_TOKEN is not set but an AES key is; set both, or neither")
        if token and self.mp_mode == "safe" and not key:
            raise ValueError("MP_AES_KEY is not set but MP_TOKEN is; set both, or MP_MODE=plain")
        return self

    @model_validator(mode="after")
    def _check_pay_keys(self) -> "Settings":
        if bool(self.pay_public_key_id) != bool(self.pay_public_key_file):
            raise ValueError("PAY_PUBLIC_KEY_ID and PAY_PUBLIC_KEY_FILE go together; set both, or neither")
        if not (self.pay_public_key_id or self.pay_platform_certificates):
            raise ValueError(
                "PAY_PUBLIC_KEY_ID and PAY_PUBLIC_KEY_FILE are not set; a merchant who still has platform "
                "certificates sets PAY_PLATFORM_CERTIFICATES=download instead"
            )
        for path in self.platform_certificate_files:
            if not path.is_file():
                raise ValueError("PAY_PLATFORM_CERTIFICATES: no such file (or the word download)")
        return self

    @model_validator(mode="after")
    def _check(self) -> "Settings":
        if not self.public_url.startswith(("http://", "https://")) or self.public_url.endswith("/"):
            raise ValueError("PUBLIC_URL must begin with http:// or https:// and have no slash at its end")
        if len(self.pay_apiv3_key.get_secret_value()) != 32:
            raise ValueError("PAY_APIV3_KEY must have exactly 32 characters")
        if not 300 <= self.unpaid_order_ttl_s <= 3600:
            raise ValueError("UNPAID_ORDER_TTL_S must be between 300 and 3600 (STK-2)")
        return self


def settings_or_exit() -> Settings:
    """The settings of the environment; else one plain sentence for each wrong variable, and exit 2."""
    try:
        return Settings()
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    for item in found:
        print(_sentence(item["loc"], item["type"], item["msg"]), file=sys.stderr)
    sys.exit(2)


def _sentence(where: tuple[int | str, ...], kind: str, message: str) -> str:
    name = str(where[0]).upper() if where else ""
    if kind == "missing":
        return f"{name} is not set; docs/operations.md says what it is."
    told = message.removeprefix("Value error, ")
    return f"{name}: {told}" if name else told
