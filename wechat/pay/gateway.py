"""Sends signed requests to WeChat Pay and reads signed answers."""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson
import requests

from wechat.errors import BadSignature, Refused, Unavailable, Unknown
from wechat.http import Answer, Broken, Http
from wechat.pay.codes import Kind, Meaning, meaning
from wechat.pay.signing import MerchantKey, PlatformKeys

AVOID_MAIN_S = 30
"""After a connection to the main host failed, calls start with the other one for this long."""


class _Failure(NamedTuple):
    meaning: Meaning
    detail: object = ""
    other_host: bool = False


class Gateway:
    """The two access points of WeChat Pay. Thread-safe. Every call here may be repeated unchanged: a write
    carries a merchant's number, and the same number with the same content has one effect."""

    def __init__(
        self,
        http: Http,
        merchant: MerchantKey,
        platform: PlatformKeys,
        *,
        bases: tuple[str, str],
        public_key_id: str,
        clock: Callable[[], float],
    ) -> None:
        self._http = http
        self._merchant = merchant
        self._platform = platform
        self._bases = bases
        self._public_key_id = public_key_id
        self._clock = clock
        self._main_down_until = 0.0

    def read(self, api: str, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A signed GET. Raises Unavailable or Refused."""
        return self._call(api, "GET", path, params, b"", write=False)

    def write(self, api: str, path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A signed POST of JSON; a 204 answers {}. Raises Unavailable (nothing was done), Unknown or
        Refused."""
        return self._call(api, "POST", path, None, orjson.dumps(fields), write=True)

    def _call(
        self, api: str, method: str, path: str, params: Mapping[str, str] | None, body: bytes, *, write: bool
    ) -> dict[str, Any]:
        failure, doubt, switched = None, False, time.monotonic() < self._main_down_until
        for _ in self._http.tries():
            request = self._request(self._bases[switched] + path, method, params, body)
            outcome = self._once(request)
            if isinstance(outcome, dict):
                return outcome
            failure = outcome
            doubt = doubt or failure.meaning.kind is Kind.DOUBT
            if failure.other_host:
                if not switched:
                    self._main_down_until = time.monotonic() + AVOID_MAIN_S
                switched = not switched
            if not failure.meaning.again:
                break
        raise _error(api, failure, doubt=doubt and write)

    def _request(
        self, url: str, method: str, params: Mapping[str, str] | None, body: bytes
    ) -> requests.PreparedRequest:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Wechatpay-Serial": self._public_key_id,
        }
        if body:
            headers["Content-Type"] = "application/json"
        request = self._http.prepare(method, url, params=params, body=body or None, headers=headers)
        # Signed after requests has done its quoting, so that the raw target is what stands on the wire.
        request.headers["Authorization"] = self._merchant.authorization(
            method, request.path_url, body, seconds=int(self._clock()), nonce=secrets.token_hex(16)
        )
        return request

    def _once(self, request: requests.PreparedRequest) -> dict[str, Any] | _Failure:
        try:
            answer = self._http.deliver(request)
        except Broken as error:
            kind = Kind.LATER if error.nothing_sent else Kind.DOUBT
            # A caller who has waited through one time-out is not kept waiting for another.
            again = error.nothing_sent or error.code != "TIMEOUT"
            return _Failure(Meaning(kind, error.code, again), other_host=again)
        if answer.status in (200, 204):
            return self._verified(answer)
        fields = _object(answer.body) or {}
        code, text = fields.get("code"), fields.get("message", "")
        detail = fields.get("detail")
        if isinstance(detail, dict):
            text = f"{text} {detail.get('field', '')} {detail.get('issue', '')}"
        number = answer.headers.get("Request-ID", "")
        return _Failure(meaning(answer.status, code if isinstance(code, str) else "", number), text)

    def _verified(self, answer: Answer) -> dict[str, Any] | _Failure:
        try:
            self._platform.verify(answer.headers, answer.body, seconds=self._clock())
        except BadSignature as error:
            return _Failure(Meaning(Kind.DOUBT, "SIGNATURE", again=True), error.reason)
        fields = {} if answer.status == 204 else _object(answer.body)
        return _Failure(Meaning(Kind.DOUBT, "ANSWER"), "not a JSON object") if fields is None else fields


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None


def _error(api: str, failure: _Failure | None, *, doubt: bool) -> Refused | Unknown | Unavailable:
    assert failure is not None
    found = failure.meaning
    detail = f"{failure.detail} {found.action}".strip()
    if found.kind is Kind.NO:
        return Refused(api, found.code, detail)
    return (Unknown if doubt else Unavailable)(api, found.code, detail)
