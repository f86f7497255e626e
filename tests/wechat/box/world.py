"""A box as a real process, the phone that controls it, and an ear that hears what it says to callbacks."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpy.client import WeChatClient


@dataclass
class Heard:
    """One call that reached the ear."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Ear:
    """A callback server: keeps what it hears and answers as ``answer`` says (status, body)."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answer: Callable[[Heard], tuple[int, bytes]] = lambda heard: (200, b"success")

    def wait_for(self, count: int, within_s: float = 5) -> list[Heard]:
        """The calls heard, once there are ``count``; fails when they stay away."""
        wait_until(lambda: len(self.heard) >= count, within_s)
        return self.heard


def wait_until(true: Callable[[], bool], within_s: float = 5) -> None:
    """Wait until something holds; fails after ``within_s``."""
    until = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def listening() -> Iterator[Ear]:
    """An ear on a free port of loopback."""
    ear = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            heard = Heard(self.command, parts.path, query, dict(self.headers.items()), body)
            ear.heard.append(heard)
            status, answer = ear.answer(heard)
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            except OSError:
                return  # the box has hung up on a slow answer, as it should

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    ear.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield ear
    finally:
        server.shutdown()
        server.server_close()


class Rerouted(HTTPAdapter):
    """Carries calls to WeChat's fixed host names to the box: SDKs with hard-coded addresses work unchanged."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        """Send it to the box instead."""
        assert request.url is not None
        parts = urlsplit(request.url)
        request.url = self._base + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **more)


class RunningBox:
    """``python -m wechat.box serve`` on a state folder; ``told`` is its JSON line."""

    def __init__(self, state: Path, *more: str) -> None:
        command = [sys.executable, "-m", "wechat.box", "serve", "--port", "0", "--state", str(state), *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.told: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.base: str = self.told["api_base"]
        self.control: str = self.told["control_base"]
        self.http = requests.Session()

    def stop(self, *, kill: bool = False) -> int:
        """Stop the process (SIGTERM, or SIGKILL) and answer its exit status."""
        (self.process.kill if kill else self.process.terminate)()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.http.close()
        return self.process.wait(5)

    def get(self, path: str, **query: str) -> Any:
        """A GET to the control API; the JSON of a 200."""
        answer = self.http.get(f"{self.control}/box{path}", params=query, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, status: int = 200, /, **content: Any) -> Any:
        """A POST to the control API; the JSON of an answer with this status."""
        answer = self.http.post(f"{self.control}/box{path}", json=content, timeout=30)
        assert answer.status_code == status, answer.text
        return answer.json()

    def person(self, name: str = "小兰", **more: str) -> dict[str, Any]:
        """A new person."""
        person: dict[str, Any] = self.post("/persons", 201, name=name, **more)["person"]
        return person

    def token(self, app: str = "oa") -> str:
        """The stable token of an app."""
        account = self.told[app]
        asked = {"grant_type": "client_credential", "appid": account["appid"], "secret": account["secret"]}
        answer = self.http.post(f"{self.base}/cgi-bin/stable_token", json=asked, timeout=5)
        return str(answer.json()["access_token"])

    def call(self, path: str, content: Any = None, app: str = "oa", **query: str) -> requests.Response:
        """A call with the app's token: GET without content, else POST."""
        if "access_token" not in query:
            query["access_token"] = self.token(app)
        url = self.base + path
        if content is None:
            return self.http.get(url, params=query, timeout=5)
        body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
        return self.http.post(url, params=query, data=body, timeout=5)

    def client(self, app: str = "oa") -> WeChatClient:
        """wechatpy's own client for an app, with its own token, pointed at the box.

        What wechatpy 1.8.18 cannot do, so that those calls are made by hand in these tests:
        - not there at all: stable_token, quotas, callback/check, checksession, resetusersessionkey, phone number,
          checkencryptedmsg, URL schemes and links, shipping information, black lists by these paths, typing, figures
          of mini-programs, JSON pushes (`parse_message` reads XML only);
        - frozen or dead: `wxa.check_text_security` and `check_media_async` send version 1 (40097 here),
          `wxa.send_template_message` needs a form_id that nobody gets any more, mass sending uses filter.group_id;
        - incomplete: `get_wxa_code_unlimited` has no check_path and env_version, `send_video` no thumb_media_id,
          `send_template` no client_msg_id, `wxa.send_subscribe_message` no miniprogram_state;
        - harmful: it repeats a rejected token without limit (a rule of faults must have a `count`), sends empty files
          when it repeats an upload of a file object, and `qrcode.show` goes around its own session.
        """
        account = self.told[app]
        client = WeChatClient(account["appid"], account["secret"], timeout=5)
        client._http.mount("https://api.weixin.qq.com/", Rerouted(self.base))
        return client

    def merchant(self, app: str = "mp", **changes: Any) -> WeChatPay:
        """wechatpayv3, pointed at the box; ``changes`` replace its constructor's arguments."""
        pay = self.told["pay"]
        given = {
            "wechatpay_type": WeChatPayType.MINIPROG,
            "mchid": pay["mchid"],
            "private_key": pay["merchant_private_key_pem"],
            "cert_serial_no": pay["merchant_serial"],
            "appid": self.told[app]["appid"],
            "apiv3_key": pay["apiv3_key"],
            "public_key": pay["platform_public_key_pem"],
            "public_key_id": pay["platform_public_key_id"],
            "timeout": (2, 5),
        }
        peer = WeChatPay(**(given | changes))
        peer._core._gate_way = self.base
        return peer
