"""Business numbers: what people and WeChat see. Unique without a global counter, safe to read aloud."""

import secrets
from datetime import datetime

from app.base.clock import SHANGHAI

# No 0/O, 1/I/L, U/V: a number survives being read over the phone.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTWXYZ"


def draw(prefix: str, now: datetime, *, length: int = 8) -> str:
    """A new number such as ``A261121K7M2QX9P``: prefix, local day, ``length`` random characters.

    29^8 numbers a day and prefix; a collision is refused by the unique constraint of the table.
    Fits WeChat Pay's 6-32 characters of [0-9A-Za-z].
    """
    # Drawn as one number: asking the system for each character costs eight times as much.
    rest, tail = secrets.randbelow(len(ALPHABET) ** length), ""
    for _ in range(length):
        rest, digit = divmod(rest, len(ALPHABET))
        tail += ALPHABET[digit]
    return f"{prefix}{now.astimezone(SHANGHAI):%y%m%d}{tail}"
