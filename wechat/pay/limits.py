"""What WeChat Pay accepts, checked before a call: a refusal here costs nothing and says which value was
wrong."""

import re
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

from wechat.errors import Refused
from wechat.push_xml import fit

BEIJING = timezone(timedelta(hours=8))
_NUMBER = re.compile(r"[0-9A-Za-z_-]+")
_PLAIN = re.compile(r"[0-9A-Za-z]+")
_EMOJI = re.compile("[\U00010000-\U0010ffff\u200d\ufe0e\ufe0f]")


def demand(api: str, holds: bool, what: str) -> None:
    """Raises Refused with WeChat's own code PARAM_ERROR unless it holds."""
    if not holds:
        raise Refused(api, "PARAM_ERROR", what)


def number(api: str, value: str, *, longest: int, shortest: int = 1, plain: bool = False) -> str:
    """A merchant's number that stands in a path unquoted (`plain`: letters and digits only). WeChat allows
    `|*@` too, which clients quote differently and so sign differently; we do not use them."""
    fits = shortest <= len(value) <= longest and (_PLAIN if plain else _NUMBER).fullmatch(value) is not None
    kinds = "letters or digits" if plain else "letters, digits, _ or -"
    demand(api, fits, f"a number of {shortest} to {longest} {kinds}")
    return value


def fen(api: str, value: int, name: str, most: int = 10**10) -> int:
    """A whole amount of at least one fen."""
    whole = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
    demand(api, whole, f"{name}: whole fen, at least 1")
    return value


def address(api: str, url: str) -> str:
    """An address for notices: http or https, a path, no query."""
    parts = urlsplit(url)
    fits = parts.scheme in ("http", "https") and bool(parts.netloc) and len(parts.path) > 1
    demand(api, fits and not parts.query and len(url) <= 255, "notify_url: http(s), a path, no query")
    return url


def words(text: str, limit: int) -> str:
    """A text for shoppers: no emoji (WeChat Pay takes no 4-byte characters), one line, `limit` bytes at
    most."""
    return fit(" ".join(_EMOJI.sub("", text).split()), limit).strip()


def line(api: str, text: str, name: str, longest: int) -> str:
    """A text that WeChat refuses or shows as it is: 1 to `longest` characters, without emoji and on one line
    (those are taken out)."""
    shown = words(text, 4 * longest)
    demand(api, 0 < len(shown) <= longest, f"{name}: 1 to {longest} characters")
    return shown


def secret(api: str, text: str, name: str) -> str:
    """A text that is going to be encrypted with a key of 2048 bits: 1 to 214 bytes."""
    demand(api, bool(text.strip()) and len(text.encode()) <= 214, f"{name}: 1 to 214 bytes")
    return text.strip()


def moment(api: str, at: datetime) -> str:
    """RFC 3339 in Beijing time, whole seconds."""
    demand(api, at.tzinfo is not None, "a time needs its zone")
    return at.astimezone(BEIJING).isoformat(timespec="seconds")
