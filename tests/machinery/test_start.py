"""scripts/start.py as a person uses it: up, refused, killed, up again with everything there, stopped."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from scripts.house import answers_200
from scripts.places import free_port
from tests.machinery.checkouts import (
    alive,
    clean_environment,
    command,
    copy_checkout,
    family,
    open_directory,
    run,
    wait_for,
)

EVERYBODY = ["postgres", "valkey", "box", "worker", "web"]


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A checkout of its own."""
    with open_directory() as directory:
        yield copy_checkout(directory / "copy")


@pytest.fixture(autouse=True)
def _nobody_is_left(checkout: Path) -> Iterator[None]:
    yield
    assert family(checkout) == {}


class Started:
    """One start with --no-tour, from its command line to its end."""

    def __init__(self, checkout: Path, port: int) -> None:
        self.checkout, self.url = checkout, f"http://127.0.0.1:{port}"
        self.said = checkout / f"said-{port}"
        self.began = time.monotonic()
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                command(checkout, "--no-tour", "--port", str(port)),
                stdout=said,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=clean_environment(),
            )

    def wait_until_up(self) -> float:
        """Wait for the line that says so and answer the seconds since the command was typed."""
        wait_for(lambda: "Lianke stays up" in self.said.read_text() or self._ended(), "ready", timeout_s=60)
        assert answers_200(f"{self.url}/readyz")
        return time.monotonic() - self.began

    def _ended(self) -> bool:
        assert self.process.poll() is None, self.said.read_text()
        return False

    def database_url(self) -> str:
        """Answer the database it runs on."""
        line = next(line for line in self.said.read_text().splitlines() if "PostgreSQL" in line)
        password = (self.checkout / "var" / "pg" / "password").read_text()
        return line.split()[-1].replace("lianke@", f"lianke:{password}@")

    def stop(self, number: int) -> int:
        """Send a signal and answer how it ended."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


def test_up_killed_up_again_and_stopped(checkout: Path) -> None:
    port = free_port()
    first = Started(checkout, port)
    first.wait_until_up()
    assert list(family(checkout)) == EVERYBODY
    with psycopg.connect(first.database_url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        (stores,) = connection.execute("SELECT count(*) FROM store").fetchone() or (0,)
        assert stores > 0

    refused = run(checkout, "--port", str(free_port()))
    assert refused.returncode == 2
    assert refused.stderr == (
        f"start: Lianke is already running in this checkout (process {first.process.pid}, {first.url}).\n"
    )

    everybody = list(family(checkout).values())
    first.stop(signal.SIGKILL)
    wait_for(lambda: alive(everybody) == [] and family(checkout) == {}, "nobody is left")

    second = Started(checkout, port)
    seconds = second.wait_until_up()
    assert seconds < 25, (
        "10 s are promised on a machine that has nothing else to do; here other tests run beside it"
    )
    with psycopg.connect(second.database_url()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM store").fetchone() == (stores,)

    everybody = list(family(checkout).values())
    assert second.stop(signal.SIGINT) == 0
    assert alive(everybody) == []


def test_a_taken_port_is_one_sentence(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(checkout, "--port", str(port))
    assert ended.returncode == 2
    assert ended.stderr == f"start: port {port} is taken; stop who uses it, or choose another with --port.\n"
    assert ended.stdout == ""


@pytest.mark.parametrize("words", [("--port", "0"), ("--port", "70000"), ("--port", "x"), ("--tour",)])
def test_a_command_line_that_makes_no_sense_ends_with_2(checkout: Path, words: tuple[str, ...]) -> None:
    ended = run(checkout, *words)
    assert ended.returncode == 2
    assert "scripts/start.py: error: " in ended.stderr


def test_a_database_that_does_not_answer_is_one_sentence(checkout: Path) -> None:
    url = f"postgresql://lianke:not-for-the-screen@127.0.0.1:{free_port()}/lianke"
    ended = run(checkout, "--port", str(free_port()), DATABASE_URL=url)
    assert ended.returncode == 2
    assert ended.stderr.startswith("start: the database that DATABASE_URL names cannot be used: connection")
    assert "not-for-the-screen" not in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_incomplete_real_accounts_are_named(checkout: Path) -> None:
    ended = run(checkout, "--port", str(free_port()), OA_APPID="wx0123456789abcdef", PAY_APIV3_KEY="short")
    assert ended.returncode == 2
    said = ended.stderr.splitlines()
    assert "OA_SECRET is not set; docs/operations.md says what it is." in said
    assert said[-1] == (
        "start: OA_APPID is set, so real WeChat accounts are used, and their settings are not complete."
    )


def test_reset_deletes_nothing_without_a_yes(checkout: Path) -> None:
    (checkout / "var").mkdir(exist_ok=True)
    (checkout / "var" / "secret").write_text("x" * 64)
    ended = run(checkout, "--reset", "--port", str(free_port()))
    assert ended.returncode == 2
    assert ended.stderr == "start: --reset needs a yes (or --yes); nothing was deleted.\n"
    assert (checkout / "var" / "secret").read_text() == "x" * 64
