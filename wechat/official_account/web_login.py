"""Who looks at a web page of ours inside WeChat (OAuth)."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from wechat.errors import Refused, Unavailable
from wechat.fields import count_of, text_of
from wechat.platform import Family, Platform, Repeat, ask

OPEN_BASE = "https://open.weixin.qq.com"


@dataclass(frozen=True)
class WebVisitor:
    """Who came. `snapshot`: WeChat shows the page to a made-up account, whose openid and unionid are not a
    person's: never bind anything to it. `unionid` comes only with the scope snsapi_userinfo."""

    openid: str = field(repr=False)
    unionid: str | None = field(repr=False)
    snapshot: bool
    scope: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_s: int


@dataclass(frozen=True)
class WebProfile:
    """What the visitor shows: name and picture."""

    openid: str = field(repr=False)
    unionid: str | None = field(repr=False)
    nickname: str = field(repr=False)
    picture_url: str = field(repr=False)


class WebLogin(Family):
    """Sends a browser to WeChat and asks who came back. Its access tokens are per person and not the app's."""

    def __init__(self, platform: Platform, secret: str, open_base: str = OPEN_BASE) -> None:
        Family.__init__(self, platform)
        self._secret = secret
        self._open_base = open_base

    def login_url(
        self,
        redirect_uri: str,
        *,
        state: str,
        profile: bool = False,
        force_popup: bool = False,
    ) -> str:
        """Where to send the browser; it comes back with `code` and `state`. `profile`: asks for name and
        unionid, with a dialog. `state`: 1..128 letters and digits. The order of the parameters is fixed:
        WeChat compares the address with a pattern."""
        if not (state.isascii() and state.isalnum() and len(state) <= 128):
            raise Refused("connect/oauth2/authorize", "10013", "state: 1 to 128 letters and digits")
        scope = "snsapi_userinfo" if profile else "snsapi_base"
        return (
            f"{self._open_base}/connect/oauth2/authorize?appid={self.platform.appid}"
            f"&redirect_uri={quote(redirect_uri, safe='')}&response_type=code&scope={scope}&state={state}"
            f"{'&forcePopup=true' if force_popup else ''}#wechat_redirect"
        )

    def visitor(self, code: str) -> WebVisitor:
        """Trades the code, good once and for 5 minutes. Refused when bad (40029) or used (40163)."""
        params = {"secret": self._secret, "code": code, "grant_type": "authorization_code"}
        fields = self._ask("sns/oauth2/access_token", {"appid": self.platform.appid} | params, Repeat.USELESS)
        return _visitor("sns/oauth2/access_token", fields)

    def refresh_visitor(self, refresh_token: str) -> WebVisitor:
        """A new access token within 30 days. Refused (40030, 42002, 42007) when the person must log in
        again."""
        api = "sns/oauth2/refresh_token"
        params = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return _visitor(api, self._ask(api, {"appid": self.platform.appid} | params, Repeat.HARMLESS))

    def profile(self, visitor: WebVisitor) -> WebProfile:
        """Name and picture; needs a login with `profile`."""
        params = {"access_token": visitor.access_token, "openid": visitor.openid, "lang": "zh_CN"}
        fields = self._ask("sns/userinfo", params, Repeat.HARMLESS)
        return WebProfile(
            openid=visitor.openid,
            unionid=text_of(fields, "unionid") or None,
            nickname=text_of(fields, "nickname"),
            picture_url=text_of(fields, "headimgurl"),
        )

    def is_logged_in(self, visitor: WebVisitor) -> bool:
        """Tells whether the visitor's access token still holds."""
        params = {"access_token": visitor.access_token, "openid": visitor.openid}
        try:
            self._ask("sns/auth", params, Repeat.HARMLESS)
        except Refused as error:
            if error.code in ("40003", "40001", "40014", "42001"):
                return False
            raise
        return True

    def _ask(self, api: str, params: dict[str, str], repeat: Repeat) -> dict[str, Any]:
        http = self.platform.http
        request = http.prepare("GET", f"{self.platform.api_base}/{api}", params=params)
        return ask(http, api, request, repeat)


def _visitor(api: str, fields: dict[str, Any]) -> WebVisitor:
    openid, token = text_of(fields, "openid"), text_of(fields, "access_token")
    if not openid or not token:
        raise Unavailable(api, "ANSWER", "no openid or access_token in the answer")
    return WebVisitor(
        openid=openid,
        unionid=text_of(fields, "unionid") or None,
        snapshot=count_of(fields, "is_snapshotuser") == 1,
        scope=text_of(fields, "scope"),
        access_token=token,
        refresh_token=text_of(fields, "refresh_token"),
        expires_in_s=count_of(fields, "expires_in"),
    )
