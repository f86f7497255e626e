"""The mini-program: who opens it, their phone number, and the codes that lead into it.

More of WeChat (links, subscribe messages, content security, shipping information) joins as one file per
family with a class over `Platform`, and one attribute of `MiniProgram` beside `platform`.
"""

import re
from dataclasses import dataclass, field

from wechat.errors import Refused, Unavailable
from wechat.events import text_of
from wechat.http import Http
from wechat.platform import API_BASE, Platform, Repeat, ask
from wechat.tokens import Tokens

_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]+")


@dataclass(frozen=True)
class MiniProgramConfig:
    """One mini-program. `api_base` without a trailing slash."""

    appid: str
    secret: str = field(repr=False)
    api_base: str = API_BASE


@dataclass(frozen=True)
class MpSession:
    """Who has logged in. `session_key` must never leave the server. `unionid` joins the person with the
    official account's fan, when both apps hang on one open-platform account."""

    openid: str = field(repr=False)
    unionid: str | None = field(repr=False)
    session_key: str = field(repr=False)


@dataclass(frozen=True)
class Phone:
    """A phone number that WeChat vouches for: `country_code` such as 86, `number` without it, digits only."""

    country_code: str
    number: str = field(repr=False)


class MiniProgram:
    """One mini-program. Thread-safe. Calls raise the errors of `wechat.errors`."""

    def __init__(self, config: MiniProgramConfig, http: Http, tokens: Tokens) -> None:
        self.config = config
        self._http = http
        self.platform = Platform(http, tokens, api_base=config.api_base)

    def login(self, code: str) -> MpSession:
        """Trades the code of wx.login, good once and for 5 minutes. Refused when it is bad (40029), used
        (40163) or WeChat blocks the person (40226). Sent without an access token, so it works when tokens do
        not."""
        api = "sns/jscode2session"
        params = {
            "appid": self.config.appid,
            "secret": self.config.secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        request = self._http.prepare("GET", f"{self.config.api_base}/{api}", params=params)
        fields = ask(self._http, api, request, Repeat.USELESS)
        openid, session_key = text_of(fields, "openid"), text_of(fields, "session_key")
        if not openid or not session_key:
            raise Unavailable(api, "ANSWER", "no openid or session_key in the answer")
        return MpSession(openid, text_of(fields, "unionid") or None, session_key)

    def phone(self, code: str, *, openid: str | None = None) -> Phone:
        """Trades the code of the phone-number button (not the one of wx.login), good once and for 5 minutes.
        With `openid` WeChat checks that both are of one person. Refused (40029) when the code is bad or
        used."""
        api = "wxa/business/getuserphonenumber"
        body = {"code": code} | ({"openid": openid} if openid else {})
        info = self.platform.post(api, body, Repeat.USELESS).get("phone_info")
        if not isinstance(info, dict):
            raise Unavailable(api, "ANSWER", "no phone_info in the answer")
        watermark = info.get("watermark")
        if isinstance(watermark, dict) and watermark.get("appid") not in (None, self.config.appid):
            raise Refused(api, "40013", "the number was given to another app")
        phone = Phone(text_of(info, "countryCode"), text_of(info, "purePhoneNumber"))
        if not all(word.isascii() and word.isdigit() for word in (phone.country_code, phone.number)):
            raise Unavailable(api, "ANSWER", "the number is not digits")
        return phone

    def unlimited_code(
        self,
        scene: str,
        *,
        page: str | None = None,
        check_path: bool = True,
        env_version: str = "release",
        width: int = 430,
    ) -> bytes:
        """The picture (JPEG) of a code that opens `page` (no leading slash, no query) with `scene` in its
        query. `scene`: 1..32 of digits, letters and !#$&'()*+,/:;=?@-._~ (others are refused here with
        WeChat's codes 40169 and 40129). `check_path` False allows a page that is not released yet. `width`
        280..1280 pixels."""
        api = "wxa/getwxacodeunlimit"
        if not 1 <= len(scene) <= 32:
            raise Refused(api, "40169", "a scene has 1 to 32 characters")
        if not _SCENE.fullmatch(scene):
            raise Refused(api, "40129", "a character that a scene cannot have")
        if not 280 <= width <= 1280 or (page is not None and (page.startswith("/") or "?" in page)):
            raise Refused(api, "40097", "width 280 to 1280; a page without leading slash and query")
        body = {"scene": scene, "check_path": check_path, "env_version": env_version, "width": width}
        return self.platform.picture(api, body | ({"page": page} if page else {}))
