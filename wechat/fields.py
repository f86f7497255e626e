"""Reading single values out of what WeChat sent: whatever is missing or odd becomes the empty value, never
an error. JSON has numbers where XML has text, one object where XML has a list of one, and the reverse."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def text_of(fields: Mapping[str, Any], name: str) -> str:
    """The element as a text; empty when absent or not a plain value."""
    value = fields.get(name)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def number_of(fields: Mapping[str, Any], name: str) -> int | None:
    """The element as a whole number of at most 19 digits, or None."""
    text = text_of(fields, name)
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else None


def count_of(fields: Mapping[str, Any], name: str) -> int:
    """The element as a whole number, 0 when it is none."""
    return number_of(fields, name) or 0


def moment_of(fields: Mapping[str, Any], name: str) -> datetime | None:
    """The element as a moment, given in Unix seconds; None when absent, 0 or beyond the year 2286."""
    seconds = number_of(fields, name)
    return datetime.fromtimestamp(seconds, UTC) if seconds and 0 < seconds < 10**10 else None


def part_of(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The element with children; empty when it is a plain value or absent."""
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def parts_of(fields: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The elements of this name that have children: none, one (not wrapped in a list) or several."""
    value = fields.get(name)
    several = value if isinstance(value, list) else [value]
    return [one for one in several if isinstance(one, dict)]


def texts_of(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The texts under this name: none, one (not wrapped in a list) or several."""
    value = fields.get(name)
    several = value if isinstance(value, list) else [value]
    return tuple(one for one in several if isinstance(one, str) and one)


def place_of(fields: Mapping[str, Any], lat: str, lng: str) -> tuple[float, float] | None:
    """A latitude and a longitude in degrees under these two names, or None when they are nowhere on earth."""
    north, east = decimal_of(fields, lat), decimal_of(fields, lng)
    if north is None or east is None or abs(north) > 90 or abs(east) > 180:
        return None
    return north, east


def decimal_of(fields: Mapping[str, Any], name: str) -> float | None:
    """The element as a finite number, or None. JSON may send it as a number."""
    value = fields.get(name)
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
