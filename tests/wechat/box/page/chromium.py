"""A real Chromium without a window, steered over its DevTools pipe: two file descriptors, one JSON message after
the other with a zero byte between.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--mute-audio"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
    *("--disable-default-apps", "--disable-extensions", "--no-proxy-server", "--remote-debugging-pipe"),
)
# The browser reads commands from its descriptor 3 and answers on 4.
_LAUNCH = "import os,sys; os.dup2(int(sys.argv[1]),3); os.dup2(int(sys.argv[2]),4); os.execv(sys.argv[3],sys.argv[3:])"
KEYS = {"Enter": 13, "Escape": 27, "ArrowRight": 39, "ArrowLeft": 37, "Tab": 9}


def find() -> str | None:
    """The path of a Chromium on PATH, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One browser process with a profile of its own; ``close`` ends it."""

    def __init__(self, program: str, profile: Path) -> None:
        (there, self._out), (self._in, back) = os.pipe(), os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (there, back)]
        command = [
            sys.executable,
            "-c",
            _LAUNCH,
            *map(str, high),
            program,
            *FLAGS,
            f"--user-data-dir={profile}",
        ]
        self._process = subprocess.Popen(
            [*command, "about:blank"], pass_fds=high, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for end in (there, back, *high):
            os.close(end)
        self._number = 0
        self._heard = b""
        self.events: list[dict[str, Any]] = []

    def page(self, *, width: int, height: int, language: str = "zh-CN") -> "Page":
        """A tab of this size that remembers nothing of the others, for a person with this language."""
        apart = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=apart)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, apart)
        for domain in ("Page", "Runtime", "Log"):
            page.call(f"{domain}.enable")
        agent = self.call("Browser.getVersion")["userAgent"]
        page.call("Network.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        return page

    def call(self, method: str, session: str | None = None, **given: Any) -> dict[str, Any]:
        """One command; its result. AssertionError when the browser refuses it or is silent for 20 seconds."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": given}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + 20
        while True:
            answer = self._next(until)
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._heard:
            ready = select.select([self._in], [], [], max(0.0, until - time.monotonic()))[0]
            assert ready, "the browser is silent"
            piece = os.read(self._in, 1 << 20)
            assert piece, "the browser is gone"
            self._heard += piece
        text, _, self._heard = self._heard.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def close(self) -> None:
        """End the process."""
        os.close(self._out)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        os.close(self._in)


class Page:
    """One tab. What is clicked must be visible: clicks are those of a mouse, letters those of a keyboard."""

    def __init__(self, browser: Chromium, session: str, apart: str) -> None:
        self._browser = browser
        self._session = session
        self._apart = apart

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        """One DevTools command to this tab."""
        return self._browser.call(method, self._session, **given)

    def open(self, url: str) -> None:
        """Go there and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def ask(self, script: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        told = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, f"{script}: {told['exceptionDetails']}"
        return told["result"].get("value")

    def wait(self, script: str, within_s: float = 15) -> Any:
        """Wait until an expression is true; answers its value. AssertionError tells what the page shows."""
        until = time.monotonic() + within_s
        while not (value := self.ask(script)):
            assert time.monotonic() < until, f"never true: {script}; the page shows: {self.text('body')}"
            time.sleep(0.05)
        return value

    def text(self, selector: str) -> str:
        """The visible text of the first such element, or nothing."""
        return str(self.ask(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def see(self, selector: str, text: str = "", within_s: float = 15) -> None:
        """Wait until such an element shows this text."""
        wanted = f"(one) => one.getClientRects().length && one.innerText.includes({json.dumps(text)})"
        self.wait(f"[...document.querySelectorAll({json.dumps(selector)})].some({wanted})", within_s)

    def click(self, selector: str, text: str = "") -> None:
        """Click the middle of the first visible, enabled element like this that shows the text."""
        find = (
            f"[...document.querySelectorAll({json.dumps(selector)})].find((one) => !one.disabled"
            f" && one.getClientRects().length && one.innerText.includes({json.dumps(text)}))"
        )
        # What slides in is clicked where it comes to rest.
        place = self.wait(
            f"(async () => {{ const one = {find}; if (!one) return null; one.scrollIntoView({{block: 'center'}});"
            " const here = () => one.getBoundingClientRect(); const before = here();"
            " await new Promise((done) => setTimeout(done, 60)); const {x, y, width, height} = here();"
            " return x === before.x && y === before.y && one.isConnected ? [x + width / 2, y + height / 2] : null; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1
            )

    def type(self, selector: str, text: str) -> None:
        """Put the focus into a field and write."""
        find = f"const one = document.querySelector({json.dumps(selector)}); one?.focus();"
        self.wait(f"(() => {{ {find} return one !== null && document.activeElement === one; }})()")
        self.call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """One key, down and up."""
        facts: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        if key == "Enter":
            facts["text"] = "\r"
        self.call("Input.dispatchKeyEvent", type="keyDown", **facts)
        self.call("Input.dispatchKeyEvent", type="keyUp", **{**facts, "text": ""})

    def upload(self, selector: str, path: Path) -> None:
        """Choose a file in a file field."""
        node = self.call("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")
        self.call("DOM.setFileInputFiles", files=[str(path)], objectId=node["result"]["objectId"])

    def picture(self, path: Path) -> None:
        """A screenshot as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """What the page has complained about so far: uncaught errors, refused resources, console errors."""
        self.ask("1")
        told = []
        for event in self._browser.events:
            if event.get("sessionId") != self._session:
                continue
            if event["method"] == "Runtime.exceptionThrown":
                told.append(str(event["params"]["exceptionDetails"].get("exception", {}).get("description")))
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                told.append(event["params"]["entry"]["text"] + " " + event["params"]["entry"].get("url", ""))
            if event["method"] == "Runtime.consoleAPICalled" and event["params"]["type"] == "error":
                told.append(str(event["params"]["args"]))
        return told

    def close(self) -> None:
        """Close the tab and forget what it remembered."""
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._apart)
