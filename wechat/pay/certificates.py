"""Fetches WeChat's platform certificates, when something is signed under a serial that we do not hold."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from wechat.errors import BadSignature, Malformed, Refused, WeChatError
from wechat.http import Answer
from wechat.pay.gateway import Gateway
from wechat.pay.platform_keys import Certificate, PlatformKeys, certificate_of, same_serial
from wechat.pay.results import items, part, word
from wechat.pay.signing import NoticeKey

REST_S = 3600
"""Between two fetches, whatever makes us want one: the serial of a forged notice costs at most this."""
REST_AFTER_FAILURE_S = 60
"""The same when the last fetch brought neither a list nor the word that there is none."""
WAIT_S = 3.0
"""How long one who needs the list waits for another who is fetching it: WeChat waits 5 s for our answer."""
AGE_S = 12 * 3600
"""In certificate mode they are looked up again after this, so that a new one is there before it is used."""
_PATH = "/v3/certificates"


class Certificates:
    """The list of platform certificates, fetched by one thread at a time, at most hourly. Its authenticity
    comes from the APIv3 key that it is sealed with, and then from its signature like any other answer."""

    def __init__(
        self, gateway: Gateway, platform: PlatformKeys, notice_key: NoticeKey, clock: Callable[[], float]
    ) -> None:
        self._gateway = gateway
        self._platform = platform
        self._notice_key = notice_key
        self._clock = clock
        self._one = threading.Lock()
        self._asked_s: float | None = None
        self._rest_s: float = REST_S
        self._count = 0

    def renew(self) -> None:
        """Fetches the list unless it was asked for within the hour; who comes while another fetches waits for
        that, a little. Failing is no error here: what was looked for is then still unknown."""
        if not self._one.acquire(timeout=WAIT_S):
            return
        try:
            if self._rested(self._rest_s):
                self._asked_s = self._clock()
                self._rest_s = REST_AFTER_FAILURE_S
                self.fetch()
                self._rest_s = REST_S
        except WeChatError:
            return
        finally:
            self._one.release()

    def refresh(self) -> None:
        """In certificate mode: fetches what is not held yet, or is older than half a day."""
        if not self._platform.has_public_key and (self._platform.is_empty or self._rested(AGE_S)):
            self.renew()

    def fetch(self) -> int:
        """Fetches the list now and answers how many certificates it has; 0 when the merchant has none
        (public-key mode answers 404). Raises Unavailable or Refused."""
        try:
            self._gateway.read("pay.certificates", _PATH, prove=self._accept, once=True)
        except Refused as error:
            if error.code in ("RESOURCE_NOT_EXISTS", "NOT_FOUND"):
                return 0
            raise
        return self._count

    def _rested(self, rest_s: float) -> bool:
        return self._asked_s is None or abs(self._clock() - self._asked_s) >= rest_s

    def _accept(self, answer: Answer) -> None:
        try:
            fields = orjson.loads(answer.body)
            if not isinstance(fields, dict):  # nothing is proven yet: this may be any JSON
                raise Malformed("not a JSON object")
            fresh = [self._opened(one) for one in items(fields, "data")]
        except (Malformed, ValueError):
            raise BadSignature("a list of certificates that does not open") from None
        self._platform.joined(fresh).verify(answer.headers, answer.body, seconds=self._clock())
        self._platform.hold(fresh)
        self._count = len(fresh)

    def _opened(self, fields: Mapping[str, Any]) -> Certificate:
        sealed = part(fields, "encrypt_certificate")
        pem = self._notice_key.open(
            word(sealed, "nonce"), word(sealed, "associated_data"), word(sealed, "ciphertext")
        )
        certificate = certificate_of(pem.decode())
        if certificate.serial != same_serial(word(fields, "serial_no")):
            raise Malformed("a certificate under another serial")
        return certificate
