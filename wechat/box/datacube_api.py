"""Figures of days that are over (WECHAT.md 7.7): what the box itself has seen."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Request, Response

from wechat.box.account_api import mini_program, official
from wechat.box.answers import Refusal, asked_json, said
from wechat.box.inside import CHINA, Box

_DASHED, _PLAIN = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"\d{8}")


def _days(box: Box, request: Request, form: re.Pattern[str], most: int) -> list[date]:
    """The days asked for, all before today in China. Raises Refusal 61500 (form) or 61501 (range)."""
    asked = asked_json(request)
    given = [asked.get("begin_date"), asked.get("end_date")]
    if not all(isinstance(one, str) and form.fullmatch(one) for one in given):
        raise Refusal(61500)
    try:
        begin, end = (date.fromisoformat(str(one)) for one in given)
    except ValueError:
        raise Refusal(61500) from None
    today = datetime.fromtimestamp(box.now(), tz=CHINA).date()
    if not begin <= end < today or (end - begin).days >= most:
        raise Refusal(61501)
    return [begin + timedelta(days=day) for day in range((end - begin).days + 1)]


def _bounds(day: date) -> tuple[float, float]:
    begin = datetime.combine(day, time(), tzinfo=CHINA).timestamp()
    return begin, begin + 86400


def user_summary(box: Box, request: Request) -> Response:
    """POST /datacube/getusersummary: who came and went, by source; at most 7 days."""
    official(box, request)
    return said({"list": list(_summary(box, _days(box, request, _DASHED, 7)))})


def _summary(box: Box, days: list[date]) -> Iterator[dict[str, Any]]:
    for day in days:
        rows = box.store.rows("SELECT source, came FROM follows WHERE at >= ? AND at < ?", *_bounds(day))
        counts = Counter((row["source"], bool(row["came"])) for row in rows)
        for source in sorted({source for source, _ in counts}):
            yield {
                "ref_date": day.isoformat(),
                "user_source": source,
                "new_user": counts[source, True],
                "cancel_user": counts[source, False],
            }


def user_cumulate(box: Box, request: Request) -> Response:
    """POST /datacube/getusercumulate: how many fans there were at the end of each day."""
    official(box, request)
    told = []
    for day in _days(box, request, _DASHED, 7):
        found = box.store.row(
            "SELECT coalesce(sum(CASE WHEN came THEN 1 ELSE -1 END), 0) AS n FROM follows WHERE at < ?",
            _bounds(day)[1],
        )
        assert found is not None
        told.append({"ref_date": day.isoformat(), "user_source": 0, "cumulate_user": found["n"]})
    return said({"list": told})


def daily_summary(box: Box, request: Request) -> Response:
    """POST /datacube/getweanalysisappiddailysummarytrend: visitors so far, of one day."""
    mini_program(box, request)
    (day,) = _days(box, request, _PLAIN, 1)
    visitors = _logins(box, 0, _bounds(day)[1])[1]
    row = {"ref_date": day.strftime("%Y%m%d"), "visit_total": visitors, "share_pv": 0, "share_uv": 0}
    return said({"list": [row]})


def daily_visits(box: Box, request: Request) -> Response:
    """POST /datacube/getweanalysisappiddailyvisittrend: sessions and visitors of one day."""
    mini_program(box, request)
    (day,) = _days(box, request, _PLAIN, 1)
    begin, end = _bounds(day)
    count, visitors = _logins(box, begin, end)
    found = box.store.row(
        "SELECT count(*) AS n FROM (SELECT min(at) AS first FROM logins GROUP BY openid)"
        " WHERE first >= ? AND first < ?",
        begin,
        end,
    )
    assert found is not None
    row = {"ref_date": day.strftime("%Y%m%d"), "session_cnt": count, "visit_pv": count, "visit_uv": visitors}
    row |= {"visit_uv_new": found["n"], "stay_time_uv": 0, "stay_time_session": 0, "visit_depth": 1}
    return said({"list": [row]})


def _logins(box: Box, begin: float, end: float) -> tuple[int, int]:
    found = box.store.row(
        "SELECT count(*) AS n, count(DISTINCT openid) AS who FROM logins WHERE at >= ? AND at < ?", begin, end
    )
    assert found is not None
    return int(found["n"]), int(found["who"])
