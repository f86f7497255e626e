"""What a starter keeps in var/ between starts: one start at a time, last time's ports, and how to begin
anew.
"""

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from scripts.box import Box
from scripts.removing import forget
from scripts.servers import Servers
from scripts.supervise import StartFailed

# Held by running starts and installs; everything else under var/ may be deleted by --reset.
LOCKS = ("start.lock", "install.lock")


@contextlib.contextmanager
def only_one(var: Path, url: str) -> Iterator[None]:
    """Hold var/ for this starter alone; StartFailed when another one does. Ends with the process, however
    that dies.
    """
    if not var.exists():
        var.mkdir()
        var.chmod(0o711)  # a server's account passes through to its own directory; what lies here is closed
    if var.stat().st_uid != os.geteuid():
        raise StartFailed(
            f"{var} belongs to another account; start as that one, or in a checkout of your own."
        )
    with (var / "start.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise StartFailed(
                f"Lianke is already running in this checkout ({lock.read().strip()})."
            ) from error
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, {url}\n")
        lock.flush()
        yield


def reset(var: Path, *, sure: bool) -> None:
    """Delete everything kept under `var` after asking; StartFailed, and nothing deleted, without a yes."""
    found = sorted(path for path in var.iterdir() if path.name not in LOCKS)
    if not found:
        return
    if not sure:
        names = ", ".join(path.name for path in found)
        with contextlib.suppress(EOFError):
            sure = input(f"Delete all data under {var} ({names})? [y/N] ").strip().lower() in ("y", "yes")
    if not sure:
        raise StartFailed("--reset needs a yes (or --yes); nothing was deleted.")
    for path in found:
        forget(path)


def read_ports(var: Path) -> dict[str, int]:
    """Answer last time's ports, so that addresses a person noted stay the same; empty when there are none."""
    try:
        return {str(name): int(port) for name, port in json.loads((var / "ports.json").read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def write_ports(var: Path, servers: Servers, box: Box | None) -> None:
    """Keep the ports of the servers that were started here."""
    urls = {
        "postgres": servers.database_url if servers.own_postgres else "",
        "valkey": servers.redis_url if servers.own_valkey else "",
        "box": box.url if box else "",
    }
    ports = {name: urlsplit(url).port for name, url in urls.items() if url}
    (var / "ports.json").write_text(json.dumps({**read_ports(var), **ports}) + "\n")


def without_password(url: str) -> str:
    """Answer `url` fit for a screen."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1@", url)
