"""The official account: what fans send us, what we answer, the codes they scan, who they are.

More of WeChat (menus, tags, templates, media) joins as one file per family with a class over `Platform`, and
one attribute of `OfficialAccount` beside `platform`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wechat import push_xml
from wechat.envelope import Envelope
from wechat.errors import Malformed, Refused, Unavailable
from wechat.events import Event, Reply, TextReply, event_of, text_of
from wechat.http import Broken, Http
from wechat.platform import API_BASE, Outcome, Platform, Repeat, image, silent, tried, unanswered
from wechat.tokens import Tokens

MP_BASE = "https://mp.weixin.qq.com"
MAX_EXPIRES_S = 2_592_000


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


@dataclass(frozen=True)
class Push:
    """An opened push. `to_user` is the account's original id (gh_...), `from_user` the fan's openid."""

    event: Event
    to_user: str
    from_user: str = field(repr=False)
    key_number: int = 0


@dataclass(frozen=True)
class CodeTicket:
    """A code that fans can scan. `url` is what the picture says, so a poster may draw it itself;
    `expires_in_s` is None for a permanent one."""

    ticket: str
    url: str
    expires_in_s: int | None


@dataclass(frozen=True)
class Fan:
    """What the account may know of a person. Of someone who does not follow, only openid (and unionid)."""

    openid: str = field(repr=False)
    unionid: str | None = field(repr=False)
    subscribed: bool
    subscribed_at: datetime | None
    scene: str | None


class OfficialAccount:
    """One official account. Thread-safe. Pushes touch no network; calls raise the errors of
    `wechat.errors`."""

    def __init__(self, config: OfficialAccountConfig, http: Http, tokens: Tokens) -> None:
        self.config = config
        self._http = http
        self._envelope = Envelope(
            appid=config.appid, token=config.token, aes_keys=config.aes_keys, safe=config.safe
        )
        self.platform = Platform(http, tokens, api_base=config.api_base)

    def verify_url(self, query: Mapping[str, Any]) -> str:
        """What to answer, exactly and alone, when WeChat checks the callback address. Raises BadSignature."""
        return self._envelope.verify_url(query)

    def open(self, query: Mapping[str, Any], body: bytes) -> Push:
        """Verifies, decrypts and names a push. Raises BadSignature or Malformed whatever was sent."""
        fields, key_number = self._envelope.open(query, body)
        event = event_of(self.config.appid, fields)
        to_user = text_of(fields, "ToUserName")
        if not to_user:
            raise Malformed("push without ToUserName")
        return Push(event, to_user, event.openid, key_number)

    def answer(self, push: Push, reply: Reply, *, now: datetime, nonce: str | None = None) -> bytes:
        """The body of our HTTP answer: `success` when there is nothing to say (never encrypted), else reply
        XML in the mode of the account. `nonce`: letters and digits; made here when absent."""
        text = push_xml.fit(reply.text) if isinstance(reply, TextReply) else ""
        if not text.strip():
            return b"success"
        seconds = int(now.timestamp())
        xml = push_xml.text_reply(push.from_user, push.to_user, seconds, text)
        nonce = nonce or os.urandom(8).hex()
        return self._envelope.seal(xml, key=push.key_number, seconds=seconds, nonce=nonce)

    def create_code(self, scene: str, *, expires_in_s: int | None = None) -> CodeTicket:
        """A code that carries `scene` (1..64 characters): permanent when `expires_in_s` is None (an account
        has 100,000 of these and can delete none), else for 1..2,592,000 seconds. Refuses other values itself
        with WeChat's code 40053."""
        api = "cgi-bin/qrcode/create"
        if not 1 <= len(scene) <= 64 or not scene.isprintable():
            raise Refused(api, "40053", "a scene has 1 to 64 printable characters")
        wish: dict[str, Any] = {"action_info": {"scene": {"scene_str": scene}}}
        if expires_in_s is None:
            wish["action_name"] = "QR_LIMIT_STR_SCENE"
        elif 1 <= expires_in_s <= MAX_EXPIRES_S:
            # Left out, WeChat would give 60 s.
            wish |= {"action_name": "QR_STR_SCENE", "expire_seconds": expires_in_s}
        else:
            raise Refused(api, "40053", "a temporary code lives 1 to 2592000 seconds")
        fields = self.platform.call(api, lambda: self.platform.client.qrcode.create(wish), Repeat.HARMLESS)
        ticket, url = text_of(fields, "ticket"), text_of(fields, "url")
        if not ticket or not url:
            raise Unavailable(api, "ANSWER", "no ticket in the answer")
        lives_s = fields.get("expire_seconds")
        if expires_in_s is not None and isinstance(lives_s, int):
            expires_in_s = lives_s
        return CodeTicket(ticket, url, expires_in_s)

    def show_code(self, ticket: str) -> bytes:
        """The picture of a code (JPEG). Needs no token. Refused when WeChat does not know the ticket."""
        api = "cgi-bin/showqrcode"
        request = self._http.prepare("GET", f"{self.config.mp_base}/{api}", params={"ticket": ticket})

        def once() -> Outcome:
            try:
                answer = self._http.deliver(request)
            except Broken as error:
                return None, *unanswered(api, error, Repeat.HARMLESS)
            if answer.status == 404:
                return None, Refused(api, "HTTP_404", "no such ticket"), False
            if answer.status != 200:
                return None, *silent(api, f"HTTP_{answer.status}", Repeat.HARMLESS)
            return answer.body, None, False

        return image(api, tried(self._http, once))

    def fan(self, openid: str) -> Fan:
        """What WeChat tells about a fan. Refused (40003) when the openid is not of this account."""
        fields = self.platform.call(
            "cgi-bin/user/info", lambda: self.platform.client.user.get(openid), Repeat.HARMLESS
        )
        since = fields.get("subscribe_time")
        known = isinstance(since, int) and 0 < since < 10**10
        number = text_of(fields, "qr_scene")
        return Fan(
            openid=openid,
            unionid=text_of(fields, "unionid") or None,
            subscribed=fields.get("subscribe") == 1,
            subscribed_at=datetime.fromtimestamp(int(since), UTC) if known and since else None,
            scene=text_of(fields, "qr_scene_str") or (number if number != "0" else "") or None,
        )

    def send_text(self, openid: str, text: str) -> None:
        """A customer message, within 48 h of the fan's last one (45015 and 45047 come back as Refused). Cut
        to 2048 bytes. Raises Unknown when it may have been delivered: a repeat would show twice."""
        api = "cgi-bin/message/custom/send"
        fitted = push_xml.fit(text)
        if not fitted.strip():
            raise Refused(api, "44004", "empty content")
        send = self.platform.client.message.send_text
        self.platform.call(api, lambda: send(openid, fitted), Repeat.HARMFUL)
