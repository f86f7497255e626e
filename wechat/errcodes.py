"""What an errcode of api.weixin.qq.com means for the caller, as one table: whether the same call may pass
later, and what people or rooms have to do. Never branch on WeChat's text."""

from enum import Enum, StrEnum
from typing import NamedTuple

from wechat.errors import WeChatError


class Kind(Enum):
    """How a call ended that brought an errcode."""

    NO = "definitive"
    LATER = "nothing was done; the same call may pass later"
    BUSY = "WeChat had a fault of its own; whether the call was carried out is not said"
    TOKEN = "the token is bad: renewed and repeated once, then unavailable"


class Action(StrEnum):
    """What to do about it."""

    NONE = "none"  # nothing: wait, or go on
    FIX_CODE = "fix code"  # we sent what WeChat does not take: a bug, or an input that needs a check of ours
    FIX_SETTINGS = "fix settings"  # app, secret, address list or permission: alert, stop calling
    ALERT = "alert"  # a person has to look
    MARK_STALE = "mark stale"  # this openid is not of this app: drop the identity
    NEW_CODE = "new code"  # ask the client for a fresh single-use code
    LOG_IN_AGAIN = "log in again"  # session or authorisation is dead
    REFUSE_LOGIN = "refuse login"  # WeChat blocks the person
    STOP_SENDING = "stop sending"  # this person gets nothing until something changes
    GRANT_USED = "grant used"  # the one permission to send this subscribe message is gone
    OTHER_CHANNEL = "other channel"  # outside the window of customer messages
    UPLOAD_AGAIN = "upload again"  # the media has expired
    MODERATE = "moderate"  # WeChat cannot judge: by hand
    NEXT_MINUTE = "next minute"  # a rate of seconds or minutes
    TOMORROW = "tomorrow"  # a quota of the day (or clear it)
    TELL_OPERATOR = "tell operator"  # a business refusal that staff can understand
    SOON = "soon"  # a short delay, then again


class Meaning(NamedTuple):
    """One row of the table."""

    kind: Kind
    action: Action


def _rows(kind: Kind, action: Action, codes: str) -> dict[str, Meaning]:
    return {code: Meaning(kind, action) for code in codes.split()}


_TABLE = {
    **_rows(Kind.BUSY, Action.NONE, "-1 10060012 10060019"),
    **_rows(Kind.TOKEN, Action.NONE, "40001 40014 42001"),
    **_rows(Kind.NO, Action.FIX_CODE, "40033 41001 43001 43002 44002 47001"),
    **_rows(Kind.NO, Action.FIX_CODE, "40037 40066 40097 40129 40159 40165 40169 40212 41030 47003 85096"),
    **_rows(Kind.NO, Action.FIX_CODE, "40015 40016 40017 40018 40019 40020 40023 40024 40025 40026 40027"),
    **_rows(Kind.NO, Action.FIX_CODE, "40004 40032 40053 40054 40055 44004 45002 45008 65316 65320 85401"),
    **_rows(Kind.NO, Action.FIX_SETTINGS, "40002 40013 40125 40164 40243 50004 50007 61004 89503"),
    **_rows(Kind.NO, Action.FIX_SETTINGS, "43104 45064 45103 48001 48004 85407 85079"),
    **_rows(Kind.NO, Action.ALERT, "48006 45029 45056 85400 89506 89507"),
    **_rows(Kind.NO, Action.MARK_STALE, "40003 46004 49003"),
    **_rows(Kind.NO, Action.NEW_CODE, "40029 40163 42003"),
    **_rows(Kind.NO, Action.REFUSE_LOGIN, "40226"),
    **_rows(Kind.NO, Action.LOG_IN_AGAIN, "40030 42002 42007 87007 87009"),
    **_rows(Kind.NO, Action.STOP_SENDING, "43004 48002 50005 70000 43116"),
    **_rows(Kind.NO, Action.GRANT_USED, "43101"),
    **_rows(Kind.NO, Action.OTHER_CHANNEL, "45015 45047"),
    **_rows(Kind.NO, Action.UPLOAD_AGAIN, "40007"),
    **_rows(Kind.NO, Action.MODERATE, "61010"),
    **_rows(Kind.NO, Action.NONE, "46003 10060023"),
    **_rows(Kind.LATER, Action.SOON, "43108 10060001"),
    **_rows(Kind.LATER, Action.NEXT_MINUTE, "44990 44991 45011"),
    **_rows(Kind.LATER, Action.TOMORROW, "44993 45009"),
}


def meaning(code: str) -> Meaning:
    """The row of an errcode. Business refusals of shipping (1006xxxx, 2684xxxxx) are for the operator; an
    errcode that nobody knows is a definitive no."""
    known = _TABLE.get(code)
    if known is not None:
        return known
    shipping = len(code) in (8, 9) and code.startswith(("1006", "2684", "2685"))
    return Meaning(Kind.NO, Action.TELL_OPERATOR if shipping else Action.ALERT)


def action_of(error: WeChatError) -> Action:
    """What to do about an error of the official account or the mini-program; NONE for one without an errcode
    (a timeout, say), where waiting is all there is."""
    return meaning(error.code).action if error.code.removeprefix("-").isdigit() else Action.NONE
