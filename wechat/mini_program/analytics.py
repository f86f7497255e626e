"""What WeChat counted on a day (a day in Asia/Shanghai, told the next morning)."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from wechat.fields import count_of, parts_of
from wechat.platform import Family, Repeat


@dataclass(frozen=True)
class Day:
    """One day. `people` came, `new_people` for the first time, made `sessions` and opened `views` pages;
    `known_people` is everybody who ever came; `sharers` shared `shares` times."""

    day: date
    known_people: int
    people: int
    new_people: int
    sessions: int
    views: int
    shares: int
    sharers: int


class Analytics(Family):
    """Reads WeChat's own figures."""

    def day(self, day: date) -> Day | None:
        """The figures of a day; None while WeChat has none (before the next morning)."""
        summary, trend = self._row("dailysummarytrend", day), self._row("dailyvisittrend", day)
        if not summary and not trend:
            return None
        return Day(
            day=day,
            known_people=count_of(summary, "visit_total"),
            people=count_of(trend, "visit_uv"),
            new_people=count_of(trend, "visit_uv_new"),
            sessions=count_of(trend, "session_cnt"),
            views=count_of(trend, "visit_pv"),
            shares=count_of(summary, "share_pv"),
            sharers=count_of(summary, "share_uv"),
        )

    def _row(self, table: str, day: date) -> dict[str, Any]:
        body = {"begin_date": f"{day:%Y%m%d}", "end_date": f"{day:%Y%m%d}"}
        fields = self.platform.post(f"datacube/getweanalysisappid{table}", body, Repeat.HARMLESS)
        return next(iter(parts_of(fields, "list")), {})
