"""One app's calls to api.weixin.qq.com: the only place that knows wechatpy.

wechatpy builds the calls, adds the token and reads the answers. What it gets wrong is put right here: it
retries a rejected token without limit (we: once), has no timeouts, a race around its token and hosts that
cannot be configured. Its modules serve where they cover a call; `post` and `get` serve where they do not.
"""

import json
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from typing import Any

import requests
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from wechat.errcodes import Kind, meaning
from wechat.errors import Refused, Unavailable, Unknown, WeChatError
from wechat.http import Answer, Broken, Http, broken_by
from wechat.tokens import REJECTED_CODES, Fetch, Tokens

API_BASE = "https://api.weixin.qq.com"


class Repeat(Enum):
    """What happens to the world when a call goes out twice."""

    HARMLESS = "a read, or a write that the second call merely confirms: sent again when no answer came"
    USELESS = "the first call may have used a single-use code up: not sent again, yet asking does no harm"
    HARMFUL = "a second message would be sent: sent again only when the first never left"


class _OddAnswer(Exception):
    """wechatpy stumbled over what stands in an answer."""


class _Client(WeChatClient):  # type: ignore[misc]  # an untyped base class
    """wechatpy's client on our pool, with our token and one bounded renewal."""

    def __init__(self, tokens: Tokens, session: requests.Session) -> None:
        super().__init__(tokens.appid, secret=None, auto_retry=False)
        self._tokens = tokens
        self._http = session

    @property
    def access_token(self) -> str:
        """The current token, from the one refresher."""
        return self._tokens.get()

    def fetch_access_token(self) -> None:
        """Never: only `Tokens` fetches."""
        raise AssertionError("tokens are fetched by wechat.tokens")

    def _request(self, method: str, url_or_endpoint: str, **kwargs: Any) -> Any:
        params = dict(kwargs.pop("params", None) or {})
        token = self._tokens.get()
        try:
            with_token = {**params, "access_token": token}
            return super()._request(method, url_or_endpoint, params=with_token, **kwargs)
        except WeChatClientException as error:
            if str(error.errcode) not in REJECTED_CODES:
                raise
        fresh = self._tokens.renew(token)
        if fresh == token:
            raise Unavailable("token", "40001", "the token that WeChat gives out is rejected by WeChat")
        return super()._request(method, url_or_endpoint, params={**params, "access_token": fresh}, **kwargs)

    def _handle_result(self, res: Any, *args: Any, **kwargs: Any) -> Any:
        # It takes errcode with int() and picks fields without asking whether they are there.
        try:
            return super()._handle_result(res, *args, **kwargs)
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError, RecursionError):
            raise _OddAnswer from None


class Platform:
    """Calls of one app. `client` is wechatpy's (`client.user`, `client.qrcode`, ...), to be used inside
    `call`."""

    def __init__(self, http: Http, tokens: Tokens, *, api_base: str) -> None:
        self.appid = tokens.appid
        self.api_base = api_base
        self.http = http
        self.client = _Client(tokens, http.session({API_BASE: api_base}))

    def call(self, api: str, act: Callable[[], Any], repeat: Repeat, expected: type = dict) -> Any:
        """Runs one wechatpy call under our rules and answers what it makes of the JSON: an object, or what
        `expected` says. Raises Unavailable, Unknown (only when HARMFUL) or Refused, all named `api`."""
        return tried(self.http, lambda: _guarded(api, act, repeat, expected))

    def post(self, api: str, body: Mapping[str, Any], repeat: Repeat) -> dict[str, Any]:
        """POST of JSON to a path that wechatpy does not cover (`api` without the leading slash)."""
        act = partial(self.client.post, f"{API_BASE}/{api}", data=dict(body))
        fields: dict[str, Any] = self.call(api, act, repeat)
        return fields

    def get(self, api: str, params: Mapping[str, str], repeat: Repeat) -> dict[str, Any]:
        """GET of a path that wechatpy does not cover."""
        act = partial(self.client.get, f"{API_BASE}/{api}", params=dict(params))
        fields: dict[str, Any] = self.call(api, act, repeat)
        return fields

    def picture(self, api: str, body: Mapping[str, Any]) -> bytes:
        """POST of JSON that is answered with an image, or with a JSON error."""
        act = partial(self.client.post, f"{API_BASE}/{api}", data=dict(body))
        return image(api, self.call(api, act, Repeat.HARMLESS, requests.Response).content)


class Family:
    """Verbs of one app over its Platform; `OfficialAccount` and `MiniProgram` inherit several."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform


def image(api: str, content: bytes) -> bytes:
    """The bytes, if they are a JPEG or a PNG. Raises Unavailable else (a page of some proxy, say)."""
    if not content.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        raise Unavailable(api, "ANSWER", "not an image")
    return content


Outcome = tuple[Any, WeChatError | None, bool]
"""(answer, error, may go out again)"""


def tried(http: Http, once: Callable[[], Outcome]) -> Any:
    """Runs `once` until it has an answer or must not go out again, within the bounds of `http.tries`."""
    error: WeChatError | None = None
    for _ in http.tries():
        answer, error, again = once()
        if error is None:
            return answer
        if not again:
            break
    raise error or AssertionError("no attempt was made")


def _guarded(api: str, act: Callable[[], Any], repeat: Repeat, expected: type) -> Outcome:
    try:
        answer = act()
    except WeChatClientException as error:
        if error.errcode is None:
            return None, *silent(api, f"HTTP_{error.response.status_code}", repeat)
        if str(error.errcode) in REJECTED_CODES:
            return None, Unavailable(api, str(error.errcode), error.errmsg), False
        return None, *refusal(api, str(error.errcode), error.errmsg, repeat)
    except requests.RequestException as error:
        return None, *unanswered(api, broken_by(error), repeat)
    except (_OddAnswer, LookupError):  # some of its calls pick a field after the answer was handled
        answer = None
    if not isinstance(answer, expected):
        return None, *silent(api, "ANSWER", repeat)
    return answer, None, False


def refusal(api: str, code: str, text: object, repeat: Repeat) -> tuple[WeChatError, bool]:
    """The error for an errcode, and whether the call may go out again at once."""
    match meaning(code).kind:
        case Kind.LATER:
            return Unavailable(api, code, text), False
        case Kind.BUSY:
            kind = Unknown if repeat is Repeat.HARMFUL else Unavailable
            return kind(api, code, text), repeat is Repeat.HARMLESS
    return Refused(api, code, text), False


def silent(api: str, code: str, repeat: Repeat) -> tuple[WeChatError, bool]:
    """The error when something answered that is not the API (a 5xx page, HTML)."""
    kind = Unknown if repeat is Repeat.HARMFUL else Unavailable
    return kind(api, code), repeat is Repeat.HARMLESS


def unanswered(api: str, broken: Broken, repeat: Repeat) -> tuple[WeChatError, bool]:
    """The error when no answer came. A time-out is not tried again here: the caller has waited long
    enough."""
    if broken.nothing_sent:
        return Unavailable(api, broken.code), True
    error, again = silent(api, broken.code, repeat)
    return error, again and broken.code != "TIMEOUT"


def ask(http: Http, api: str, request: requests.PreparedRequest, repeat: Repeat) -> dict[str, Any]:
    """A call without a token, outside wechatpy: answers the JSON object, raises as `Platform.call`."""

    def once() -> Outcome:
        try:
            answer = http.deliver(request)
        except Broken as error:
            return None, *unanswered(api, error, repeat)
        return _answered(api, answer, repeat)

    fields: dict[str, Any] = tried(http, once)
    return fields


def _answered(api: str, answer: Answer, repeat: Repeat) -> Outcome:
    # The Content-Type of these answers is unreliable (sns/* says text/plain) and is not looked at.
    try:
        fields = json.loads(answer.body)
    except (ValueError, RecursionError):
        fields = None
    if answer.status != 200 or not isinstance(fields, dict):
        return None, *silent(api, f"HTTP_{answer.status}", repeat)
    code = str(fields.get("errcode") or 0)
    if code != "0":
        return None, *refusal(api, code, fields.get("errmsg", ""), repeat)
    return fields, None, False


def stable_token(http: Http, api_base: str = API_BASE) -> Fetch:
    """The `fetch` of `Tokens`: POST /cgi-bin/stable_token in normal mode, which answers the same token to
    everybody while it is valid. Raises Unavailable, or Refused for a wrong appid, secret or caller's
    address."""
    api = "cgi-bin/stable_token"

    def fetch(appid: str, secret: str) -> tuple[str, int]:
        body = {"grant_type": "client_credential", "appid": appid, "secret": secret, "force_refresh": False}
        headers = {"Content-Type": "application/json"}
        request = http.prepare("POST", f"{api_base}/{api}", body=json.dumps(body).encode(), headers=headers)
        fields = ask(http, api, request, Repeat.HARMLESS)
        value, lifetime_s = fields.get("access_token"), fields.get("expires_in")
        if not isinstance(value, str) or not value or not isinstance(lifetime_s, int):
            raise Unavailable(api, "ANSWER", "no token in the answer")
        return value, lifetime_s

    return fetch
