"""The settings of the official-account and mini-program half: their defaults, and what they cannot mean."""

from typing import Any

DEFAULTS: dict[str, Any] = {
    "mp_callback_url": None,
    "mp_push_mode": "safe",
    "mp_push_format": "json",
    # {"/cgi-bin/user/get": 3}: these replace the published limits of a day and of a minute.
    "daily_limits": {},
    "minute_limits": {},
    # Lower them to meet the limit in a test.
    "most_permanent_codes": 100_000,
    "most_plain_codes": 100_000,
    # wx.login brings a new session_key every so many times; 0: never.
    "session_key_every": 3,
    # {"template_id": ["thing1", "amount2"]}: the templates of the account; null takes every id.
    "templates": None,
    # Whether a person who lets the official account know her is a snapshot-page visitor.
    "snapshot_visitors": False,
    "media_check_delay_s": 1,
    # From a confirmed receipt to the settlement of the money.
    "settlement_delay_s": 1,
}
_LIMITS = ("daily_limits", "minute_limits")


def problem(name: str, value: Any) -> str | None:
    """What is wrong with a value for one of these settings, in a sentence; None when nothing is."""
    if name == "mp_push_format" and value not in ("json", "xml"):
        return "mp_push_format is json or xml"
    if name in _LIMITS and not (isinstance(value, dict) and all(_whole(one) for one in value.values())):
        return f"{name} is an object of addresses and whole numbers, 0 or more"
    if name.startswith("most_") and not _whole(value):
        return f"{name} is a whole number, 0 or more"
    if name == "session_key_every" and not _whole(value):
        return "session_key_every is a whole number, 0 or more"
    if name == "snapshot_visitors" and type(value) is not bool:
        return "snapshot_visitors is true or false"
    if name == "templates" and value is not None:
        good = isinstance(value, dict) and all(
            isinstance(words, list) and all(isinstance(word, str) for word in words)
            for words in value.values()
        )
        return None if good else "templates is null or an object of template ids and their keywords"
    return None


def _whole(value: object) -> bool:
    return type(value) is int and value >= 0
