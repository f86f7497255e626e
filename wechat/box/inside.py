"""What is inside one running box: its memory, its accounts, its clock, its settings and its faults."""

import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from wechat.box import open_settings, pay_settings
from wechat.box.credentials import Account, Credentials
from wechat.box.state import Store

CHINA = timezone(timedelta(hours=8))
MODES = ("plain", "compatible", "safe")
# True goes on, a whole number counts down, an object narrows the fault by path (see ``Box.fault``).
FAULTS = (
    "drop_notices",
    "delay_notices_s",
    "duplicate_notices",
    "duplicate_pushes",
    "unavailable",
    "unavailable_after",
    "refund_result",
    "signtest_probe",
    "wrong_signature",
    "wrong_amount",
    "foreign_appid",
)
_MOST = 10**9
_DEFAULTS: dict[str, Any] = {
    "push_mode": "safe",
    "callback_url": None,
    "mp_pages": None,
    "push_timeout_s": 5,
    "push_retries": 3,
    "push_retry_s": 1,
    "notice_timeout_s": 5,
    # Real notices are repeated after 15 s ... 6 h; on a laptop nobody waits for that.
    "notice_speedup": 15,
    "faults": {},
} | (open_settings.DEFAULTS | pay_settings.DEFAULTS)


class Unknown(ValueError):
    """A setting or fault that the box does not have, or a value that it cannot mean."""


@dataclass
class Box:
    """One running box. ``wake`` tells the courier that something may be due."""

    store: Store
    credentials: Credentials
    wake: threading.Event = field(default_factory=threading.Event)
    # What ``serve`` told in its JSON line.
    told: dict[str, Any] = field(default_factory=dict)

    def now(self) -> float:
        """Seconds since 1970 on the box's clock, which a test may move (business time: expiries, states,
        retries)."""
        return time.time() + float(self.store.kept("clock_offset_s") or 0)

    def move_clock(self, offset_s: float) -> None:
        """Set how far the box's clock runs ahead of the true one. Signatures keep the true clock, or no
        client could verify them within its five minutes."""
        self.store.keep("clock_offset_s", offset_s)
        self.wake.set()

    def account(self, appid: str) -> Account | None:
        """The account with this appid, or None."""
        both = (self.credentials.oa, self.credentials.mp)
        return next((account for account in both if account.appid == appid), None)

    def settings(self) -> dict[str, Any]:
        """The settings in force, defaults filled in."""
        return _DEFAULTS | (self.store.kept("settings") or {})

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Change some settings; a new ``faults`` object replaces the old one. Raises Unknown and changes
        nothing."""
        for name, value in changes.items():
            _check_setting(name, value)
        with self.store.write():
            self.store.keep("settings", (self.store.kept("settings") or {}) | changes)

    def fault(self, name: str, path: str = "") -> Any:
        """The fault's value when it strikes now, else None. ``3`` strikes three times; ``{"path": "/v3",
        "count": 2, "value": ...}`` strikes only calls whose path begins so."""
        if not self.settings()["faults"].get(name):
            return None
        with self.store.write():
            faults = dict(self.settings()["faults"])
            value = faults.get(name)
            if isinstance(value, dict):
                if not path.startswith(value.get("path", "")):
                    return None
                if "count" in value:
                    faults[name] = value | {"count": value["count"] - 1} if value["count"] > 1 else None
                value = value.get("value", True)
            elif type(value) is int and name != "delay_notices_s":
                faults[name] = value - 1
            if faults != self.settings()["faults"]:
                self.change_settings({"faults": faults})
            return value or None


def _check_setting(name: str, value: Any) -> None:
    if name not in _DEFAULTS:
        raise Unknown(f"no such setting: {name}")
    if name in ("push_mode", "mp_push_mode") and value not in MODES:
        raise Unknown(f"{name} is one of {', '.join(MODES)}")
    if name.endswith("callback_url") and not (value is None or _is_address(value)):
        raise Unknown(f"{name} is an http(s) address or null")
    if name == "faults":
        strange = set(value) - set(FAULTS) if isinstance(value, dict) else {"?"}
        if strange:
            raise Unknown(f"no such fault: {', '.join(sorted(strange))}; there are {', '.join(FAULTS)}")
        for fault, wanted in value.items():
            _check_fault(fault, wanted)
    if name.endswith(("_s", "_retries", "_speedup")) and not (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST
    ):
        raise Unknown(f"{name} is a number, 0 to {_MOST}")
    for problem in (open_settings.problem, pay_settings.problem):
        if (sentence := problem(name, value)) is not None:
            raise Unknown(sentence)
    if name == "notice_speedup" and value <= 0:
        raise Unknown("notice_speedup is more than 0")


def _is_address(value: object) -> bool:
    if not isinstance(value, str) or not value.startswith(("http://", "https://")) or not value.isprintable():
        return False
    try:
        parts = urlsplit(value)
        return bool(parts.hostname) and parts.port != 0  # a port that is none raises
    except ValueError:
        return False


def _check_fault(name: str, wanted: Any) -> None:
    if isinstance(wanted, dict):
        path, count = wanted.get("path", ""), wanted.get("count", 1)
        if set(wanted) - {"path", "count", "value"} or not isinstance(path, str) or type(count) is not int:
            raise Unknown(f"{name}: an object may hold path, count and value")
        wanted = wanted.get("value", True)
    results = ("SUCCESS", "ABNORMAL", "CLOSED")
    if name == "refund_result" and wanted and wanted not in results:
        raise Unknown(f"refund_result is one of {', '.join(results)}")
    if name != "refund_result" and not (
        wanted is None or (isinstance(wanted, bool | int | float) and 0 <= wanted <= _MOST)
    ):
        raise Unknown(f"{name} is true, false, null or a number, 0 to {_MOST}")


def rfc3339(at: float) -> str:
    """A time as WeChat Pay writes it: whole seconds, +08:00."""
    return datetime.fromtimestamp(int(at), tz=CHINA).isoformat(timespec="seconds")


def iso_utc(at: float) -> str:
    """A time as the control API writes it: UTC, whole seconds, ``Z``."""
    return datetime.fromtimestamp(int(at), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def letters(count: int) -> str:
    """``count`` random characters that are safe in an address."""
    return secrets.token_urlsafe(count)[:count]


def digits(count: int) -> str:
    """``count`` random digits."""
    return "".join(secrets.choice("0123456789") for _ in range(count))
