"""One cell of a brand's file: text in, value out, or one plain reason why not. Pure."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, time
from typing import Any

# A reader of one cell: takes the stripped text, answers the value, raises BadCell.
Cell = Callable[[str], Any]

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_DEGREES = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,9})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"0[0-9]{2,3}-[0-9]{7,8}|400-?[0-9]{3}-?[0-9]{4}")

# What goods may need on their way, and the form of the value behind the colon ("" = a plain flag).
HANDLING = {
    "serial": "",
    "fragile": "",
    "batch_trace": "",
    "custom_made": "",
    "by_metre": "",
    "service": "",
    "store_redeem": "",
    "prepaid_service": "",
    "uses": "[0-9]{1,4}",
    "refund_unused_days": "[0-9]{1,3}",
    "presale_days": "[0-9]{1,3}",
    "deposit_fen": "[0-9]{1,10}",
    "settle_days": "[0-9]{1,3}",
    "keep_celsius": "-?[0-9]{1,2}-[0-9]{1,2}",
}
MOST_FEN = 10_000_000_000


class BadCell(ValueError):
    """The cell cannot be read; its text is the reason, to stand behind the field's name."""


def shown(value: str) -> str:
    """The value as a message may show it: quoted, cut at 40, what could disturb a terminal escaped."""
    cut = value if len(value) <= 40 else value[:39] + "…"
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut) + "'"


def optional(cell: Cell) -> Cell:
    """A cell that may be blank: then None."""
    return lambda raw: None if raw == "" else cell(raw)


def text(longest: int, *, lines: bool = False) -> Cell:
    """Words of 1..``longest`` characters, on one line unless ``lines``. A formula stays what it is: text."""

    def read(raw: str) -> str:
        _filled(raw)
        if len(raw) > longest:
            raise BadCell(f"must have at most {longest} characters, got {len(raw)}")
        if any(unicodedata.category(c) in ("Cc", "Cs") and not (lines and c == "\n") for c in raw):
            raise BadCell(f"must not hold control characters, got {shown(raw)}")
        return raw

    return read


def code(raw: str) -> str:
    """A business code: letters, digits, ``-`` and ``_``, at most 32 characters."""
    _filled(raw)
    if not _CODE.fullmatch(raw):
        raise BadCell(f"must be 1 to 32 letters, digits, '-' or '_', got {shown(raw)}")
    return raw


def whole(least: int, most: int) -> Cell:
    """A whole number in ``least``..``most``, plain digits."""

    def read(raw: str) -> int:
        _filled(raw)
        if not _WHOLE.fullmatch(raw):
            raise BadCell(f"must be a whole number, got {shown(raw)}")
        if not least <= int(raw) <= most:
            raise BadCell(f"must be between {least} and {most}, got {shown(raw)}")
        return int(raw)

    return read


def fen(raw: str) -> int:
    """A price in fen: a whole number above 0. Yuan with a decimal point are refused, not guessed."""
    _filled(raw)
    if not _WHOLE.fullmatch(raw):
        raise BadCell(f"must be a whole number of fen (1 yuan = 100 fen), got {shown(raw)}")
    if not 0 < int(raw) <= MOST_FEN:
        raise BadCell(f"must be between 1 and {MOST_FEN} fen, got {shown(raw)}")
    return int(raw)


def degrees(bound: int) -> Cell:
    """GCJ-02 degrees between -``bound`` and ``bound``."""

    def read(raw: str) -> float:
        if not _DEGREES.fullmatch(raw):
            raise BadCell(f"must be degrees such as 22.5336, got {shown(raw)}")
        if not -bound <= float(raw) <= bound:
            raise BadCell(f"must be between -{bound} and {bound}, got {shown(raw)}")
        return float(raw)

    return read


def day(raw: str) -> date:
    """A calendar day written 2026-03-31."""
    _filled(raw)
    if not _DATE.fullmatch(raw):
        raise BadCell(f"must be a date such as 2026-03-31, got {shown(raw)}")
    try:
        return date.fromisoformat(raw)
    except ValueError:
        raise BadCell(f"must be a day of the calendar, got {shown(raw)}") from None


def clock(raw: str) -> time:
    """A time of day written 10:00."""
    if not _CLOCK.fullmatch(raw):
        raise BadCell(f"must be a time such as 10:00, got {shown(raw)}")
    return time.fromisoformat(raw)


def mobile(raw: str) -> str:
    """A mobile number of mainland China, 11 digits. Never repeated in the message: it is a person's."""
    if not _MOBILE.fullmatch(raw):
        raise BadCell("must be a mobile number of 11 digits that begins with 13 to 19")
    return raw


def telephone(raw: str) -> str:
    """A shop's number: landline with area code, 400 number, or mobile."""
    if not (_LANDLINE.fullmatch(raw) or _MOBILE.fullmatch(raw)):
        raise BadCell(f"must be a telephone number such as 0755-12345678, got {shown(raw)}")
    return raw


def one_of(*words: str) -> Cell:
    """One of the given words, written exactly so."""

    def read(raw: str) -> str:
        _filled(raw)
        if raw not in words:
            raise BadCell(f"must be one of {', '.join(words)}, got {shown(raw)}")
        return raw

    return read


def yes_no(raw: str) -> bool:
    """``yes`` or ``no``."""
    return bool(one_of("yes", "no")(raw) == "yes")


def services(raw: str) -> tuple[str, ...]:
    """Words of a-z and _ between semicolons; blank = none. Each only once."""
    words = _words(raw)
    for word in words:
        if not re.fullmatch(r"[a-z][a-z_]{0,31}", word):
            raise BadCell(f"must be words of a-z and '_' between semicolons, got {shown(word)}")
    return words


def handling(raw: str) -> tuple[str, ...]:
    """Flags of ``HANDLING`` between semicolons, some with a value behind a colon; blank = none."""
    words = _words(raw)
    for word in words:
        name, _, value = word.partition(":")
        if name not in HANDLING:
            raise BadCell(f"has an unknown flag {shown(word)}; known are {', '.join(HANDLING)}")
        if (":" in word) != bool(HANDLING[name]) or not re.fullmatch(HANDLING[name], value):
            wanted = f"needs a value of the form {HANDLING[name]}" if HANDLING[name] else "takes no value"
            raise BadCell(f"has the flag {shown(word)}, but {name} {wanted}")
    return words


def _words(raw: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in raw.split(";")) if raw else ()
    for word in words:
        if words.count(word) > 1:
            raise BadCell(f"names {shown(word)} twice")
    return words


def _filled(raw: str) -> None:
    if raw == "":
        raise BadCell("must not be blank")
