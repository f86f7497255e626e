"""A small threaded HTTP/1.1 server for the box.

werkzeug's own closes every connection after one answer; the real gateway keeps them open for eight idle
seconds, and a pooled client must be tried against that (WECHAT_PAY.md 1).
"""

import socket
import ssl
import sys
import time
import traceback
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader, BytesIO, RawIOBase
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MOST_BYTES = 8 * 1024 * 1024
_IDLE_S = 8
WHOLE_S = 20.0
"""How long a request may take to come in whole, from its first byte: who drips holds a thread."""


class Server(ThreadingHTTPServer):
    """Serves a WSGI application on an address, one daemon thread per connection."""

    daemon_threads = True
    # A few hundred clients may knock in the same moment; the default queue is five long.
    request_queue_size = 512

    def __init__(
        self,
        host: str,
        port: int,
        app: "WSGIApplication",
        tls: ssl.SSLContext | None = None,
        *,
        whole_s: float = WHOLE_S,
    ) -> None:
        """Bind at once; ``port`` 0 picks a free one; with ``tls`` it speaks HTTPS. A request that is not whole
        ``whole_s`` after its first byte is hung up on. Raises OSError when the port is taken."""
        super().__init__((host, port), _Handler)
        self.app, self.tls, self.whole_s = app, tls, whole_s

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread: a caller that says nothing holds up nobody else."""
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(_IDLE_S)
        with self.tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def server_bind(self) -> None:
        """Bind without looking up the host's name, which can take seconds."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no news; anything else is."""
        if not isinstance(sys.exc_info()[1], OSError):
            traceback.print_exc(file=sys.stderr)


class _Dripping(RawIOBase):
    """The socket as requests are read from it: each wait is short, and all waits of one request together are."""

    def __init__(self, connection: socket.socket, whole_s: float) -> None:
        self._connection = connection
        self._whole_s = whole_s
        self._until: float | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def begin(self) -> None:
        """The next byte is the first of another request."""
        self._until = None

    def readinto(self, buffer: Any) -> int:
        """What has come. Raises TimeoutError when nothing comes for long, or the whole takes too long."""
        left = _IDLE_S if self._until is None else self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(min(left, _IDLE_S))
        count = self._connection.recv_into(buffer)
        self._connection.settimeout(_IDLE_S)
        if self._until is None:
            self._until = time.monotonic() + self._whole_s
        return count


class _BadRequest(ValueError):
    """A body that cannot be read: the connection is of no more use."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "nginx", ""
    timeout = _IDLE_S
    disable_nagle_algorithm = True
    # Headers and body leave in one piece.
    wbufsize = -1

    def setup(self) -> None:
        """Read through a deadline."""
        super().setup()
        self._line = _Dripping(self.connection, self.server.whole_s)
        self.rfile = BufferedReader(self._line)

    def handle_one_request(self) -> None:
        """One request; who is too slow is hung up on."""
        self._line.begin()
        super().handle_one_request()

    def do_GET(self) -> None:
        """Every verb goes to the application, with its whole body read first."""
        try:
            body = self._body()
        except _BadRequest as problem:
            self.close_connection = True
            self.send_error(413 if str(problem) == "too large" else 400)
            return
        told: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
            told[:] = [status, headers]

        content: Iterable[bytes] = self.server.app(self._environ(body), start)
        try:
            answer = b"".join(content)
        finally:
            if hasattr(content, "close"):
                content.close()
        self._send(told[0], told[1], answer)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def handle_expect_100(self) -> bool:
        """Say that the body may come, at once: what is only buffered keeps curl and others waiting a second."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _send(self, status: str, headers: list[tuple[str, str]], answer: bytes) -> None:
        code, _, phrase = status.partition(" ")
        self.send_response(int(code), phrase)
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in headers} and code != "204":
            self.send_header("Content-Length", str(len(answer)))
        if not self.close_connection:
            self.send_header("Connection", "keep-alive")
            self.send_header("Keep-Alive", f"timeout={_IDLE_S}")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise _BadRequest("no length")
        if len(length) > 18:  # int() itself refuses thousands of digits
            raise _BadRequest("too large")
        return self._exactly(int(length))

    def _exactly(self, length: int) -> bytes:
        if length > MOST_BYTES:
            raise _BadRequest("too large")
        body = self.rfile.read(length)
        if len(body) < length:
            raise _BadRequest("cut off")
        return body

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            try:
                length = int(self.rfile.readline(64).partition(b";")[0], 16)
            except ValueError:
                raise _BadRequest("no chunk") from None
            if length < 0 or len(body) + length > MOST_BYTES:
                raise _BadRequest("too large")
            body += self._exactly(length)
            self.rfile.readline(64)
            if length == 0:
                return bytes(body)

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path.encode("latin-1", "replace")).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": self.path,
            "SERVER_NAME": self.server.server_name,
            "SERVER_PORT": str(self.server.server_port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http" if self.server.tls is None else "https",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = "HTTP_" + name.upper().replace("-", "_")
            # The body is already whole: its length is known, however it came.
            if key not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"):
                environ[key] = value
        return environ

    def log_message(self, format: str, *args: Any) -> None:
        """Calls carry secrets and openids: they are not logged."""
