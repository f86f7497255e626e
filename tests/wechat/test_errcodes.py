"""What each errcode means and what to do about it, as the table of WeChat's documentation and field reports."""

import pytest

from wechat.errcodes import Action, Kind, action_of, meaning
from wechat.errors import Refused, Unavailable

TABLE: dict[tuple[Kind, Action], list[str]] = {
    (Kind.BUSY, Action.NONE): ["-1", "10060012", "10060019"],
    (Kind.TOKEN, Action.NONE): ["40001", "40014", "42001"],
    (Kind.NO, Action.FIX_CODE): [
        *("41001", "40033", "47001", "44002", "43002", "40037", "47003", "40165", "40212", "41030", "40129"),
        *("40169", "40159", "85096", "40097", "40018", "40053", "65320"),
    ],
    (Kind.NO, Action.FIX_SETTINGS): [
        *("40013", "40125", "40243", "50007", "61004", "40164", "48001", "48004", "43104", "45103"),
    ],
    (Kind.NO, Action.MARK_STALE): ["40003"],
    (Kind.NO, Action.NEW_CODE): ["40029", "40163", "42003"],
    (Kind.NO, Action.REFUSE_LOGIN): ["40226"],
    (Kind.NO, Action.LOG_IN_AGAIN): ["40030", "42002", "42007", "87009"],
    (Kind.NO, Action.STOP_SENDING): ["43004", "50005", "48002"],
    (Kind.NO, Action.GRANT_USED): ["43101"],
    (Kind.LATER, Action.SOON): ["43108", "10060001"],
    (Kind.LATER, Action.TOMORROW): ["45009"],
    (Kind.LATER, Action.NEXT_MINUTE): ["45011", "44990", "44991"],
    (Kind.NO, Action.OTHER_CHANNEL): ["45015", "45047"],
    (Kind.NO, Action.NONE): ["46003", "10060023"],
    (Kind.NO, Action.ALERT): ["48006", "45029", "99999", "12345678"],
    (Kind.NO, Action.MODERATE): ["61010"],
    (Kind.NO, Action.UPLOAD_AGAIN): ["40007"],
    (Kind.NO, Action.TELL_OPERATOR): ["10060002", "10060031", "268485194", "268546000"],
}


@pytest.mark.parametrize(("row", "code"), [(row, code) for row, codes in TABLE.items() for code in codes])
def test_an_errcode(row: tuple[Kind, Action], code: str) -> None:
    assert tuple(meaning(code)) == row


def test_the_action_for_an_error() -> None:
    assert action_of(Refused("api", "40003")) is Action.MARK_STALE
    assert action_of(Unavailable("api", "45009")) is Action.TOMORROW
    assert action_of(Unavailable("api", "-1")) is Action.NONE
    assert action_of(Unavailable("api", "TIMEOUT")) is Action.NONE
    assert action_of(Unavailable("api", "HTTP_502")) is Action.NONE
