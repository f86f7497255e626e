"""Who opens the mini-program: login, session, phone number, data that only the session opens."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from wechat.errors import BadSignature, Malformed, Refused, Unavailable
from wechat.fields import moment_of, part_of, text_of
from wechat.platform import Family, Platform, Repeat, ask

FRESH_S = 300
"""User data older than this is refused: somebody may be sending it again."""
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class MpSession:
    """Who has logged in. `session_key` must never leave the server. `unionid` joins the person with the
    official account's fan, when both apps hang on one open-platform account."""

    openid: str = field(repr=False)
    unionid: str | None = field(repr=False)
    session_key: str = field(repr=False)


@dataclass(frozen=True)
class Phone:
    """A phone number that WeChat vouches for: `country_code` such as 86, `number` without it, digits only."""

    country_code: str
    number: str = field(repr=False)


class Logins(Family):
    """Logins and what hangs on them."""

    def __init__(self, platform: Platform, secret: str) -> None:
        Family.__init__(self, platform)
        self._secret = secret

    def login(self, code: str) -> MpSession:
        """Trades the code of wx.login, good once and for 5 minutes. Refused when it is bad (40029), used
        (40163) or WeChat blocks the person (40226). Sent without an access token, so it works when tokens do
        not."""
        api, http = "sns/jscode2session", self.platform.http
        params = {
            "appid": self.platform.appid,
            "secret": self._secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        request = http.prepare("GET", f"{self.platform.api_base}/{api}", params=params)
        fields = ask(http, api, request, Repeat.USELESS)
        openid, session_key = text_of(fields, "openid"), text_of(fields, "session_key")
        if not openid or not session_key:
            raise Unavailable(api, "ANSWER", "no openid or session_key in the answer")
        return MpSession(openid, text_of(fields, "unionid") or None, session_key)

    def phone(self, code: str, *, openid: str | None = None) -> Phone:
        """Trades the code of the phone-number button (not the one of wx.login), good once and for 5 minutes.
        With `openid` WeChat checks that both are of one person. Refused (40029) when the code is bad or
        used."""
        api = "wxa/business/getuserphonenumber"
        body = {"code": code} | ({"openid": openid} if openid else {})
        info = part_of(self.platform.post(api, body, Repeat.USELESS), "phone_info")
        if not info:
            raise Unavailable(api, "ANSWER", "no phone_info in the answer")
        if text_of(part_of(info, "watermark"), "appid") not in ("", self.platform.appid):
            raise Refused(api, "40013", "the number was given to another app")
        phone = Phone(text_of(info, "countryCode"), text_of(info, "purePhoneNumber"))
        if not all(word.isascii() and word.isdigit() for word in (phone.country_code, phone.number)):
            raise Unavailable(api, "ANSWER", "the number is not digits")
        return phone

    def session_lives(self, session: MpSession) -> bool:
        """Asks WeChat whether the session key still holds; False: the person has to log in again."""
        params = {
            "openid": session.openid,
            "signature": session_signature(session.session_key),
            "sig_method": "hmac_sha256",
        }
        try:
            self.platform.get("wxa/checksession", params, Repeat.HARMLESS)
        except Refused as error:
            if error.code == "87009":
                return False
            raise
        return True

    def open_user_data(
        self, session_key: str, iv: str, encrypted: str, *, now: datetime, fresh_s: int = FRESH_S
    ) -> dict[str, Any]:
        """What the mini-program got as encryptedData. Raises Malformed when the key does not open it (a stale
        session: log in again), BadSignature when it was made for another app or longer than `fresh_s` ago."""
        fields = _json(_decrypt(session_key, iv, encrypted))
        watermark = part_of(fields, "watermark")
        if text_of(watermark, "appid") != self.platform.appid:
            raise BadSignature("made for another app")
        made_at = moment_of(watermark, "timestamp")
        if made_at is None or abs(now - made_at) > timedelta(seconds=fresh_s):
            raise BadSignature("not fresh")
        return fields


def session_signature(session_key: str) -> str:
    """The proof that we hold a session key: HMAC-SHA256 of nothing, under the key as the text that it is."""
    return hmac.new(session_key.encode(), b"", hashlib.sha256).hexdigest()


def raw_data_is_signed(session_key: str, raw_data: str, given: str) -> bool:
    """Tells whether `rawData`, as it came, was signed under this session."""
    signed = hashlib.sha1((raw_data + session_key).encode("utf-8", "surrogatepass"), usedforsecurity=False)
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), signed.hexdigest().encode())


def _decrypt(session_key: str, iv: str, encrypted: str) -> bytes:
    if len(encrypted) > _MOST_BYTES:
        raise Malformed("user data larger than 64 KB")
    try:
        key, start, sealed = (base64.b64decode(part, validate=True) for part in (session_key, iv, encrypted))
    except ValueError:
        raise Malformed("user data is not base64") from None
    if len(key) != 16 or len(start) != 16 or not sealed or len(sealed) % 16:
        raise Malformed("user data has an impossible length")
    opener = Cipher(AES(key), CBC(start)).decryptor()
    padded = opener.update(sealed) + opener.finalize()
    pad = padded[-1]
    if not 1 <= pad <= 16 or padded[-pad:] != bytes([pad]) * pad:
        raise Malformed("user data does not open with this session key")
    return padded[:-pad]


def _json(plain: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(plain)
    except orjson.JSONDecodeError:
        fields = None
    if not isinstance(fields, dict):
        raise Malformed("user data does not open with this session key")
    return fields
