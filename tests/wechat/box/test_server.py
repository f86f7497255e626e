"""The box's own server: who drips a request into it is hung up on, who is only idle or large is not."""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from wechat.box.server import Server

WHOLE_S = 0.6


def echo(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Answers how many bytes came."""
    start("200 OK", [("Content-Type", "text/plain")])
    return [str(len(environ["wsgi.input"].read())).encode()]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server("127.0.0.1", 0, echo, whole_s=WHOLE_S)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def talk(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.server_port), timeout=5)


def dripped(line: socket.socket, content: bytes) -> float | None:
    """Seconds until the other side hung up, one byte each 50 ms; None when it took everything."""
    began = time.monotonic()
    for byte in content:
        try:
            line.sendall(bytes([byte]))
            line.settimeout(0.05)
            if line.recv(1) == b"":
                return time.monotonic() - began
        except TimeoutError:
            continue
        except OSError:
            return time.monotonic() - began
    return None


@pytest.mark.parametrize(
    ("first", "drips"),
    [
        (b"", b"GET /" + b"a" * 200),
        (b"GET / HTTP/1.1\r\n", b"X-Slow: " + b"a" * 200),
        (b"POST / HTTP/1.1\r\nContent-Length: 400\r\n\r\n", b"a" * 200),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 60),
    ],
)
def test_a_request_that_drips_in_is_hung_up_on_in_all(server: Server, first: bytes, drips: bytes) -> None:
    with talk(server) as line:
        line.sendall(first)
        ended_s = dripped(line, drips)
    assert ended_s is not None
    assert WHOLE_S - 0.2 < ended_s < WHOLE_S + 2


def test_a_connection_may_be_idle_between_requests_and_carries_several(server: Server) -> None:
    asked = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    with talk(server) as line:
        for _ in range(3):
            line.sendall(asked)
            assert line.recv(4096).endswith(b"3")
            time.sleep(WHOLE_S + 0.1)


def test_a_large_body_that_comes_quickly_is_taken_whole(server: Server) -> None:
    with talk(server) as line:
        size = 5 * 1024 * 1024
        line.sendall(f"POST / HTTP/1.1\r\nContent-Length: {size}\r\n\r\n".encode() + b"a" * size)
        assert line.recv(4096).endswith(str(size).encode())
