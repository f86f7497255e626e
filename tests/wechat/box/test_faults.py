"""Faults by rule: what each kind does, where it strikes, how often; the same seed gives the same run."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.wechat.box.test_pushes import opened
from tests.wechat.box.world import Ear, RunningBox, wait_until

TAGS = "/cgi-bin/tags/get"


def _rule(sandbox: RunningBox, kind: str, **more: object) -> dict[str, Any]:
    rule: dict[str, Any] = sandbox.post("/faults", 201, kind=kind, **more)["rule"]
    return rule


def _errcode(sandbox: RunningBox, path: str = TAGS, **query: str) -> int:
    return int(sandbox.call(path, **query).json().get("errcode", 0))


def _runs(sandbox: RunningBox, times: int) -> list[bool]:
    token = sandbox.token()
    return [_errcode(sandbox, access_token=token) != 0 for _ in range(times)]


@pytest.mark.parametrize("errcode", [40001, 40014, 42001, 45009, -1, 43101])
def test_any_errcode(sandbox: RunningBox, errcode: int) -> None:
    _rule(sandbox, str(errcode), path=TAGS)
    answer = sandbox.call(TAGS)
    assert answer.status_code == 200
    assert answer.json()["errcode"] == errcode
    assert " rid: " in answer.json()["errmsg"]
    assert _errcode(sandbox, "/cgi-bin/getcallbackip") == 0


def test_broken_pages(sandbox: RunningBox) -> None:
    token = sandbox.token()
    seen = []
    for kind, more in (("5xx", {}), ("5xx", {"value": 503}), ("html", {}), ("empty", {})):
        _rule(sandbox, kind, count=1, **more)
        answer = sandbox.call(TAGS, access_token=token)
        seen.append((answer.status_code, answer.headers["Content-Type"], answer.text.startswith("<html>")))
    assert [status for status, _, _ in seen] == [502, 503, 200, 200]
    assert {kind.partition(";")[0] for _, kind, _ in seen} == {"text/html"}
    assert [page for _, _, page in seen] == [True, True, True, False]
    assert _errcode(sandbox) == 0


def test_a_cut_line(sandbox: RunningBox) -> None:
    token = sandbox.token()
    _rule(sandbox, "cut", path=TAGS, count=1)
    with pytest.raises(requests.ConnectionError):
        sandbox.call(TAGS, access_token=token)
    assert _errcode(sandbox) == 0


def test_slow_answers(sandbox: RunningBox) -> None:
    token = sandbox.token()
    _rule(sandbox, "slow", path=TAGS, value=0.3, count=1)
    began = time.monotonic()
    assert _errcode(sandbox, access_token=token) == 0
    assert 0.3 <= time.monotonic() - began < 2
    began = time.monotonic()
    assert _errcode(sandbox, access_token=token) == 0
    assert time.monotonic() - began < 0.3


def test_a_token_that_dies_during_the_call(sandbox: RunningBox) -> None:
    token = sandbox.token()
    _rule(sandbox, "token_invalidated", path=TAGS, count=1)
    assert _errcode(sandbox, access_token=token) == 40001
    assert sandbox.token() != token
    assert _errcode(sandbox) == 0


def test_after_the_work_is_done(sandbox: RunningBox) -> None:
    _rule(sandbox, "5xx", path="/cgi-bin/tags/create", after=True, count=1)
    assert sandbox.call("/cgi-bin/tags/create", {"tag": {"name": "会员"}}).status_code == 502
    assert sandbox.call("/cgi-bin/tags/create", {"tag": {"name": "会员"}}).json()["errcode"] == 45157


def test_count_share_and_seed(sandbox: RunningBox) -> None:
    first = _rule(sandbox, "-1", path=TAGS, share=0.3, seed=7)
    one = _runs(sandbox, 40)
    told = sandbox.get("/faults")["rules"]
    assert [(rule["id"], rule["seen"], rule["struck"]) for rule in told] == [(first["id"], 40, sum(one))]
    assert 4 <= sum(one) <= 20
    sandbox.http.delete(f"{sandbox.base}/box/faults/{first['id']}", timeout=5)
    _rule(sandbox, "-1", path=TAGS, share=0.3, seed=7)
    assert _runs(sandbox, 40) == one
    sandbox.http.delete(f"{sandbox.base}/box/faults", timeout=5)
    _rule(sandbox, "-1", path=TAGS, share=0.3, seed=8)
    assert _runs(sandbox, 40) != one
    sandbox.http.delete(f"{sandbox.base}/box/faults", timeout=5)
    _rule(sandbox, "-1", path=TAGS, count=2)
    assert _runs(sandbox, 4) == [True, True, False, False]
    sandbox.post("/reset")
    assert sandbox.get("/faults") == {"rules": []}


def test_a_rule_without_a_seed_tells_the_one_it_got(sandbox: RunningBox) -> None:
    told = _rule(sandbox, "-1", path="/cgi-bin/*", share=0.5)
    assert isinstance(told.pop("seed"), int)
    assert isinstance(told.pop("id"), int)
    assert told == {
        "kind": "-1",
        "path": "/cgi-bin/*",
        "what": "*",
        "share": 0.5,
        "count": None,
        "value": None,
        "after": False,
        "seen": 0,
        "struck": 0,
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "flood"},
        {"kind": "99999"},
        {"kind": "cut", "share": 0},
        {"kind": "cut", "share": 1.1},
        {"kind": "cut", "count": 0},
        {"kind": "cut", "seed": "a"},
        {"kind": "slow", "value": -1},
        {"kind": "cut", "path": 5},
        {"kind": "cut", "after": 1},
        {"kind": "cut", "paths": "/"},
    ],
)
def test_rules_that_make_no_sense(sandbox: RunningBox, asked: dict[str, object]) -> None:
    assert sandbox.post("/faults", 400, **asked)["error"]["code"] == "BAD_CALL"
    assert sandbox.get("/faults") == {"rules": []}


def test_a_rule_that_is_not_there_cannot_be_lifted(sandbox: RunningBox) -> None:
    assert sandbox.http.delete(f"{sandbox.base}/box/faults/999999", timeout=5).status_code == 400


def test_pushes_dropped_doubled_and_delayed(sandbox: RunningBox, ear: Ear) -> None:
    person = sandbox.person()
    sandbox.post(f"/persons/{person['id']}/follow")
    say = f"/persons/{person['id']}/say"
    ear.heard.clear()
    _rule(sandbox, "drop", path="/callbacks/*", what="text", count=1)
    assert sandbox.post(say, text="a")["delivery"]["state"] == "dropped"
    _rule(sandbox, "duplicate", what="text", count=1, value=2)
    sandbox.post(say, text="b")
    ear.wait_for(3)
    _rule(sandbox, "delay", what="text", count=1, value=0.3)
    assert sandbox.post(say, text="c")["delivery"]["state"] == "due"
    assert len(ear.heard) == 3
    ear.wait_for(4)
    assert [opened(sandbox, heard)["Content"] for heard in ear.heard] == ["b", "b", "b", "c"]


def test_reordered_pushes_are_overtaken_by_the_next(sandbox: RunningBox, ear: Ear) -> None:
    person = sandbox.person()
    sandbox.post(f"/persons/{person['id']}/follow")
    ear.heard.clear()
    _rule(sandbox, "reorder", what="text", count=1, value=30)
    for text in ("first", "second"):
        sandbox.post(f"/persons/{person['id']}/say", text=text)
    ear.wait_for(2)
    assert [opened(sandbox, heard)["Content"] for heard in ear.heard] == ["second", "first"]


def test_a_reordered_push_that_nobody_overtakes_comes_late(sandbox: RunningBox, ear: Ear) -> None:
    person = sandbox.person()
    _rule(sandbox, "reorder", value=0.2)
    sandbox.post(f"/persons/{person['id']}/follow")
    assert ear.heard == []
    ear.wait_for(1)


def test_pushes_with_a_wrong_signature_or_anothers_appid(sandbox: RunningBox, ear: Ear) -> None:
    person = sandbox.person()
    seen = []

    def answer(heard: Any) -> tuple[int, bytes]:
        try:
            seen.append(str(opened(sandbox, heard)["Event"]))
        except Exception as problem:  # noqa: BLE001 - whatever wechatpy makes of it is what is asked here
            seen.append(type(problem).__name__)
            return 403, b""
        return 200, b"success"

    ear.answer = answer
    _rule(sandbox, "wrong_signature", what="subscribe", count=1)
    sandbox.post(f"/persons/{person['id']}/follow")
    wait_until(lambda: len(seen) == 2)
    assert seen == ["InvalidSignatureException", "subscribe"]
    sandbox.post("/settings", push_retries=0)
    _rule(sandbox, "foreign_appid", count=1)
    sandbox.post(f"/persons/{person['id']}/unfollow")
    wait_until(lambda: len(seen) == 3)
    assert seen[2] == "InvalidAppIdException"


def _pay(sandbox: RunningBox, ear: Ear, number: str) -> dict[str, Any]:
    person = sandbox.person(number)
    code, prepaid = sandbox.merchant().pay(
        description="外套",
        out_trade_no=number,
        amount={"total": 100},
        payer={"openid": person["mp_openid"]},
        notify_url=ear.url + "/paid",
    )
    assert code == 200, prepaid
    paid: dict[str, Any] = sandbox.post(
        f"/persons/{person['id']}/pay", prepay_id=json.loads(prepaid)["prepay_id"]
    )
    return paid


def test_notices_with_every_fault(sandbox: RunningBox, ear: Ear) -> None:
    ear.answer = lambda heard: (200 if "SIGNTEST" not in heard.headers["Wechatpay-Signature"] else 401, b"")
    peer = sandbox.merchant(notify_url=None)
    faults = ("wrong_amount", "foreign_appid", "signtest", "wrong_signature", "duplicate", "drop")
    for kind in faults:
        _rule(sandbox, kind, path="/paid", what="TRANSACTION.*", count=1)
        ear.heard.clear()
        _pay(sandbox, ear, f"LX{kind}".replace("_", "-"))
        count = {"signtest": 2, "duplicate": 2, "drop": 0}.get(kind, 1)
        wait_until(lambda count=count: len(ear.heard) >= count)
        opened_notices = [peer.callback(heard.headers, heard.body) for heard in ear.heard]
        resources = [None if one is None else one["resource"] for one in opened_notices]
        if kind == "wrong_amount":
            assert resources[0]["amount"]["total"] == 101
        elif kind == "foreign_appid":
            assert resources[0]["appid"] == "wx0000000000000000"
        elif kind == "signtest":
            assert (resources[0], resources[1]["amount"]["total"]) == (None, 100)
        elif kind == "wrong_signature":
            assert resources[0] is None
        elif kind == "duplicate":
            assert resources[0] == resources[1]
        else:
            time.sleep(0.1)
            assert resources == []


def test_calls_of_pay_fail_in_their_own_words(sandbox: RunningBox, ear: Ear) -> None:
    peer = sandbox.merchant()
    told = []
    for kind in ("-1", "45009", "40001"):
        _rule(sandbox, kind, path="/v3/*", count=1)
        code, body = peer.query(out_trade_no="L1")
        told.append((code, json.loads(body)["code"]))
    assert told == [(500, "SYSTEM_ERROR"), (429, "FREQUENCY_LIMITED"), (401, "SIGN_ERROR")]
    _pay(sandbox, ear, "LX-0001")
    _rule(sandbox, "wrong_answer_signature", path="/v3/pay/*", count=1)
    with pytest.raises(Exception, match="failed to verify the signature"):
        peer.query(out_trade_no="LX-0001")
    assert peer.query(out_trade_no="LX-0001")[0] == 200


def test_rules_and_what_they_have_seen_survive_a_restart(tmp_path: Path) -> None:
    first = RunningBox(tmp_path)
    _rule(first, "-1", path=TAGS, share=0.5, seed=3)
    before = _runs(first, 10)
    first.stop(kill=True)
    second = RunningBox(tmp_path)
    after = _runs(second, 10)
    assert second.get("/faults")["rules"][0]["seen"] == 20
    second.post("/faults", 201, kind="-1", path="/cgi-bin/getcallbackip", share=0.5, seed=3)
    token = second.token()
    again = [_errcode(second, "/cgi-bin/getcallbackip", access_token=token) != 0 for _ in range(20)]
    assert again == before + after
    assert second.stop() == 0
