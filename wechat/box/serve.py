"""One box as a process: opens its state, binds loopback, says in one JSON line where everything is, stops at
once."""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from wechat.box import outbox
from wechat.box.courier import Courier
from wechat.box.credentials import as_told, load_or_make
from wechat.box.inside import Box
from wechat.box.server import Server
from wechat.box.state import Store
from wechat.box.web import make_app

_HOST = "127.0.0.1"
_PARENT_LOOK_S = 0.25


def serve(port: int, state: Path, callback: str | None, *, exit_with_parent: bool = False) -> None:
    """Serve until SIGTERM or SIGINT (or, when asked, until the parent dies). ``port`` 0 picks a free one.
    Raises OSError when the port is taken or the folder cannot be written."""
    parent = os.getppid()
    store = Store(state)
    box = Box(store, load_or_make(store))
    if callback is not None:
        box.change_settings({"callback_url": callback})
    outbox.resume(box)
    app = make_app(box)
    server = Server(_HOST, port, app)
    over = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: over.set())
    courier = Courier(box)
    courier.start()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    _tell(as_told(box.credentials, f"http://{_HOST}:{server.server_port}"))
    while not over.wait(_PARENT_LOOK_S if exit_with_parent else 3600):
        if exit_with_parent and os.getppid() != parent:
            break
    courier.stop()
    server.shutdown()
    store.close()


def _tell(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)
    # Whoever started the box has read its line; a reader that is gone must not hurt it later.
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process
