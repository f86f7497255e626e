"""The people of the tour: each acts over real HTTP only, against the house and WeChat in a box."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests

T = TypeVar("T")
PATIENCE_S = 15.0


class Broken(Exception):
    """A step of the tour did not hold; the text says which expectation was not met."""


def expect(holds: bool, what: str) -> None:
    """Go on if ``holds``, else end the tour with ``what``."""
    if not holds:
        raise Broken(what)


def wait_for(look: Callable[[], T | None], what: str) -> T:
    """Look again until there is something to see, at most 15 seconds: WeChat's news takes its time."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = look()
        if found is not None:
            return found
        expect(time.monotonic() < deadline, f"{what}: still nothing after {PATIENCE_S:.0f} s")
        time.sleep(0.1)


class Line:
    """One HTTP line to a server; anything but the expected status ends the tour with the server's own words."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._session = requests.Session()
        self._session.trust_env = False
        self.token = ""

    def get(self, path: str, **query: Any) -> Any:
        """GET a JSON answer."""
        return self._ask("GET", path, params=query).json()

    def picture(self, path: str, **query: Any) -> bytes:
        """GET bytes."""
        return self._ask("GET", path, params=query).content

    def post(self, path: str, body: Any = None, *, once: bool = False) -> Any:
        """POST JSON. ``once`` sends a fresh Idempotency-Key."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} if once else {}
        answer = self._ask("POST", path, json={} if body is None else body, headers=headers)
        return answer.json() if answer.content else None

    def _ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any
    ) -> requests.Response:
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        try:
            answer = self._session.request(method, self.base + path, headers=sent, timeout=10, **more)
        except requests.RequestException as error:
            raise Broken(f"{method} {path}: no answer ({type(error).__name__})") from None
        expect(
            answer.status_code < 300, f"{method} {path} answered {answer.status_code}: {answer.text[:300]}"
        )
        return answer


class Person:
    """Somebody with WeChat on the phone."""

    def __init__(self, box: Line, house: str, name: str, phone: str | None = None) -> None:
        self._box = box
        self.name = name
        known = [one for one in box.get("/box/persons")["persons"] if one["name"] == name]
        made = {"name": name} if phone is None else {"name": name, "phone": phone}
        self._id = (known[0] if known else box.post("/box/persons", made)["person"])["id"]
        self.house = Line(house)

    def act(self, what: str, **facts: Any) -> Any:
        """Do something in WeChat: follow, scan, say, pay ..."""
        return self._box.post(f"/box/persons/{self._id}/{what}", facts)

    def chat(self) -> list[dict[str, Any]]:
        """What stands in this person's chat with the account, oldest first."""
        messages: list[dict[str, Any]] = self._box.get(f"/box/persons/{self._id}/chat")["messages"]
        return messages

    def log_in_as_shopper(self) -> dict[str, Any]:
        """Open the mini-program."""
        answer: dict[str, Any] = self.house.post("/api/shopper/login", {"code": self.act("mp/login")["code"]})
        self.house.token = answer["token"]
        return answer

    def log_in_as_clerk(self) -> None:
        """Open the clerk's part of the mini-program; the roster knows the phone number."""
        codes = {"code": self.act("mp/login")["code"], "phone_code": self.act("mp/phone")["code"]}
        self.house.token = self.house.post("/api/clerk/login", codes)["token"]


def log_in_as_operator(public: Line, code: str, var: Path) -> Line:
    """Open the back office as one of the demo brand's operators, whose passwords lie in ``var/operators.txt``."""
    file = var / "operators.txt"
    known = (
        dict(line.split() for line in file.read_text().splitlines() if line.strip()) if file.exists() else {}
    )
    expect(code in known, f"{file} does not name {code}: start over with --reset, or run with --no-tour")
    office = Line(public.base)
    office.token = office.post("/api/backoffice/login", {"code": code, "password": known[code]})["token"]
    return office
