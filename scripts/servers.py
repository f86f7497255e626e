"""The database and the cache that the house needs: those named by DATABASE_URL and REDIS_URL, or our own,
started here.

Our own are the programs of two wheels, so that a laptop, the tests and a demo run the same versions; a
machine for which there is no wheel uses installed programs. `temporary()` is for tests and benchmarks:
fast, on throw-away data, gone afterwards.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts import postgres, valkey
from scripts.places import server_user
from scripts.supervise import Family


@dataclass
class Servers:
    """The two addresses; `wait` returns when both servers of ours are ready (servers of yours are not
    waited for).
    """

    family: Family
    database_url: str
    redis_url: str
    own_postgres: postgres.Running | None = None
    own_valkey: valkey.Running | None = None

    def wait(self) -> None:
        """Wait until the servers started here accept work; StartFailed with one sentence otherwise."""
        if self.own_postgres:
            self.own_postgres.wait(self.family)
        if self.own_valkey:
            self.own_valkey.wait(self.family)


def launch(
    family: Family,
    var: Path,
    environ: Mapping[str, str],
    *,
    durable: bool = True,
    ports: Mapping[str, int] | None = None,
) -> Servers:
    """Start what `environ` does not name, on data under `var`, and answer at once; call `wait` before using
    them.

    `ports` are wishes (last time's ports, say) by the names "postgres" and "valkey".
    """
    wishes, logs = ports or {}, var / "log"
    logs.mkdir(parents=True, exist_ok=True)
    servers = Servers(family, environ.get("DATABASE_URL", ""), environ.get("REDIS_URL", ""))
    if not servers.database_url:
        servers.own_postgres = postgres.start(
            family, var, logs / "postgres.log", durable=durable, port=wishes.get("postgres")
        )
        servers.database_url = servers.own_postgres.url
    if not servers.redis_url:
        servers.own_valkey = valkey.start(
            family, var, logs / "valkey.log", durable=durable, port=wishes.get("valkey")
        )
        servers.redis_url = servers.own_valkey.url
    return servers


@contextlib.contextmanager
def temporary(say: Callable[[str], None] = print) -> Iterator[Servers]:
    """Bring up both servers on a directory of their own, ready for work, and remove every trace of them at
    the end.
    """
    home = Path(tempfile.mkdtemp(prefix="lianke-temporary-"))
    if server_user():
        home.chmod(0o711)  # the servers' account has to pass through; what is inside is closed
    with Family(home, remove=[home], say=say) as family:
        servers = launch(family, home, {}, durable=False)
        servers.wait()
        yield servers
