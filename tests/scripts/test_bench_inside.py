"""The cases within one process: their arithmetic, that both sides come to the same end, and one small run."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest
import qrcode
from PIL import Image
from wechatpy.exceptions import InvalidSignatureException

from app.posters import lettering
from app.posters.lettering import fit
from app.posters.qr import MASK, qr_png
from scripts.bench import CASES, IN_PROCESS, parse
from scripts.bench_cases import sealed_push
from scripts.bench_figures import BESIDE, Pair, Round, Slice, inside_table, of_duel, summary
from scripts.bench_inside import CLERKS, FEWEST_ROUNDS, INPUTS, Duel, credentials, echoed, make_duels, measure
from scripts.bench_peers import nothing_cached, qrcode_png, wechatpy_answers
from wechat.box.credentials import Account, Credentials
from wechat.box.push_envelope import decrypt
from wechat.pay import Paid

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def known() -> Credentials:
    return credentials()


def test_every_case_has_its_peer_and_its_goal() -> None:
    assert tuple(BESIDE) == IN_PROCESS
    assert {name: beside.goal for name, beside in BESIDE.items()} == {
        "push_open_answer": 2.5,
        "pay_notice_open": 0.85,
        "clerk_code_png": 3.0,
        "poster": None,
    }


def test_a_ratio_in_process_is_the_median_of_rounds_and_not_the_ratio_of_medians() -> None:
    rounds = [Round(10, 20), Round(20, 90), Round(40, 100)]
    assert of_duel(rounds) == {"ratio_cpu": 2.5, "ours_us": 20, "peer_us": 90}
    assert of_duel([Round(3.14159, 2.0)]) == {"ratio_cpu": 0.637, "ours_us": 3.1, "peer_us": 2.0}


def test_the_documented_object_has_one_more_key_only_with_figures_in_process() -> None:
    pair = Pair(Slice(1000, 2.0, 0.4, 1, 5), Slice(1000, 2.0, 0.4, 1, 5))
    assert list(summary({"list": [pair]})) == ["hello", "cases"]
    told = summary({}, {"poster": [Round(1, 8)]})
    assert told == {
        "hello": {},
        "cases": {},
        "in_process": {"poster": {"ratio_cpu": 8.0, "ours_us": 1, "peer_us": 8}},
    }


def test_the_table_in_process_shows_ratio_goal_and_peer() -> None:
    lines = inside_table({"clerk_code_png": [Round(1200, 4800)], "poster": [Round(20, 100)]}).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["clerk_code_png", "4.00", "3.00", "1200.0", "4800.0", "qrcode's", "default"],
        ["poster", "5.00", "-", "20.0", "100.0", "nothing", "cached"],
    ]


def test_both_sides_are_called_equally_often_and_never_less_than_seven_rounds() -> None:
    called = {"ours": 0, "peer": 0}

    def way(name: str) -> None:
        called[name] += 1

    taken = measure({"x": Duel(lambda: way("ours"), lambda: way("peer"), 5)}, 3, lambda said: None)
    assert [len(rounds) for rounds in taken.values()] == [FEWEST_ROUNDS] == [7]
    assert called == {"ours": 40, "peer": 40}
    assert len(measure({"x": Duel(int, int, 1)}, 9, lambda said: None)["x"]) == 9


def an_answer(account: Account, body: object) -> dict[str, str]:
    """What a fan is told, read by the box."""
    assert isinstance(body, bytes)
    inside = decrypt(account, ElementTree.fromstring(body).findtext("Encrypt") or "")
    return {element.tag: element.text or "" for element in ElementTree.fromstring(inside)}


def test_our_answer_to_a_push_says_what_wechatpys_says(known: Credentials) -> None:
    duel = make_duels(known, ["push_open_answer"])["push_open_answer"]
    fans = set()
    for _ in range(INPUTS):
        ours, peers = an_answer(known.oa, duel.ours()), an_answer(known.oa, duel.peer())
        assert abs(int(ours.pop("CreateTime")) - int(peers.pop("CreateTime"))) <= 5
        assert ours == peers
        assert ours["Content"].startswith("您好：")
        fans.add(ours["ToUserName"])
    assert len(fans) == INPUTS


@pytest.mark.parametrize("forged", ["signature", "msg_signature"])
def test_the_peer_of_the_push_really_proves_it(known: Credentials, forged: str) -> None:
    account = known.oa
    posted = sealed_push(account, "oFan", "你好", 1)
    query = {**dict(parse_qsl(posted.query)), forged: "0" * 40}
    once = wechatpy_answers(
        [(query, posted.body)],
        appid=account.appid,
        token=account.token,
        aes_key=account.aes_key,
        say=echoed,
    )
    with pytest.raises(InvalidSignatureException):
        once()


def test_our_notice_and_the_bare_one_name_the_same_payment(known: Credentials) -> None:
    duel = make_duels(known, ["pay_notice_open"])["pay_notice_open"]
    numbers = set()
    for _ in range(INPUTS):
        ours, bare = duel.ours(), duel.peer()
        assert isinstance(ours, Paid)
        assert isinstance(bare, dict)
        trade, amount = ours.trade, bare["amount"]
        assert (trade.mchid, trade.appid) == (bare["mchid"], bare["appid"])
        assert (trade.out_trade_no, trade.transaction_id) == (bare["out_trade_no"], bare["transaction_id"])
        assert (trade.amount_fen, trade.currency) == (amount["total"], amount["currency"])
        assert trade.payer_openid == bare["payer"]["openid"]
        numbers.add(trade.out_trade_no)
    assert len(numbers) == INPUTS


def the_code(text: str, mask: int, size_px: int) -> bytes:
    code = qrcode.QRCode(mask_pattern=mask, box_size=10, border=4)
    code.add_data(text)
    code.make(fit=True)
    picture = code.make_image().get_image()
    assert picture.size == (size_px, size_px)
    return bytes(picture.convert("L").tobytes())


def test_our_code_and_the_default_one_differ_by_nothing_but_the_mask() -> None:
    text = "http://weixin.qq.com/q/02dXuKkHh8eB510000M07h"
    default = Image.open(io.BytesIO(qrcode_png([text])()))
    ours = Image.open(io.BytesIO(qr_png(text, size_px=default.width)))
    assert (ours.size, ours.mode, default.mode) == (default.size, "1", "1")
    masked = [the_code(text, mask, default.width) for mask in range(8)]
    assert masked.count(default.convert("L").tobytes()) == 1
    assert masked[MASK] == ours.convert("L").tobytes()


def test_the_codes_of_both_sides_have_one_size(known: Credentials) -> None:
    duel = make_duels(known, ["clerk_code_png"])["clerk_code_png"]
    sizes = set()
    for png in (duel.ours(), duel.peer()):
        assert isinstance(png, bytes)
        sizes.add(Image.open(io.BytesIO(png)).size)
    assert sizes == {(410, 410)}


def test_a_poster_of_cached_layers_is_the_poster_made_anew(known: Credentials) -> None:
    duel = make_duels(known, ["poster"])["poster"]
    posters = [(duel.ours(), duel.peer()) for _ in CLERKS]
    assert all(ours == anew for ours, anew in posters)
    assert len({ours for ours, _ in posters}) == len(CLERKS)


def test_nothing_is_cached_in_the_poster_made_anew() -> None:
    filled: list[int] = []

    def draw() -> bytes:
        filled.append(lettering._advance.cache_info().currsize)
        fit("澜序", widest_px=900, sizes_px=range(40, 30, -2), lines=1)
        return b""

    once = nothing_cached(draw)
    once()
    once()
    assert filled == [0, 0]
    assert lettering._advance.cache_info().currsize == 2


def test_the_command_line_knows_the_cases_in_process() -> None:
    named = [word for name in IN_PROCESS for word in ("--only", name)]
    assert parse(named).only == list(IN_PROCESS)
    assert not set(IN_PROCESS) & set(CASES)


def test_a_run_in_process_starts_no_server_and_leaves_nothing(tmp_path: Path) -> None:
    argv = [sys.executable, "scripts/bench.py", "--only", "pay_notice_open", "--only", "poster", "--json"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "PostgreSQL" not in done.stderr
    told = json.loads(done.stdout)
    assert {**told, "in_process": list(told["in_process"])} == {
        "hello": {},
        "cases": {},
        "in_process": ["pay_notice_open", "poster"],
    }
    for figures in told["in_process"].values():
        assert set(figures) == {"ratio_cpu", "ours_us", "peer_us"}
        assert all(value > 0 for value in figures.values())
    assert list(tmp_path.iterdir()) == []
