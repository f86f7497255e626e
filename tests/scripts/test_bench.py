"""The benchmark: its arithmetic, its load, and one small whole run with the shape of its JSON."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scripts.bench import CASES, parse
from scripts.bench_brand import STORES, large_brand
from scripts.bench_figures import Pair, Slice, cpu_s, of_case, of_server, summary, table
from scripts.bench_load import Broken, Plan, percentile, play

ROOT = Path(__file__).resolve().parents[2]


def a_slice(
    requests: int = 1000, wall_s: float = 2.0, cpu_s: float = 0.4, p50: float = 1, p99: float = 5
) -> Slice:
    return Slice(requests, wall_s, cpu_s, p50, p99)


def a_plan(port: int, *, expect: int = 200, requests: int = 3, endless: bool = False) -> Plan:
    asked = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    return Plan(port, 0.2, 2, endless, expect, [asked] * requests)


def serve(answer: bytes) -> int:
    """A server that answers every read with the same bytes; the port it listens on."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(line: socket.socket) -> None:
        with line:
            while line.recv(4096):
                line.sendall(answer)
                if not answer:
                    return

    def accept() -> None:
        with listener:
            for _ in range(2):
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def test_a_slice_tells_answers_per_second_and_microseconds_per_answer() -> None:
    assert a_slice().rps == 500
    assert a_slice().cpu_us == pytest.approx(400)


def test_a_slice_too_short_for_the_clock_still_has_a_cpu_time() -> None:
    assert a_slice(requests=10, cpu_s=0).cpu_us > 0


def test_a_ratio_is_the_median_of_pairs_and_not_the_ratio_of_medians() -> None:
    hellos = [a_slice(requests=count) for count in (1000, 2000, 4000)]
    halves = [a_slice(requests=count) for count in (500, 1000, 4000)]
    figures = of_case([Pair(hello, case) for hello, case in zip(hellos, halves, strict=True)])
    assert figures["ratio_rps"] == 0.5
    assert figures["ratio_cpu"] == 0.5


def test_a_case_that_costs_less_than_hello_has_a_ratio_above_one() -> None:
    assert of_case([Pair(a_slice(cpu_s=0.4), a_slice(cpu_s=0.2))])["ratio_cpu"] == 2.0


def test_the_summary_has_the_agreed_shape() -> None:
    pair = Pair(a_slice(), a_slice(p50=2.345, p99=9.876))
    told = summary({"list": [pair, pair]})
    assert told["hello"] == {"rps": 500.0, "cpu_us": 400.0, "p50_ms": 1, "p99_ms": 5}
    assert told["cases"] == {"list": {"ratio_rps": 1.0, "ratio_cpu": 1.0, "p50_ms": 2.35, "p99_ms": 9.88}}
    assert of_server([pair.case])["p99_ms"] == 9.88
    assert [line.split()[0] for line in table({"list": [pair]}).splitlines()[1:]] == ["hello", "list"]


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 2.0), (99, 4.0), (100, 4.0), (25, 1.0), (26, 2.0), (0, 1.0)]
)
def test_a_percentile_is_a_value_that_was_measured(percent: int, expected: float) -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], percent) == expected


def test_a_percentile_of_nothing_is_zero() -> None:
    assert percentile([], 99) == 0.0


def test_cpu_time_of_processes_counts_those_below_them() -> None:
    before = cpu_s([os.getpid()])
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-S", "-c", spin], check=True)
    assert cpu_s([os.getpid()]) - before >= 0.28


def test_the_load_counts_answers_by_status_and_sends_each_request_once() -> None:
    port = serve(b"HTTP/1.1 201 CREATED\r\nContent-Length: 2\r\n\r\nok")
    played = play(a_plan(port, expect=201, requests=7))
    assert (played.requests, played.statuses, played.wrong) == (7, {"201": 7}, "")
    assert played.p50_ms > 0


def test_an_endless_load_goes_on_until_the_time_is_over() -> None:
    port = serve(b"HTTP/1.1 204 NO CONTENT\r\n\r\n")
    played = play(a_plan(port, expect=204, endless=True))
    assert played.requests > 3
    assert 0.2 <= played.wall_s < 2


def test_the_load_shows_a_wrong_answer() -> None:
    port = serve(b"HTTP/1.1 500 OOPS\r\nContent-Length: 5\r\n\r\nfault")
    played = play(a_plan(port))
    assert played.statuses == {"500": 3}
    assert played.wrong.endswith("fault")


def test_the_load_gives_up_when_the_server_hangs_up() -> None:
    with pytest.raises(Broken):
        play(a_plan(serve(b"")))


def test_the_brand_is_large_and_has_plenty_where_orders_are_placed() -> None:
    brand = large_brand()
    assert (len(brand.products), len(brand.skus), len(brand.stores)) == (315, 378, 411)
    assert len({sku.code for sku in brand.skus}) == 378
    assert {row.location for row in brand.stock if row.on_hand >= 1_000_000} == set(STORES)


def test_the_command_line_knows_the_cases() -> None:
    options = parse(["--pairs", "7", "--seconds", "2", "--only", "list", "--only", "push", "--json"])
    assert (options.pairs, options.seconds, options.only, options.json) == (7, 2.0, ["list", "push"], True)
    assert parse([]).pairs == 5
    with pytest.raises(SystemExit) as ended:
        parse(["--only", "nothing"])
    assert ended.value.code == 2


def test_a_small_run_prints_one_json_object_and_leaves_nothing(tmp_path: Path) -> None:
    argv = [sys.executable, "scripts/bench.py", "--seconds", "0.3", "--pairs", "1", "--json"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    tmp_path.chmod(0o755)
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {"hello", "cases"}
    assert tuple(told["cases"]) == CASES
    for figures in told["cases"].values():
        assert set(figures) == {"ratio_rps", "ratio_cpu", "p50_ms", "p99_ms"}
        assert all(value > 0 for value in figures.values())
    assert list(tmp_path.iterdir()) == []
