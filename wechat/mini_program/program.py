"""The mini-program's client: all verbs in one object."""

from dataclasses import dataclass, field

from wechat.console import Console
from wechat.customer import ProgramMessages
from wechat.envelope import Envelope
from wechat.http import Http
from wechat.media import MediaLibrary
from wechat.mini_program.analytics import Analytics
from wechat.mini_program.codes import Codes
from wechat.mini_program.links import Links
from wechat.mini_program.logins import Logins
from wechat.mini_program.notices import Notices
from wechat.mini_program.safety import Safety
from wechat.mini_program.shipping import Shipping
from wechat.platform import API_BASE, Platform
from wechat.pushing import Pushes
from wechat.tokens import Tokens


@dataclass(frozen=True)
class MiniProgramConfig:
    """One mini-program. `token`, `aes_keys` and `safe` as for an official account, when the message push is
    switched on; it may send XML or JSON. `api_base` without a trailing slash."""

    appid: str
    secret: str = field(repr=False)
    api_base: str = API_BASE
    token: str = field(default="", repr=False)
    aes_keys: tuple[str, ...] = field(default=(), repr=False)
    safe: bool = True


class MiniProgram(
    Logins, Codes, Links, Notices, Safety, Shipping, Analytics, ProgramMessages, MediaLibrary, Console
):
    """One mini-program. Thread-safe. Calls raise the errors of `wechat.errors`, and `wechat.errcodes` says
    what to do about them. `pushes` is None when no push is configured."""

    def __init__(self, config: MiniProgramConfig, http: Http, tokens: Tokens) -> None:
        self.config = config
        Logins.__init__(self, Platform(http, tokens, api_base=config.api_base), config.secret)
        self.pushes = _pushes(config)


def _pushes(config: MiniProgramConfig) -> Pushes | None:
    if not config.token:
        return None
    envelope = Envelope(appid=config.appid, token=config.token, aes_keys=config.aes_keys, safe=config.safe)
    return Pushes(envelope, config.appid)
