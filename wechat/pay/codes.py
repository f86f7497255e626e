"""What an error of WeChat Pay means for the caller, as one table by HTTP status and code.

Older endpoints spell codes without underscores (ORDERNOTEXIST); they are compared without and reported with
them. Error answers are not signed: before anything irreversible, confirm with a query.
"""

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """How an attempt ended, when not with an answer."""

    NO = "definitive"
    LATER = "nothing was done; the same call with the same number may pass later"
    DOUBT = "it may have been done"


class Meaning(NamedTuple):
    """`again`: the call may go out once more right away, unchanged. `action`: what people or rooms have to
    do."""

    kind: Kind
    code: str
    again: bool = False
    action: str = ""


_QUERY = "query the order before anything else"
_SETTINGS = "check the merchant's settings"
_TABLE = [
    (400, Meaning(Kind.NO, "PARAM_ERROR", action="a bug: see the field")),
    (400, Meaning(Kind.NO, "INVALID_REQUEST", action=_QUERY)),
    (400, Meaning(Kind.NO, "APPID_MCHID_NOT_MATCH", action=_SETTINGS)),
    (400, Meaning(Kind.NO, "MCH_NOT_EXISTS", action=_SETTINGS)),
    (404, Meaning(Kind.NO, "MCH_NOT_EXISTS", action=_SETTINGS)),
    (400, Meaning(Kind.NO, "ORDER_PAID", action="refund instead of closing")),
    (400, Meaning(Kind.NO, "ORDER_CLOSED", action="a new number is needed")),
    (401, Meaning(Kind.NO, "SIGN_ERROR", action="check key, serial number and clock")),
    (403, Meaning(Kind.NO, "NO_AUTH", action="check the product, the address list and the merchant's state")),
    (403, Meaning(Kind.NO, "OUT_TRADE_NO_USED", action=_QUERY)),
    (403, Meaning(Kind.LATER, "NOT_ENOUGH", action="top up; repeat with the same number")),
    (403, Meaning(Kind.LATER, "BIZERR_NEED_RETRY", action="repeat with the same number")),
    (403, Meaning(Kind.NO, "USER_ACCOUNT_ABNORMAL", action="pay back outside WeChat")),
    (403, Meaning(Kind.NO, "TRADE_ERROR", action=_QUERY)),
    (403, Meaning(Kind.NO, "RULE_LIMIT", action=_QUERY)),
    (404, Meaning(Kind.NO, "ORDER_NOT_EXIST")),
    (404, Meaning(Kind.NO, "RESOURCE_NOT_EXISTS")),
    (404, Meaning(Kind.NO, "NOT_FOUND")),
    (429, Meaning(Kind.LATER, "FREQUENCY_LIMITED", again=True)),
    (429, Meaning(Kind.LATER, "RATELIMIT_EXCEEDED", again=True)),
    (429, Meaning(Kind.LATER, "RATELIMIT_EXCEED", again=True)),
    (429, Meaning(Kind.LATER, "FREQUENCY_LIMIT_EXCEED", again=True)),
    (500, Meaning(Kind.NO, "OPENID_MISMATCH", action="the openid is not of this appid")),
    (500, Meaning(Kind.DOUBT, "SYSTEM_ERROR", again=True, action=_QUERY)),
    (500, Meaning(Kind.DOUBT, "BANK_ERROR", again=True, action=_QUERY)),
    (502, Meaning(Kind.DOUBT, "SERVICE_UNAVAILABLE", again=True, action=_QUERY)),
    (503, Meaning(Kind.DOUBT, "SERVICE_UNAVAILABLE", again=True, action=_QUERY)),
    (202, Meaning(Kind.DOUBT, "USER_PAYING", again=True, action=_QUERY)),
]

_EXACT_NUMBERS = {
    "268449538": "ORDER_PAID",
    "268498689": "ORDER_PAID",
    "268447914": "ORDER_CLOSED",
    "268512771": "ORDER_NOT_EXIST",
}
"""The number behind the last dash of Request-ID is more exact than INVALID_REQUEST, under which these
come."""


def _normal(code: str) -> str:
    return code.replace("_", "").upper()


_BY_STATUS_AND_CODE = {(status, _normal(row.code)): row for status, row in _TABLE}
_SPELLING = {_normal(row.code): row.code for _, row in _TABLE}


def meaning(status: int, code: str, request_id: str = "") -> Meaning:
    """What an answer other than a good 2xx means. `code` is empty when the body was not an error of the API:
    then nothing can be concluded from a 4xx (some proxy may have spoken), and a write stays in doubt."""
    if _normal(code) == "INVALIDREQUEST":
        code = _EXACT_NUMBERS.get(request_id.rpartition("-")[2], code)
    known = _BY_STATUS_AND_CODE.get((status, _normal(code)))
    if known is not None:
        return known
    spelled = _SPELLING.get(_normal(code), code) or f"HTTP_{status}"
    if status == 429:
        return Meaning(Kind.LATER, spelled, again=True)
    if status >= 500 or status < 300:
        return Meaning(Kind.DOUBT, spelled, again=True, action=_QUERY)
    return Meaning(Kind.NO if code else Kind.DOUBT, spelled)
