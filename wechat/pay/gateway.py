"""Sends signed requests to WeChat Pay and reads signed answers."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import orjson
import requests

from wechat.errors import BadSignature, Malformed, Refused, Unavailable, Unknown
from wechat.http import Answer, Broken, Http
from wechat.pay.codes import PAYS_OUT, Kind, Meaning, meaning
from wechat.pay.platform_keys import PlatformKeys, Sealer
from wechat.pay.signing import MerchantKey

AVOID_MAIN_S = 30
"""After a connection to the main host failed, calls start with the other one for this long."""


class _Failure(NamedTuple):
    meaning: Meaning
    detail: object = ""
    other_host: bool = False


class _Call(NamedTuple):
    """One call, as it is repeated."""

    api: str
    method: str
    path: str
    params: Mapping[str, str] | None
    body: bytes
    serial: str
    prove: Callable[[Answer], None]

    @property
    def write(self) -> bool:
        return self.method == "POST"


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
        clock: Callable[[], float],
    ) -> None:
        self._http = http
        self._merchant = merchant
        self._platform = platform
        self._bases = bases
        self._clock = clock
        self._main_down_until_s = 0.0
        self._refresh: Callable[[], None] | None = None

    def refreshed_by(self, refresh: Callable[[], None]) -> None:
        """Names what keeps the platform's certificates fresh; it is called before each call but its own."""
        self._refresh = refresh

    def read(
        self,
        api: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        prove: Callable[[Answer], None] | None = None,
        once: bool = False,
    ) -> dict[str, Any]:
        """A signed GET. Raises Unavailable or Refused. `prove` checks the answer in another way than by the
        keys held (and raises BadSignature); `once` forbids repeats."""
        serial = self._own_serial() if prove else self._serial(api)
        call = _Call(api, "GET", path, params, b"", serial, prove or self._signed)
        return self._call(call, most=1 if once else 9)

    def write(
        self, api: str, path: str, fields: Mapping[str, Any] | None, *, sealer: Sealer | None = None
    ) -> dict[str, Any]:
        """A signed POST of JSON, or of nothing; a 204 answers {}. `sealer` is what encrypted a part of the
        fields. Raises Unavailable (nothing was done), Unknown or Refused."""
        body = b"" if fields is None else orjson.dumps(fields)
        serial = sealer.serial if sealer else self._serial(api)
        return self._call(_Call(api, "POST", path, None, body, serial, self._signed))

    def sealer(self, api: str) -> Sealer:
        """What sensitive fields are encrypted with now. Raises Unavailable while no certificate is there."""
        if self._refresh:
            self._refresh()
        found = self._platform.sealer(seconds=self._clock())
        if found is None:
            raise Unavailable(api, "CERTIFICATE", "no platform certificate that counts now")
        return found

    @contextmanager
    def download(self, api: str, target: str) -> Iterator[Iterator[bytes]]:
        """The raw pieces of a file; its answer is the only one that WeChat does not sign. `target`: path and
        query. Raises Unavailable or Refused, also while the pieces are read."""
        call = _Call(api, "GET", target, None, b"", self._serial(api), self._signed)
        switched = time.monotonic() < self._main_down_until_s
        try:
            with self._http.stream(self._request(call, self._bases[switched])) as found:
                if found.status != 200:
                    first = next(found.pieces, b"")
                    failure = _failure(api, Answer(found.status, found.headers, first))
                    raise _error(call, failure, doubt=False)
                yield found.pieces
        except Broken as error:
            if error.nothing_sent and not switched:
                self._main_down_until_s = time.monotonic() + AVOID_MAIN_S
            broken = error
        else:
            return
        raise Unavailable(api, broken.code)

    def _serial(self, api: str) -> str:
        # Sent with every call: it tells WeChat which of its keys we hold (WECHAT_PAY 3.1).
        if self._refresh:
            self._refresh()
        if self._platform.is_empty:
            raise Unavailable(api, "CERTIFICATE", "no platform certificate yet: nothing could be believed")
        return self._own_serial()

    def _own_serial(self) -> str:
        sealer = self._platform.sealer(seconds=self._clock())
        return sealer.serial if sealer else ""

    def _call(self, call: _Call, most: int = 9) -> dict[str, Any]:
        failure, doubt, switched = None, False, time.monotonic() < self._main_down_until_s
        for attempt in self._http.tries():
            outcome = self._once(call, self._request(call, self._bases[switched]))
            if isinstance(outcome, dict):
                return outcome
            failure = outcome
            doubt = doubt or failure.meaning.kind is Kind.DOUBT
            if failure.other_host:
                if not switched:
                    self._main_down_until_s = time.monotonic() + AVOID_MAIN_S
                switched = not switched
            if not failure.meaning.again or attempt + 1 >= most:
                break
        raise _error(call, failure, doubt=doubt and call.write)

    def _request(self, call: _Call, base: str) -> requests.PreparedRequest:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if call.serial:
            headers["Wechatpay-Serial"] = call.serial
        if call.body:
            headers["Content-Type"] = "application/json"
        request = self._http.prepare(
            call.method, base + call.path, params=call.params, body=call.body or None, headers=headers
        )
        # Signed after requests has done its quoting, so that the raw target is what stands on the wire.
        request.headers["Authorization"] = self._merchant.authorization(
            call.method,
            request.path_url,
            call.body,
            seconds=int(self._clock()),
            nonce=secrets.token_hex(16),
        )
        return request

    def _once(self, call: _Call, request: requests.PreparedRequest) -> dict[str, Any] | _Failure:
        try:
            answer = self._http.deliver(request)
        except Broken as error:
            kind = Kind.LATER if error.nothing_sent else Kind.DOUBT
            # A caller who has waited through one time-out is not kept waiting for another.
            again = error.nothing_sent or error.code != "TIMEOUT"
            return _Failure(Meaning(kind, error.code, again), other_host=again)
        if answer.status not in (200, 204):
            return _failure(call.api, answer)
        try:
            call.prove(answer)
        except BadSignature as error:
            return _Failure(Meaning(Kind.DOUBT, "SIGNATURE", again=True), error.reason)
        fields = {} if answer.status == 204 else _object(answer.body)
        return _Failure(Meaning(Kind.DOUBT, "ANSWER"), "not a JSON object") if fields is None else fields

    def _signed(self, answer: Answer) -> None:
        self._platform.verify(answer.headers, answer.body, seconds=self._clock())


@contextmanager
def understood(api: str, *, write: bool) -> Iterator[None]:
    """Around the reading of a signed answer: one that lacks what it must have leaves a write in doubt."""
    try:
        yield
    except Malformed as error:
        found = error
    else:
        return
    raise (Unknown if write else Unavailable)(api, "ANSWER", found.reason) from None


def _failure(api: str, answer: Answer) -> _Failure:
    fields = _object(answer.body) or {}
    code, text = fields.get("code"), fields.get("message", "")
    detail = fields.get("detail")
    if isinstance(detail, dict):
        text = f"{text} {detail.get('field', '')} {detail.get('issue', '')}"
    number = answer.headers.get("Request-ID", "")
    return _Failure(meaning(answer.status, code if isinstance(code, str) else "", number, api), text)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None


def _error(call: _Call, failure: _Failure | None, *, doubt: bool) -> Refused | Unknown | Unavailable:
    assert failure is not None
    found = failure.meaning
    detail = f"{failure.detail} {found.action}".strip()
    if found.kind is Kind.NO and not (doubt and call.api in PAYS_OUT):
        return Refused(call.api, found.code, detail)
    return (Unknown if doubt else Unavailable)(call.api, found.code, detail)
