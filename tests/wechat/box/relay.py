"""A hosts file for programs with hard-coded hosts: an HTTP proxy that carries every CONNECT to one port of
loopback, whatever name it asks for. Certificates are still checked against the name."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def relay_to(port: int) -> Iterator[tuple[str, list[str]]]:
    """The proxy's address, and the names that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
                self.send_response(200)
                self.end_headers()
                _carry(self.connection, line)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def _carry(one: socket.socket, other: socket.socket) -> None:
    ends = {one: other, other: one}
    while True:
        readable, _, _ = select.select(list(ends), [], [], 10)
        if not readable:
            return
        for end in readable:
            try:
                piece = end.recv(65536)
                if not piece:
                    return
                ends[end].sendall(piece)
            except OSError:
                return
