"""The whole table of errors of WeChat Pay: what each code, under its HTTP status, makes the caller do."""

import pytest

from wechat.pay.codes import Kind, meaning

NO, LATER, DOUBT = Kind.NO, Kind.LATER, Kind.DOUBT
TABLE = """
    202 USER_PAYING             doubt again   query
    400 PARAM_ERROR             no    -       bug
    400 INVALID_REQUEST         no    -       query
    400 APPID_MCHID_NOT_MATCH   no    -       settings
    400 MCH_NOT_EXISTS          no    -       settings
    404 MCH_NOT_EXISTS          no    -       settings
    400 ORDER_PAID              no    -       refund
    403 ORDER_PAID              no    -       refund
    400 ORDER_CLOSED            no    -       new number
    403 ORDER_CLOSED            no    -       new number
    400 INVALID_TRANSACTIONID   no    -       bug
    400 ALREADY_EXISTS          no    -       query
    400 NO_STATEMENT_EXIST      no    -       nothing happened
    400 STATEMENT_CREATING      later -       half an hour
    401 SIGN_ERROR              no    -       clock
    403 NO_AUTH                 no    -       merchant's state
    403 OUT_TRADE_NO_USED       no    -       query
    403 NOT_ENOUGH              later -       same number
    403 BIZERR_NEED_RETRY       later -       same number
    403 USER_ACCOUNT_ABNORMAL   no    -       outside
    403 ACCOUNT_ERROR           no    -       query
    403 REQUEST_BLOCKED         no    -       query
    403 TRADE_ERROR             no    -       query
    403 RULE_LIMIT              no    -       query
    404 ORDER_NOT_EXIST         no    -       -
    404 RESOURCE_NOT_EXISTS     no    -       -
    404 NOT_FOUND               no    -       -
    429 FREQUENCY_LIMITED       later again   -
    429 RATELIMIT_EXCEEDED      later again   -
    429 RATELIMIT_EXCEED        later again   -
    429 FREQUENCY_LIMIT_EXCEED  later again   -
    429 SOMETHING_NEW           later again   -
    500 OPENID_MISMATCH         no    -       openid
    500 SYSTEM_ERROR            doubt again   query
    500 BANK_ERROR              doubt again   query
    500 SOMETHING_NEW           doubt again   query
    502 SERVICE_UNAVAILABLE     doubt again   query
    503 SERVICE_UNAVAILABLE     doubt again   query
    400 SOMETHING_NEW           no    -       -
    403 SOMETHING_NEW           no    -       -
"""
IN_A_FAMILY = """
    pay.refund             404 RESOURCE_NOT_EXISTS no    -     no such payment
    pay.query_refund       404 RESOURCE_NOT_EXISTS no    -     same number
    pay.transfer           400 PARAM_ERROR         no    -     bug
    pay.transfer           400 INVALID_REQUEST     no    -     another number only once
    pay.transfer           400 ALREADY_EXISTS      no    -     another number only once
    pay.transfer           403 NO_AUTH             no    -     allow-list
    pay.transfer           403 NOT_ENOUGH          later -     same number
    pay.transfer           404 NOT_FOUND           doubt -     another number only once
    pay.transfer           400 SOMETHING_NEW       doubt -     another number only once
    pay.transfer           500 SYSTEM_ERROR        doubt again another number only once
    pay.query_transfer     404 NOT_FOUND           no    -     proves nothing
    pay.cancel_transfer    400 INVALID_REQUEST     no    -     query
    pay.share              400 INVALID_REQUEST     no    -     receivers
    pay.share              403 NOT_ENOUGH          later -     same number
    pay.share              404 RESOURCE_NOT_EXISTS no    -     no such payment
    pay.share              429 RATELIMIT_EXCEED    later again -
    pay.unfreeze           400 INVALID_REQUEST     no    -     settled
    pay.query_share        404 RESOURCE_NOT_EXISTS no    -     same number
    pay.query_share_return 404 RESOURCE_NOT_EXISTS no    -     same number
"""
NUMBERS = """
    268512771 ORDER_NOT_EXIST       no    -
    268447840 FREQUENCY_LIMITED     later again
    268435461 PARAM_ERROR           no    -
    268435464 PARAM_ERROR           no    -
    270924358 PARAM_ERROR           no    -
    268449538 ORDER_PAID            no    -
    268498689 ORDER_PAID            no    -
    268498688 INVALID_REQUEST       no    -
    268447914 ORDER_CLOSED          no    -
    268447843 INVALID_REQUEST       no    -
    268443699 SIGN_ERROR            no    -
    268501013 PARAM_ERROR           no    -
    268445527 APPID_MCHID_NOT_MATCH no    -
    268443715 NO_AUTH               no    -
    268448010 NO_AUTH               no    -
    268449641 INVALID_REQUEST       no    -
"""
KINDS = {"no": NO, "later": LATER, "doubt": DOUBT}


def lines(table: str, count: int) -> list[list[str]]:
    return [line.split(None, count - 1) for line in table.strip().splitlines()]


@pytest.mark.parametrize("spelled", ["new", "old", "lower"])
@pytest.mark.parametrize(("status", "code", "kind", "again", "action"), lines(TABLE, 5))
def test_a_code(spelled: str, status: str, code: str, kind: str, again: str, action: str) -> None:
    given = {"new": code, "old": code.replace("_", ""), "lower": code.lower()}[spelled]
    found = meaning(int(status), given)
    assert (found.kind, found.again) == (KINDS[kind], again == "again")
    assert found.code == (given if code == "SOMETHING_NEW" else code)
    assert action == "-" or action in found.action


@pytest.mark.parametrize(("api", "status", "code", "kind", "again", "action"), lines(IN_A_FAMILY, 6))
def test_a_code_in_its_family(api: str, status: str, code: str, kind: str, again: str, action: str) -> None:
    found = meaning(int(status), code, "", api)
    assert (found.kind, found.again, found.code) == (KINDS[kind], again == "again", code)
    assert action == "-" or action in found.action


@pytest.mark.parametrize(("number", "code", "kind", "again"), lines(NUMBERS, 4))
def test_a_number_behind_invalid_request(number: str, code: str, kind: str, again: str) -> None:
    found = meaning(400, "INVALID_REQUEST", f"08F78BB5AF0610D302-{number}")
    assert (found.code, found.kind, found.again) == (code, KINDS[kind], again == "again")
    assert found.action or code in ("ORDER_NOT_EXIST", "FREQUENCY_LIMITED")
    # It explains INVALID_REQUEST alone, and a success or a failure of theirs not at all.
    assert meaning(403, "NOT_ENOUGH", f"08-{number}").code == "NOT_ENOUGH"
    assert meaning(500, "INVALID_REQUEST", f"08-{number}").kind is DOUBT


@pytest.mark.parametrize(
    ("status", "kind"), [(400, DOUBT), (404, DOUBT), (429, LATER), (502, DOUBT), (201, DOUBT)]
)
def test_an_answer_that_is_not_the_apis(status: int, kind: Kind) -> None:
    found = meaning(status, "")
    assert (found.kind, found.code) == (kind, f"HTTP_{status}")
