"""A real HTTP server on loopback that plays one side of a talk and remembers what it was sent."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wechat.http import Http


@dataclass(frozen=True)
class Call:
    """What arrived, raw."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Say:
    """What to answer. `cut` closes the connection without an answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Line:
    """The running server: its base URL, the calls so far, and how many connections they took."""

    base: str
    calls: list[Call] = field(default_factory=list)
    connections: int = 0


@contextmanager
def serving(answer: Callable[[Call], Say]) -> Iterator[Line]:
    """Serves `answer` over HTTP/1.1 with keep-alive until the block ends."""
    line = Line("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            line.connections += 1

        def handle_any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, self.path, headers, self.rfile.read(size))
            line.calls.append(call)
            said = answer(call)
            if said.cut:
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if said.status != 204:
                self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        do_GET = do_POST = handle_any

        def log_message(self, *args: object) -> None:
            """Nothing on the terminal."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), Handler)
    line.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield line
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def quick(**changes: object) -> Http:
    """An `Http` that does not really wait between attempts."""
    return Http(sleep=lambda seconds: None, **changes)  # type: ignore[arg-type]  # any of Http's keywords
