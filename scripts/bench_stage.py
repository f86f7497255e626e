"""What a measurement needs, on data of its own: PostgreSQL and Valkey as in production, the house, and hello.

Everything lies in one temporary directory and is gone afterwards, however the run ends.
"""

import contextlib
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine

from app.base.db import open_engine, open_tx
from app.base.vault import Vault
from scripts import box, house
from scripts.bench_brand import large_brand
from scripts.bench_figures import Slice, cpu_s
from scripts.bench_load import Plan, Played
from scripts.import_brand import load_brand
from scripts.migrate import upgrade
from scripts.places import free_port, server_user
from scripts.servers import Servers, launch
from scripts.supervise import Family, Spec, StartFailed
from wechat.box.credentials import Credentials, as_told, load_or_make
from wechat.box.state import Store

# Settings of the person who measures must not reach the house; what programs need to run may.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
# As gunicorn.conf.py has it by default; the load keeps as many requests on their way.
WORKERS, THREADS = 2, 8
CONNECTIONS = WORKERS * THREADS
HOUSE, HELLO = "web", "hello"


class Wrong(Exception):
    """The house did not do what was asked of it; the text is one sentence."""


@dataclass
class Stage:
    """Everything up and ready. `credentials` are those of the WeChat that the house believes in."""

    family: Family
    home: Path
    engine: Engine
    credentials: Credentials
    ports: dict[str, int]

    def load(
        self, server: str, requests: list[bytes], *, expect: int, seconds: float, endless: bool
    ) -> Slice:
        """Play `requests` against `server` (HOUSE or HELLO) and measure. Raises Wrong on any other status."""
        behind = [HELLO] if server == HELLO else [HOUSE, "postgres", "valkey"]
        roots = [self.family.pid(name) for name in behind]
        plan = Plan(
            port=self.ports[server],
            seconds=seconds,
            connections=CONNECTIONS,
            endless=endless,
            expect=expect,
            requests=[request.decode("latin-1") for request in requests],
        )
        before = cpu_s(roots)
        played = self._play(plan)
        used_s = cpu_s(roots) - before
        if set(played.statuses) != {str(expect)}:
            raise Wrong(f"{server} answered {played.statuses} instead of {expect} only: {played.wrong}")
        return Slice(played.requests, played.wall_s, used_s, played.p50_ms, played.p99_ms)

    def _play(self, plan: Plan) -> Played:
        path, answer = self.home / "plan.json", self.home / "played.json"
        path.write_text(json.dumps(asdict(plan)))
        argv = [sys.executable, "-m", "scripts.bench_load", str(path)]
        spec = Spec("load", argv, self.home / "log" / "load.log", surroundings(), answer=answer)
        if self.family.run(spec) != 0:
            said = spec.log.read_text().strip().splitlines() if spec.log else []
            raise Wrong(said[-1] if said else "the load ended without a word")
        return Played(**json.loads(answer.read_text()))


def surroundings() -> dict[str, str]:
    """What every process of the stage is given of the environment."""
    return house.surroundings({name: os.environ[name] for name in PASSED_ON if name in os.environ})


@contextlib.contextmanager
def raised(say: Callable[[str], None]) -> Iterator[Stage]:
    """Bring everything up, ready for load, and stop it again. StartFailed with one sentence otherwise."""
    if not Path("/proc/self/stat").exists():
        raise StartFailed("the CPU of the servers is read from /proc, which this system does not have.")
    home = Path(tempfile.mkdtemp(prefix="lianke-bench-"))
    if server_user():
        home.chmod(0o711)  # the servers' account has to pass through; what is inside is closed
    with Family(home, remove=[home], say=say) as family:
        # With fsync, unlike for tests: a measured order is an order on the disk.
        servers = launch(family, home, {})
        credentials = load_or_make(Store(home / "box"))
        ports = {HOUSE: free_port(), HELLO: free_port()}
        env = _environment(servers, credentials, ports[HOUSE], home)
        servers.wait()
        upgrade(servers.database_url)
        engine = open_engine(servers.database_url, pool_size=2, statement_s=60)
        try:
            _fill(engine, env["SECRET_KEY"])
            _start(family, HOUSE, "wsgi:app", env, home)
            _start(family, HELLO, "scripts.bench_hello:app", {**env, "WEB_BIND": _at(ports[HELLO])}, home)
            house.wait_until_ready(family, f"http://{_at(ports[HOUSE])}")
            hello = f"http://{_at(ports[HELLO])}/"
            family.wait(HELLO, lambda: house.answers_200(hello), timeout_s=30)
            yield Stage(family, home, engine, credentials, ports)
        finally:
            engine.dispose()


def _at(port: int) -> str:
    return f"127.0.0.1:{port}"


def _environment(servers: Servers, credentials: Credentials, port: int, home: Path) -> dict[str, str]:
    metrics = home / "metrics"
    metrics.mkdir()
    # No case phones WeChat, so nobody needs to listen there.
    silent = f"http://{_at(free_port())}"
    return {
        **surroundings(),
        **box.settings(as_told(credentials, silent), home / "keys"),
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "SECRET_KEY": secrets.token_hex(32),
        "PUBLIC_URL": f"http://{_at(port)}",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "WEB_BIND": _at(port),
        "WEB_WORKERS": str(WORKERS),
        "WEB_THREADS": str(THREADS),
    }


def _fill(engine: Engine, secret_key: str) -> None:
    with open_tx(engine)() as session:
        load_brand(session, large_brand(), vault=Vault(secret_key))


def _start(family: Family, name: str, app: str, env: dict[str, str], home: Path) -> None:
    # Workers that are replaced in the middle of a slice would be measured, too; hello gets there first.
    argv = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--max-requests", "0", app]
    family.start(Spec(name, argv, home / "log" / f"{name}.log", env, grace_s=15))
