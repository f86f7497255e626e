"""WeChat in a box as tests use it: its accounts, and a short way to tell its people what to do."""

from collections.abc import Mapping
from typing import Any

import requests


class Boxed:
    """The control API of a running box. `told` is the JSON line it printed; answers come back as parsed
    JSON.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.told = told
        self.url = str(told["control_base"])
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str) -> Any:
        """GET /box/`path`; AssertionError with the box's own words when it refuses."""
        return self._checked(self._session.get(f"{self.url}/box/{path}", timeout=10))

    def post(self, path: str, **facts: Any) -> Any:
        """POST /box/`path` with `facts` as JSON; AssertionError with the box's own words when it refuses."""
        return self._checked(self.try_post(path, **facts))

    def try_post(self, path: str, **facts: Any) -> requests.Response:
        """POST and answer the response as it is, refusals too."""
        return self._session.post(f"{self.url}/box/{path}", json=facts, timeout=10)

    def reset(self) -> None:
        """No people, orders, deliveries or faults; the accounts stay the same."""
        self.post("reset")

    def close(self) -> None:
        """Give back the connection."""
        self._session.close()

    @staticmethod
    def _checked(response: requests.Response) -> Any:
        assert response.ok, (
            f"{response.request.method} {response.url}: {response.status_code} {response.text}"
        )
        return response.json()
