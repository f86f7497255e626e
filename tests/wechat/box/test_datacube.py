"""Figures of days that are over, through wechatpy's own client."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests.wechat.box.world import RunningBox

CHINA = timezone(timedelta(hours=8))


def _today() -> datetime:
    return datetime.fromtimestamp(time.time(), tz=UTC).astimezone(CHINA)


def test_fans_of_yesterday(sandbox: RunningBox, client: WeChatClient) -> None:
    stays, leaves = sandbox.person("甲"), sandbox.person("乙")
    sandbox.post(f"/persons/{stays['id']}/follow", scene="s:1")
    sandbox.post(f"/persons/{leaves['id']}/follow")
    sandbox.post(f"/persons/{leaves['id']}/unfollow")
    day = _today().date().isoformat()
    for ask in (client.datacube.get_user_summary, client.datacube.get_user_cumulate):
        with pytest.raises(WeChatClientException) as refused:
            ask(day, day)
        assert refused.value.errcode == 61501
    sandbox.post("/clock", offset_s=86400)
    rows = client.datacube.get_user_summary(day, day)
    assert rows == [
        {"ref_date": day, "user_source": 0, "new_user": 0, "cancel_user": 1},
        {"ref_date": day, "user_source": 1, "new_user": 1, "cancel_user": 0},
        {"ref_date": day, "user_source": 30, "new_user": 1, "cancel_user": 0},
    ]
    cumulated = client.datacube.get_user_cumulate(day, day)
    assert cumulated == [{"ref_date": day, "user_source": 0, "cumulate_user": 1}]


def test_visitors_of_yesterday(sandbox: RunningBox, mp_client: WeChatClient) -> None:
    person = sandbox.person()
    for _ in range(2):
        mp_client.wxa.code_to_session(sandbox.post(f"/persons/{person['id']}/mp/login")["code"])
    day = _today().strftime("%Y%m%d")
    asked = {"begin_date": day, "end_date": day}
    path = "/datacube/getweanalysisappiddailyvisittrend"
    assert sandbox.call(path, asked, app="mp").json()["errcode"] == 61501
    sandbox.post("/clock", offset_s=86400)
    (row,) = sandbox.call(path, asked, app="mp").json()["list"]
    assert (row["ref_date"], row["session_cnt"], row["visit_uv"], row["visit_uv_new"]) == (day, 2, 1, 1)
    summary = sandbox.call("/datacube/getweanalysisappiddailysummarytrend", asked, app="mp").json()
    assert summary["list"][0]["visit_total"] == 1
    dashed = {"begin_date": "2026-11-20", "end_date": "2026-11-20"}
    assert sandbox.call(path, dashed, app="mp").json()["errcode"] == 61500
