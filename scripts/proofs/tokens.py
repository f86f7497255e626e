"""The secret of an app, proven by the stable token that WeChat gives for it (never a forced one)."""

import re
from typing import NamedTuple

from app.settings import Settings
from scripts.proofs.finding import Finding, failed, ok, unseen, wrong
from wechat.errors import Refused, WeChatError
from wechat.http import Http
from wechat.platform import stable_token

_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-f]{1,4}:){2,}[0-9a-f:]+\b", re.IGNORECASE)


def oa_secret(settings: Settings, http: Http) -> Finding:
    """The line `oa-secret`."""
    prove = _Asked("OA", settings.oa_appid, settings.oa_secret.get_secret_value())
    return _token("oa-secret", settings, http, prove, "公众平台 → 设置与开发 → 基本配置")


def mp_secret(settings: Settings, http: Http) -> Finding:
    """The line `mp-secret`."""
    prove = _Asked("MP", settings.mp_appid, settings.mp_secret.get_secret_value())
    return _token("mp-secret", settings, http, prove, "小程序后台 → 开发管理 → 开发设置")


class _Asked(NamedTuple):
    prefix: str
    appid: str
    secret: str


def _token(name: str, settings: Settings, http: Http, asked: _Asked, console: str) -> Finding:
    prefix = asked.prefix
    try:
        stable_token(http, settings.wechat_api_base)(asked.appid, asked.secret)
    except Refused as error:
        return wrong(name, _sentence(error, prefix, console))
    except WeChatError as error:
        return failed(name, error)
    return ok(name, f"WeChat gives a token for {prefix}_APPID and {prefix}_SECRET.")


def needs_token(*names: str) -> list[Finding]:
    """Lines that a missing token leaves open."""
    return [unseen(name, "it needs a token; see the line of the secret.") for name in names]


def _sentence(error: Refused, prefix: str, console: str) -> str:
    match error.code:
        case "40013":
            return f"40013: {prefix}_APPID is no AppID of WeChat's. {console} → AppID."
        case "40125" | "40001":
            return (
                f"{error.code}: {prefix}_SECRET is not the AppSecret of {prefix}_APPID. "
                f"{console} → AppSecret → 重置 makes a new one (the old one dies at once)."
            )
        case "40164":
            address = _ADDRESS.search(error.detail)
            told = address[0] if address else "the outgoing address of this server"
            return f"40164: {told} is not allowed. {console} → IP 白名单 → 添加."
        case "40243" | "50004" | "50007" | "61004" | "89503":
            return f"{error.code}: the account is frozen, or its secret is. {console}."
    return f"{error.code}: {error.detail}. {console}."
