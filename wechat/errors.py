"""What a talk with WeChat can end in, besides the answer. No text here carries an openid, token or secret."""

import re

_TRACE_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{8}){2}")
_LONG_WORD = re.compile(r"[0-9A-Za-z_\-+/=|*@]{20,}")
_MOBILE = re.compile(r"(?<![0-9])(?:00)?(?:86[ -]?)?1[0-9]{2}[ -]?[0-9]{4}[ -]?[0-9]{4}(?![0-9])")
# Whatever ends a line, steers a terminal or cannot be written as UTF-8.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_CODE = re.compile(r"-?[0-9]{1,10}|[A-Z][A-Z0-9_]{0,63}")
_CUT_WORD = re.compile(r"[0-9A-Za-z_\-+/=|*@]+$")


def clean(text: object, limit: int = 200) -> str:
    """Makes a text of WeChat's fit for a log: masks mobile numbers and anything long enough to be an openid,
    a token or a key, keeps the trace id (`rid`) that support asks for, and cuts at `limit` characters."""

    def mask(found: re.Match[str]) -> str:
        return found[0] if _TRACE_ID.fullmatch(found[0]) else "…"

    whole = str(text)
    flat = whole[: limit * 4]
    if len(whole) > len(flat):  # the first half of an openid is no longer long enough to be masked
        flat = _CUT_WORD.sub("…", flat)
    flat = _CONTROL.sub(" ", flat)
    return _MOBILE.sub("…", _LONG_WORD.sub(mask, flat)).strip()[:limit]


class WeChatError(Exception):
    """A call that did not bring an answer. `api` names the call, `code` is WeChat's errcode or Pay code (or a
    word of ours such as TIMEOUT), `detail` is a cleaned text for people; branch on the class and `code`
    only."""

    def __init__(self, api: str, code: str = "", detail: object = "") -> None:
        self.api = api
        self.code = code if isinstance(code, str) and _CODE.fullmatch(code) else clean(code, 64)
        self.detail = clean(detail)
        super().__init__(api, self.code, self.detail)

    def __str__(self) -> str:
        return f"{self.api} [{self.code}] {self.detail}".rstrip()


class Unavailable(WeChatError):
    """Safe to try again later: nothing was done, or the call is a pure read, or repeating it does no harm."""


class Unknown(WeChatError):
    """It may or may not have happened. Query before you repeat, and repeat only with the same number."""


class Refused(WeChatError):
    """A definitive no. Repeating the same call brings the same answer."""


class BadSignature(Exception):
    """A push, notice or answer that is not proven to come from WeChat (a signature probe included).
    `reason` is a short word of ours and never quotes what was received."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Malformed(Exception):
    """The content cannot be understood, or is hostile (too big, a DTD, too deep). `reason` as above."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
