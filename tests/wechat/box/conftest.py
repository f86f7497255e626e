"""Fixtures: one box process for the whole room, swept before each test; an ear for what it says."""

from collections.abc import Iterator

import pytest
from wechatpy.client import WeChatClient

from tests.wechat.box.shop import Shop
from tests.wechat.box.world import Ear, RunningBox, listening
from wechat.box import pay_settings


@pytest.fixture(scope="session")
def running_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBox]:
    """The box process."""
    sandbox = RunningBox(tmp_path_factory.mktemp("box"), "--exit-with-parent")
    yield sandbox
    assert sandbox.stop() == 0


@pytest.fixture
def ear() -> Iterator[Ear]:
    """A fresh callback server."""
    with listening() as ear:
        yield ear


@pytest.fixture
def sandbox(running_box: RunningBox, ear: Ear) -> RunningBox:
    """The box with nobody in it, pushing to ``ear`` in safe mode."""
    running_box.post("/reset")
    running_box.post(
        "/settings",
        callback_url=ear.url + "/callbacks/wechat/oa",
        push_mode="safe",
        push_retries=3,
        push_retry_s=0.05,
        push_timeout_s=5,
        mp_callback_url=None,
        mp_push_mode="safe",
        mp_push_format="json",
        daily_limits={},
        minute_limits={},
        most_permanent_codes=100_000,
        most_plain_codes=100_000,
        session_key_every=3,
        templates=None,
        snapshot_visitors=False,
        ip_allow_list=None,
        media_check_delay_s=0.05,
        settlement_delay_s=0.05,
        notice_speedup=300,
        mp_pages=None,
        **pay_settings.DEFAULTS | {"refund_delay_s": 0.05},
    )
    ear.heard.clear()
    return running_box


@pytest.fixture
def client(sandbox: RunningBox) -> Iterator[WeChatClient]:
    """wechatpy as the official account; it fetches its (classic) token by itself."""
    client = sandbox.client("oa")
    yield client
    client._http.close()


@pytest.fixture
def mp_client(sandbox: RunningBox) -> Iterator[WeChatClient]:
    """wechatpy as the mini-program."""
    client = sandbox.client("mp")
    yield client
    client._http.close()


@pytest.fixture
def shop(sandbox: RunningBox, ear: Ear) -> Shop:
    """A shop whose notices are heard by the ear."""
    return Shop(sandbox, ear)
