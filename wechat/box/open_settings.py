"""The settings of the official-account and mini-program half: their defaults, and what they cannot mean."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

DEFAULTS: dict[str, Any] = {
    "mp_callback_url": None,
    # From where tokens may be fetched, addresses and networks; null takes every caller (40164).
    "ip_allow_list": None,
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
    if name.endswith("ip_allow_list") and not (value is None or is_list_of_networks(value)):
        return f"{name} is null or a list of addresses and networks"
    if name == "snapshot_visitors" and type(value) is not bool:
        return "snapshot_visitors is true or false"
    if name == "templates" and value is not None:
        good = isinstance(value, dict) and all(
            isinstance(words, list) and all(isinstance(word, str) for word in words)
            for words in value.values()
        )
        return None if good else "templates is null or an object of template ids and their keywords"
    return None


def is_list_of_networks(value: object) -> bool:
    """["203.0.113.7", "127.0.0.0/8"], say."""
    return isinstance(value, list) and all(
        isinstance(one, str) and _network(one) is not None for one in value
    )


def allows(networks: list[str] | None, address: str) -> bool:
    """Whether a caller's address is in a list of the settings; no list allows everybody."""
    if networks is None:
        return True
    found = ip_address(address)
    return any((network := _network(one)) is not None and found in network for one in networks)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _whole(value: object) -> bool:
    return type(value) is int and value >= 0
