"""The official account's client: all verbs in one object."""

from dataclasses import dataclass, field

from wechat.console import Console
from wechat.customer import CustomerMessages
from wechat.envelope import Envelope
from wechat.http import Http
from wechat.media import MediaLibrary
from wechat.official_account.codes import Codes
from wechat.official_account.fans import Fans
from wechat.official_account.js_sdk import JsSdk
from wechat.official_account.menus import Menus
from wechat.official_account.notices import Notices
from wechat.official_account.tags import Tags
from wechat.official_account.web_login import OPEN_BASE, WebLogin
from wechat.platform import API_BASE, Platform
from wechat.pushing import Pushes
from wechat.tokens import Tokens

MP_BASE = "https://mp.weixin.qq.com"


@dataclass(frozen=True)
class OfficialAccountConfig:
    """One account. `aes_keys`: the current EncodingAESKey, then (during a change) the previous one; `safe`:
    the console's message mode, safe or plain (compatible counts as safe). Bases without a trailing slash."""

    appid: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    aes_keys: tuple[str, ...] = field(default=(), repr=False)
    safe: bool = True
    api_base: str = API_BASE
    mp_base: str = MP_BASE
    open_base: str = OPEN_BASE


class OfficialAccount(
    Pushes, Codes, Fans, Tags, Menus, CustomerMessages, Notices, MediaLibrary, WebLogin, JsSdk, Console
):
    """One official account. Thread-safe. Pushes touch no network; calls raise the errors of
    `wechat.errors`, and `wechat.errcodes` says what to do about them."""

    def __init__(self, config: OfficialAccountConfig, http: Http, tokens: Tokens) -> None:
        self.config = config
        envelope = Envelope(
            appid=config.appid, token=config.token, aes_keys=config.aes_keys, safe=config.safe
        )
        platform = Platform(http, tokens, api_base=config.api_base)
        Pushes.__init__(self, envelope, config.appid)
        Codes.__init__(self, platform, config.mp_base)
        WebLogin.__init__(self, platform, config.secret, config.open_base)
        JsSdk.__init__(self, platform, tokens)
