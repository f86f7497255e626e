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
_SAME_NUMBER = "repeat with the same number"
_TOP_UP = "top up; repeat with the same number"
_TABLE = [
    (202, Meaning(Kind.DOUBT, "USER_PAYING", again=True, action=_QUERY)),
    (400, Meaning(Kind.NO, "PARAM_ERROR", action="a bug: see the field")),
    (400, Meaning(Kind.NO, "INVALID_REQUEST", action=_QUERY)),
    (400, Meaning(Kind.NO, "APPID_MCHID_NOT_MATCH", action=_SETTINGS)),
    (400, Meaning(Kind.NO, "MCH_NOT_EXISTS", action=_SETTINGS)),
    (404, Meaning(Kind.NO, "MCH_NOT_EXISTS", action=_SETTINGS)),
    (400, Meaning(Kind.NO, "ORDER_PAID", action="refund instead of closing")),
    (403, Meaning(Kind.NO, "ORDER_PAID", action="refund instead of closing")),
    (400, Meaning(Kind.NO, "ORDER_CLOSED", action="a new number is needed")),
    (403, Meaning(Kind.NO, "ORDER_CLOSED", action="a new number is needed")),
    (400, Meaning(Kind.NO, "INVALID_TRANSACTIONID", action="a bug: see the number")),
    (400, Meaning(Kind.NO, "ALREADY_EXISTS", action="the number stands for something else: query it")),
    (400, Meaning(Kind.NO, "NO_STATEMENT_EXIST", action="nothing happened on that day")),
    (400, Meaning(Kind.LATER, "STATEMENT_CREATING", action="ask again in half an hour")),
    (401, Meaning(Kind.NO, "SIGN_ERROR", action="check key, serial number and clock")),
    (403, Meaning(Kind.NO, "NO_AUTH", action="check the product, the address list and the merchant's state")),
    (403, Meaning(Kind.NO, "OUT_TRADE_NO_USED", action=_QUERY)),
    (403, Meaning(Kind.LATER, "NOT_ENOUGH", action=_TOP_UP)),
    (403, Meaning(Kind.LATER, "BIZERR_NEED_RETRY", action=_SAME_NUMBER)),
    (403, Meaning(Kind.NO, "USER_ACCOUNT_ABNORMAL", action="pay back outside WeChat")),
    (403, Meaning(Kind.NO, "ACCOUNT_ERROR", action=_QUERY)),
    (403, Meaning(Kind.NO, "REQUEST_BLOCKED", action=_QUERY)),
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
]

_NOT_THERE_YET = "proves nothing right after a call in doubt: wait, then repeat with the same number"
_KEEP_BILL = "query it; another number only once this one is FAIL or CANCELLED"
_SPLIT = "look at the order's state: settled, splittable, ratio, receivers"
_BY_API = {
    "pay.refund": [
        (404, Meaning(Kind.NO, "RESOURCE_NOT_EXISTS", action="no such payment")),
    ],
    "pay.query_refund": [
        (404, Meaning(Kind.NO, "RESOURCE_NOT_EXISTS", action="never received: " + _SAME_NUMBER)),
    ],
    "pay.transfer": [
        (400, Meaning(Kind.NO, "INVALID_REQUEST", action=_KEEP_BILL)),
        (400, Meaning(Kind.NO, "ALREADY_EXISTS", action=_KEEP_BILL)),
        (403, Meaning(Kind.NO, "NO_AUTH", action="our address must be on the allow-list for transfers")),
        (404, Meaning(Kind.DOUBT, "NOT_FOUND", action=_KEEP_BILL)),
        (500, Meaning(Kind.DOUBT, "SYSTEM_ERROR", again=True, action=_KEEP_BILL)),
    ],
    "pay.query_transfer": [
        (404, Meaning(Kind.NO, "NOT_FOUND", action=_NOT_THERE_YET)),
    ],
    "pay.cancel_transfer": [
        (400, Meaning(Kind.NO, "INVALID_REQUEST", action="confirmed or ended meanwhile: query it")),
    ],
    "pay.share": [
        (400, Meaning(Kind.NO, "INVALID_REQUEST", action=_SPLIT)),
        (404, Meaning(Kind.NO, "RESOURCE_NOT_EXISTS", action="no such payment")),
    ],
    "pay.unfreeze": [
        (400, Meaning(Kind.NO, "INVALID_REQUEST", action=_SPLIT)),
    ],
    "pay.query_share": [
        (404, Meaning(Kind.NO, "RESOURCE_NOT_EXISTS", action="never received: " + _SAME_NUMBER)),
    ],
    "pay.query_share_return": [
        (404, Meaning(Kind.NO, "RESOURCE_NOT_EXISTS", action="never received: " + _SAME_NUMBER)),
    ],
}
"""Where one call's codes mean something else, or more, than elsewhere."""

_CAREFUL = frozenset({"pay.transfer"})
"""Calls after which a code that we do not know proves nothing: money may be on its way (WECHAT_PAY 9.1)."""

PAYS_OUT = frozenset({"pay.refund", "pay.redirect_refund", "pay.transfer", "pay.share", "pay.return_share"})
"""Calls that move money away. A refusal of a repeat says nothing about what the attempt before it did, and
whoever took it for a no might pay twice."""

_EXACT = {
    "268512771": ("ORDER_NOT_EXIST", ""),
    "268447840": ("FREQUENCY_LIMITED", ""),
    "268435461": ("PARAM_ERROR", "a bug: see the field"),
    "268435464": ("PARAM_ERROR", "a bug: a value out of its range"),
    "270924358": ("PARAM_ERROR", "a bug: a parameter that the call does not have"),
    "268449538": ("ORDER_PAID", "refund instead of closing"),
    "268498689": ("ORDER_PAID", "refund instead of closing"),
    "268498688": ("INVALID_REQUEST", "the number was used before, with other content: query it"),
    "268447914": ("ORDER_CLOSED", "a new number is needed"),
    "268447843": ("INVALID_REQUEST", "the number belongs to another merchant"),
    "268443699": ("SIGN_ERROR", "check key, serial number and clock"),
    "268501013": ("PARAM_ERROR", "a bug: the payer's openid is missing"),
    "268445527": ("APPID_MCHID_NOT_MATCH", _SETTINGS),
    "268443715": ("NO_AUTH", "the merchant is disabled"),
    "268448010": ("NO_AUTH", "the merchant may not collect money now"),
    "268449641": ("INVALID_REQUEST", "this order can only be reversed, not closed"),
}
"""The number behind the last dash of Request-ID is more exact than INVALID_REQUEST, under which these
come."""


def _normal(code: str) -> str:
    return code.replace("_", "").upper()


_BY_STATUS_AND_CODE = {(status, _normal(row.code)): row for status, row in _TABLE}
_BY_API_TOO = {(api, status, _normal(row.code)): row for api, rows in _BY_API.items() for status, row in rows}
_SPELLING = {_normal(row.code): row.code for _, row in _TABLE}


def meaning(status: int, code: str, request_id: str = "", api: str = "") -> Meaning:
    """What an answer other than a good 2xx means. `code` is empty when the body was not an error of the API:
    then nothing can be concluded from a 4xx (some proxy may have spoken), and a write stays in doubt."""
    exact = _EXACT.get(request_id.rpartition("-")[2]) if 400 <= status < 500 else None
    if exact and _normal(code) == "INVALIDREQUEST":
        kind = Kind.LATER if exact[0] == "FREQUENCY_LIMITED" else Kind.NO
        return Meaning(kind, exact[0], again=kind is Kind.LATER, action=exact[1])
    known = _BY_API_TOO.get((api, status, _normal(code))) or _BY_STATUS_AND_CODE.get((status, _normal(code)))
    if known is not None:
        return known
    spelled = _SPELLING.get(_normal(code), code) or f"HTTP_{status}"
    if status == 429:
        return Meaning(Kind.LATER, spelled, again=True)
    if status >= 500 or status < 300:
        return Meaning(Kind.DOUBT, spelled, again=True, action=_QUERY)
    if api in _CAREFUL:
        return Meaning(Kind.DOUBT, spelled, action=_KEEP_BILL)
    return Meaning(Kind.NO if code else Kind.DOUBT, spelled)
