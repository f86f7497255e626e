"""How often each call may be made, per account and address, on the box's clock: a day in China, a minute
(WECHAT.md 2.4, 14.8)."""

from datetime import datetime
from typing import Any

from wechat.box.answers import Refusal
from wechat.box.inside import CHINA, Box

_DAILY = {
    "/cgi-bin/token": 2000,
    "/cgi-bin/stable_token": 500_000,
    "/cgi-bin/ticket/getticket": 10_000,
    "/cgi-bin/menu/create": 1000,
    "/cgi-bin/menu/get": 10_000,
    "/cgi-bin/menu/delete": 1000,
    "/cgi-bin/menu/addconditional": 2000,
    "/cgi-bin/menu/delconditional": 2000,
    "/cgi-bin/menu/trymatch": 20_000,
    "/cgi-bin/media/upload": 100_000,
    "/cgi-bin/media/get": 200_000,
    "/cgi-bin/message/custom/send": 500_000,
    "/cgi-bin/message/template/send": 100_000,
    "/cgi-bin/qrcode/create": 100_000,
    "/cgi-bin/user/get": 500,
    "/cgi-bin/user/info": 5_000_000,
    "/cgi-bin/user/info/batchget": 500_000,
    "/cgi-bin/user/info/updateremark": 10_000,
    "/wxa/generatescheme": 500_000,
    "/wxa/generate_urllink": 500_000,
    "/wxa/genwxashortlink": 10_000_000,
    "/wxa/msg_sec_check": 2_000_000,
    "/wxa/media_check_async": 200_000,
}
_A_MINUTE = {
    "/cgi-bin/stable_token": 10_000,
    "/wxa/getwxacodeunlimit": 5000,
    "/wxa/msg_sec_check": 4000,
    "/wxa/media_check_async": 2000,
    "/wxa/resetusersessionkey": 60_000,
    "/wxa/business/getuserphonenumber": 5000,
}
_MINUTE_ERRCODES = {"/wxa/msg_sec_check": 44991, "/wxa/media_check_async": 44991}
_DAILY_ELSE = 1_000_000
# Whoever has used up everything must still be able to ask for more.
FREE = (
    "/cgi-bin/clear_quota",
    "/cgi-bin/clear_quota/v2",
    "/cgi-bin/openapi/quota/get",
    "/cgi-bin/openapi/quota/clear",
)


def _day(box: Box) -> str:
    return datetime.fromtimestamp(box.now(), tz=CHINA).date().isoformat()


def daily_limit(box: Box, path: str) -> int:
    """How many calls of this address a day has."""
    limit: int = box.settings()["daily_limits"].get(path, _DAILY.get(path, _DAILY_ELSE))
    return limit


def minute_limit(box: Box, path: str) -> int | None:
    """How many calls of this address a minute has; None: as many as one likes."""
    limit: int | None = box.settings()["minute_limits"].get(path, _A_MINUTE.get(path))
    return limit


def count(box: Box, appid: str, path: str) -> None:
    """One call more. Raises Refusal 45009 when the day is used up, 45011 (some calls 44991) when the minute is;
    such a call does not count."""
    if path in FREE:
        return
    with box.store.write() as db:
        now = db.execute(
            "INSERT INTO counters VALUES (?, ?, ?, 1, ?, 1) ON CONFLICT (appid, path) DO UPDATE SET"
            " used = CASE WHEN day = excluded.day THEN used + 1 ELSE 1 END,"
            " in_minute = CASE WHEN minute = excluded.minute THEN in_minute + 1 ELSE 1 END,"
            " day = excluded.day, minute = excluded.minute RETURNING used, in_minute",
            (appid, path, _day(box), int(box.now() // 60)),
        ).fetchone()
        a_minute = minute_limit(box, path)
        if now["used"] > daily_limit(box, path):
            raise Refusal(45009)
        if a_minute is not None and now["in_minute"] > a_minute:
            raise Refusal(_MINUTE_ERRCODES.get(path, 45011))


def usage(box: Box, appid: str, path: str) -> dict[str, Any]:
    """The quota of one address as quota/get tells it."""
    found = box.store.row(
        "SELECT used FROM counters WHERE appid = ? AND path = ? AND day = ?", appid, path, _day(box)
    )
    limit, used = daily_limit(box, path), 0 if found is None else int(found["used"])
    told: dict[str, Any] = {
        "quota": {"daily_limit": limit, "used": used, "remain": max(limit - used, 0)},
    }
    a_minute = minute_limit(box, path)
    if a_minute is not None:
        told["rate_limit"] = {"call_count": a_minute, "refresh_second": 60}
    return told


def clear(box: Box, appid: str, path: str | None, *, what: str, most: int) -> None:
    """Begin the day anew, for one address or all; at most so often a month. Raises Refusal 48006."""
    month = _day(box)[:7]
    with box.store.write() as db:
        now = db.execute(
            "INSERT INTO resets VALUES (?, ?, ?, 1) ON CONFLICT (appid, what, month)"
            " DO UPDATE SET used = used + 1 RETURNING used",
            (appid, what, month),
        ).fetchone()
        if now["used"] > most:
            raise Refusal(48006)
        db.execute("DELETE FROM counters WHERE appid = ? AND (? IS NULL OR path = ?)", (appid, path, path))
