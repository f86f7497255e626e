"""A server that drips must not hold a thread: real sockets that send a byte now and then."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wechat.http import Broken, Http

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


@contextmanager
def dripping(at_once: bytes, then: bytes) -> Iterator[str]:
    """Answers `at_once`, then a byte of `then` each 50 ms, until the block ends."""
    over = threading.Event()

    def talk(line: socket.socket) -> None:
        with line, contextlib.suppress(OSError):
            line.recv(65536)
            line.sendall(at_once)
            for byte in then:
                if over.wait(0.05):
                    return
                line.sendall(bytes([byte]))

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.mark.parametrize(
    ("at_once", "then"),
    [(HEAD, b"x" * 1000), (b"", HEAD + b"x" * 1000), (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000)],
    ids=["body", "status line", "header"],
)
def test_a_dripping_answer_is_given_up_in_all(at_once: bytes, then: bytes) -> None:
    http = Http(connect_s=1, read_s=5, answer_s=0.4)
    with dripping(at_once, then) as base:
        started = time.monotonic()
        with pytest.raises(Broken) as caught:
            http.deliver(http.prepare("GET", base + "/"))
        assert 0.3 < time.monotonic() - started < 2
    assert (caught.value.code, caught.value.nothing_sent) == ("TIMEOUT", False)


def test_a_library_session_has_the_same_limit() -> None:
    with (
        dripping(HEAD, b"x" * 1000) as base,
        pytest.raises(OSError, match=r"timed out|too long"),
    ):
        Http(connect_s=1, answer_s=0.3).session({}).get(base + "/")


def test_a_stream_has_its_own_limit_and_may_take_longer_than_an_answer() -> None:
    http = Http(connect_s=1, answer_s=0.8)
    with dripping(HEAD[:-4] + b"\r\n\r\n" + b"x" * 980, b"y" * 20) as base:
        with http.stream(http.prepare("GET", base + "/")) as found:
            assert b"".join(found.pieces) == b"x" * 980 + b"y" * 20
        with (
            pytest.raises(Broken) as caught,
            Http(connect_s=1).stream(http.prepare("GET", base + "/"), whole_s=0.3) as found,
        ):
            list(found.pieces)
    assert caught.value.code == "TIMEOUT"


def test_a_stream_that_breaks_off_is_broken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def half() -> None:
            line = server.accept()[0]
            with line:
                line.recv(65536)
                line.sendall(HEAD + b"x" * 10)

        threading.Thread(target=half, daemon=True).start()
        http = Http()
        request = http.prepare("GET", f"http://127.0.0.1:{server.getsockname()[1]}/")
        with pytest.raises(Broken) as caught, http.stream(request) as found:
            list(found.pieces)
    assert caught.value.code == "CONNECTION"
