"""An official account and a mini-program whose WeChat is a local line, and calls with their exact bytes."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.wechat.local import Call, Line, Say, quick, serving
from wechat.http import Http
from wechat.mini_program import MiniProgram, MiniProgramConfig
from wechat.official_account import OfficialAccount, OfficialAccountConfig
from wechat.tokens import MemoryTokenStore, Tokens

APPID, SECRET = "wx1111111111111111", "s3cret-of-the-account-0123456789"
TOKEN = "ACCESS-TOKEN_0123456789abcdef"
FAN = "oFAN_aaaaaaaaaaaaaaaaaaaaaaa"
JPEG = b"\xff\xd8\xff\xe0 picture"
OK = b'{"errcode":0,"errmsg":"ok"}'


def quick_tokens(appid: str = APPID) -> Tokens:
    """The one token, without asking anybody."""
    return Tokens(appid, SECRET, MemoryTokenStore(), lambda appid, secret: (TOKEN, 7200))


def an_account(line: Line, http: Http | None = None, tokens: Tokens | None = None) -> OfficialAccount:
    config = OfficialAccountConfig(
        APPID, SECRET, "pushtoken", safe=False, api_base=line.base, mp_base=line.base
    )
    return OfficialAccount(config, http or quick(), tokens or quick_tokens())


def a_program(line: Line, http: Http | None = None) -> MiniProgram:
    return MiniProgram(MiniProgramConfig(APPID, SECRET, line.base), http or quick(), quick_tokens())


def saying(*bodies: bytes | Say) -> Callable[[Call], Say]:
    """Answers these one after another, the last one for ever."""
    left = [body if isinstance(body, Say) else Say(body=body) for body in bodies]
    return lambda call: left.pop(0) if len(left) > 1 else left[0]


class Case(NamedTuple):
    """One call: what we do, what goes out (`target` with {token} for the token), what WeChat says, what we
    make of it."""

    act: Callable[[Any], object]
    sent: str
    body: str
    said: bytes | Say
    made: object


def check(case: Case, app: Callable[[Line], object]) -> None:
    """Makes the call on a real server and compares every byte of the request, and the result."""
    with serving(saying(case.said)) as line:
        made = case.act(app(line))
    (call,) = line.calls
    assert f"{call.method} {call.target}" == case.sent.replace("{token}", f"access_token={TOKEN}")
    assert call.body.decode() == case.body
    assert made == case.made
