"""Opening hours: what a store's week says about a moment. Pure; days and times are Asia/Shanghai.

A day with ``closes`` not after ``opens`` runs past midnight and belongs to the day it opened.
A weekday without hours is closed; a store without any hours (an online store) has no counter at all.
"""

from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache

from app.base.clock import SHANGHAI


@dataclass(frozen=True, slots=True)
class DayHours:
    """Hours of one weekday, 1 = Monday."""

    weekday: int
    opens: time
    closes: time

    @property
    def past_midnight(self) -> bool:
        """Whether the day's hours end on the next calendar day."""
        return self.closes <= self.opens


def is_open(week: tuple[DayHours, ...], now: datetime) -> bool | None:
    """Whether the counter is open at ``now`` (aware); None for a store that has no counter hours.

    Open from ``opens`` inclusive to ``closes`` exclusive.
    """
    if not week:
        return None
    local = now.astimezone(SHANGHAI)
    today, clock = local.isoweekday(), local.time()
    yesterday = (today - 2) % 7 + 1
    for day in week:
        if day.weekday == today and day.opens <= clock and (day.past_midnight or clock < day.closes):
            return True
        if day.weekday == yesterday and day.past_midnight and clock < day.closes:
            return True
    return False


@lru_cache(maxsize=4096)
def read_week(written: str | None) -> tuple[DayHours, ...]:
    """A week from the text that the queries of this room build: ``1 10:00 22:00;2 10:00 22:00``.

    Equal texts give the same object: most stores of a brand keep the same hours.
    """
    if not written:
        return ()
    days = (day.split(" ") for day in written.split(";"))
    return tuple(
        DayHours(int(weekday), time.fromisoformat(opens), time.fromisoformat(closes))
        for weekday, opens, closes in days
    )


def shown(week: tuple[DayHours, ...]) -> list[dict[str, object]]:
    """A week for answers: ``[{"weekday": 1, "opens": "10:00", "closes": "22:00"}, ...]``."""
    return [
        {"weekday": day.weekday, "opens": f"{day.opens:%H:%M}", "closes": f"{day.closes:%H:%M}"}
        for day in week
    ]
