"""One box as a process: opens its state, binds loopback, says in one JSON line where everything is, stops at
once."""

import fcntl
import json
import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

from flask import Flask

from wechat.box import outbox, tls
from wechat.box.courier import Courier
from wechat.box.credentials import as_told, load_or_make
from wechat.box.inside import Box
from wechat.box.platform_certificates import ZERO
from wechat.box.server import Server
from wechat.box.state import Store
from wechat.box.web import make_app

_HOST = "127.0.0.1"
_PARENT_LOOK_S = 0.25


@dataclass(frozen=True)
class Wishes:
    """What the command line asks for. Ports of 0 pick free ones; ``control_port`` counts with ``tls`` only."""

    port: int
    state: Path
    callback: str | None = None
    mp_callback: str | None = None
    tls: bool = False
    control_port: int = 0
    zero_serial: bool = False
    exit_with_parent: bool = False


def serve(wishes: Wishes) -> None:
    """Serve until SIGTERM or SIGINT (or, when asked, until the parent dies). Raises OSError when a port is
    taken or the folder cannot be written."""
    parent = os.getppid()
    lock = _alone(wishes.state)
    store = Store(wishes.state)
    box = Box(store, load_or_make(store))
    if wishes.callback is not None:
        box.change_settings({"callback_url": wishes.callback})
    if wishes.mp_callback is not None:
        box.change_settings({"mp_callback_url": wishes.mp_callback})
    if wishes.zero_serial:
        box.change_settings({"platform_certificate": ZERO})
    outbox.resume(box)
    app = make_app(box)
    servers = _bound(wishes, store, app)
    # A signal may strike while this thread waits below: an Event would then wait for itself, a SimpleQueue is
    # made for that.
    over: SimpleQueue[None] = SimpleQueue()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: over.put(None))
    courier = Courier(box)
    courier.start()
    for server in servers:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    box.told = _line(box, servers, tls.ca_pem(store) if wishes.tls else None)
    _tell(box.told)
    while not _told_to_end(over, _PARENT_LOOK_S if wishes.exit_with_parent else 3600):
        if wishes.exit_with_parent and os.getppid() != parent:
            break
    courier.stop()
    for server in servers:
        server.shutdown()
    store.close()
    lock.close()


def _told_to_end(over: "SimpleQueue[None]", within_s: float) -> bool:
    try:
        over.get(timeout=within_s)
    except Empty:
        return False
    return True


def _alone(folder: Path) -> IO[str]:
    """Two boxes on one folder would both deliver what waits in it. The lock ends with the process, however it
    ends. Raises OSError when another box has it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "box.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise OSError("another box is running on this folder") from None
    return lock


def _bound(wishes: Wishes, store: Store, app: Flask) -> list[Server]:
    """The server of all; with TLS a second, plain one, for steering by hand and by tests."""
    if not wishes.tls:
        return [Server(_HOST, wishes.port, app)]
    secured = Server(_HOST, wishes.port, app, tls.context(store, wishes.state))
    return [secured, Server(_HOST, wishes.control_port, app)]


def _line(box: Box, servers: list[Server], ca_pem: str | None) -> dict[str, Any]:
    scheme = "http" if ca_pem is None else "https"
    return as_told(
        box.credentials,
        f"{scheme}://{_HOST}:{servers[0].server_port}",
        control=f"http://{_HOST}:{servers[-1].server_port}",
        ca_pem=ca_pem,
        zero_serial=box.settings()["platform_certificate"] == ZERO,
    )


def _tell(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)
    # Whoever started the box has read its line; a reader that is gone must not hurt it later.
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process
