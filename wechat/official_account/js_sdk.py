"""What a web page needs to use WeChat's JS-SDK: a signature with a ticket that all processes share."""

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime

from wechat.errors import Unavailable
from wechat.fields import count_of, text_of
from wechat.platform import Family, Platform, Repeat
from wechat.tokens import Fetch, Tokens


@dataclass(frozen=True)
class PageSignature:
    """The arguments of wx.config. The front end spells `nonce` nonceStr."""

    appid: str
    timestamp: int
    nonce: str
    signature: str


def page_signature(ticket: str, nonce: str, seconds: int, url: str) -> str:
    """sha1 over ticket, nonce, time and the page's address as it stands in the browser, without `#...`."""
    plain = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={seconds}&url={url.partition('#')[0]}"
    return hashlib.sha1(plain.encode(), usedforsecurity=False).hexdigest()


def card_signature(*values: str) -> str:
    """sha1 over the values, sorted and joined (cards: ticket, ids, timestamp, nonce)."""
    return hashlib.sha1("".join(sorted(values)).encode(), usedforsecurity=False).hexdigest()


class JsSdk(Family):
    """Signs pages. The ticket has a small quota: it is fetched by one refresher, like the token."""

    def __init__(self, platform: Platform, tokens: Tokens) -> None:
        Family.__init__(self, platform)
        self._tickets = tokens.sibling("jsapi", _ticket(platform))

    def sign_page(self, url: str, *, now: datetime, nonce: str | None = None) -> PageSignature:
        """What the page at `url` (with its query; what follows # does not count) gives to wx.config. Raises
        Unavailable or Refused."""
        nonce, seconds = nonce or os.urandom(8).hex(), int(now.timestamp())
        signed = page_signature(self._tickets.get(), nonce, seconds, url)
        return PageSignature(self.platform.appid, seconds, nonce, signed)


def _ticket(platform: Platform) -> Fetch:
    api = "cgi-bin/ticket/getticket"

    def fetch(appid: str, secret: str) -> tuple[str, int]:
        get = platform.client.jsapi.get_ticket
        fields = platform.call(api, lambda: get("jsapi"), Repeat.HARMLESS)
        ticket, lifetime_s = text_of(fields, "ticket"), count_of(fields, "expires_in")
        if not ticket or lifetime_s <= 0:
            raise Unavailable(api, "ANSWER", "no ticket in the answer")
        return ticket, lifetime_s

    return fetch
