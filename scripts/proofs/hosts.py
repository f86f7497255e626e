"""The way to WeChat: whether its four hosts answer, and whether our clock agrees with theirs."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime

from app.settings import Settings
from scripts.proofs.finding import Finding, ok, unseen, wrong
from wechat.http import Answer, Broken, Http

# WeChat Pay refuses at 300 s; whoever is off by a minute is not synchronised at all.
MOST_SKEW_S = 60


def reach(settings: Settings, http: Http) -> dict[str, Answer | None]:
    """What each host of WeChat says to a GET without any key (any status will do); None: nothing."""
    doors = {
        settings.wechat_mp_base: "/cgi-bin/showqrcode",
        settings.wechat_pay_base: "/v3/certificates",
        settings.wechat_pay_backup_base: "/v3/certificates",
        settings.wechat_api_base: "/cgi-bin/getcallbackip",
    }
    return {base: _knock(http, base + door) for base, door in doors.items()}


def _knock(http: Http, url: str) -> Answer | None:
    try:
        return http.deliver(http.prepare("GET", url))
    except Broken:
        return None


def hosts(reached: dict[str, Answer | None]) -> Finding:
    """The line `hosts`."""
    silent = [base for base, answer in reached.items() if answer is None]
    if silent:
        return wrong(
            "hosts",
            f"no answer from {', '.join(silent)}. Allow outgoing HTTPS (443) and DNS; proxies are not used.",
        )
    return ok("hosts", f"{', '.join(reached)} answer.")


def clock(answer: Answer | None, now: Callable[[], float]) -> Finding:
    """The line `clock`: ours against the Date of WeChat's answer, to the second."""
    date = answer.headers.get("Date") if answer else None
    if date is None:
        return unseen("clock", "WeChat told no date.")
    try:
        skew_s = now() - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return unseen("clock", "WeChat told a date that is none.")
    if abs(skew_s) >= MOST_SKEW_S:
        side = "ahead of" if skew_s > 0 else "behind"
        return wrong(
            "clock",
            f"{abs(skew_s):.0f} s {side} WeChat's. Switch time synchronisation on (timedatectl set-ntp true); "
            "from 300 s on WeChat Pay refuses everything.",
        )
    return ok("clock", f"less than {MOST_SKEW_S} s from WeChat's.")
