"""A day's bills: fetched from a real gateway, proven by their hash, read row by row to the fen."""

import contextlib
import gzip
import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wechat.local import Call, Line, Say, serving
from tests.wechat.merchant import a_pay, failing, proven, signed_headers
from wechat.errors import Malformed, Refused, Unavailable
from wechat.pay import Account, FundFlowRow, TradeBillKind, TradeRow
from wechat.pay.bill_rows import FUND_FLOWS, TRADES, read_bill

DAY = date(2019, 2, 19)
BOM = b"\xef\xbb\xbf"
PUBLISHED = (Path(__file__).parent / "trade_bill.csv").read_text()
"""wechatpay-php, tests/fixtures/bill.ALL.csv; there with a BOM and CRLF, which a repository would lose."""
HOST = "https://api.mch.weixin.qq.com"
FLOWS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,账户结余（元）,"
    "资金变更提交申请人,备注,业务凭证号\n"
    "`2019-02-19 08:00:30,`4200000001,`F1,`交易,`交易,`收入,`0.10,`100.10,`system,`缺货, 补,`V1\n"
    "`2019-02-19 08:00:30,`4200000001,`F2,`交易,`扣除交易手续费,`支出,`0.01,`100.09,`system,`,`V1\n"
    "`2019-02-19 23:59:59,`5000000001,`F3,`退款,`退款,`支出,`100,`0.09,`1900000001API,`退款 1,`V2\n"
    "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n"
    "`3.0,`1,`0.1,`2,`100.01\n"
)


def on_the_wire(text: str) -> bytes:
    return BOM + text.replace("\n", "\r\n").encode()


def bank(
    plain: bytes,
    *,
    packed: bytes | None = None,
    url: str = HOST + "/v3/billdownload/file?token=a%2Bb-c_d&tartype=gzip",
    digest: str | None = None,
    kind: str = "SHA1",
    download: Callable[[Call, int], Say] | None = None,
) -> Callable[[Call], Say]:
    """A gateway with one bill; `download` answers the n-th download in its own way."""
    count = [0]

    def answer(call: Call) -> Say:
        proven(call)
        if call.target.startswith("/v3/billdownload/"):
            count[0] += 1
            return download(call, count[0]) if download else Say(200, packed or gzip.compress(plain))
        found = digest if digest is not None else hashlib.sha1(plain).hexdigest()
        body = json.dumps({"hash_type": kind, "hash_value": found, "download_url": url}).encode()
        return Say(200, body, signed_headers(body))

    return answer


def rows(line: Line) -> list[TradeRow]:
    with a_pay(line).trade_bill(DAY) as bill:
        return list(bill)


def test_the_published_bill() -> None:
    plain = on_the_wire(PUBLISHED)
    with serving(bank(plain)) as line:
        pay = a_pay(line)
        with pay.trade_bill(DAY) as bill:
            found, again = list(bill), list(bill)
        assert (bill.is_empty, found == again, len(found)) == (False, True, 45)
    assert [call.target for call in line.calls] == [
        "/v3/bill/tradebill?bill_date=2019-02-19&bill_type=ALL&tar_type=GZIP",
        "/v3/billdownload/file?token=a%2Bb-c_d&tartype=gzip",
    ]
    paid = [row for row in found if row.state == "SUCCESS"]
    refunds = [row for row in found if row.state == "REFUND"]
    assert (len(paid), len(refunds)) == (31, 14)
    assert sum(row.settled_fen for row in found) == sum(row.order_fen for row in found) == 47
    assert sum(row.refund_fen for row in found) == sum(row.requested_refund_fen for row in found) == 14
    assert (sum(row.fee_millifen for row in found), sum(row.coupon_fen for row in found)) == (8000, 4)
    assert found[2] == TradeRow(
        at=datetime(2019, 2, 18, 17, 52, 32, tzinfo=UTC),
        appid="wxab8acd895ab1638a",
        mchid="1921000401",
        sub_mchid=None,
        device=None,
        transaction_id="4200000263201902167700134902",
        out_trade_no="autotest_20190219015232_89201",
        openid="wxab8acb865bb1637e",
        trade_type="NATIVE",
        state="SUCCESS",
        bank="OTHERS",
        currency="CNY",
        settled_fen=3,
        coupon_fen=0,
        refund_requested_at=None,
        refunded_at=None,
        refund_id=None,
        out_refund_no=None,
        refund_fen=0,
        coupon_refund_fen=0,
        refund_type=None,
        refund_status=None,
        product="autotest",
        attach=None,
        fee_millifen=1000,
        rate="39.00%",
        order_fen=3,
        requested_refund_fen=0,
        rate_note=None,
    )
    first = refunds[0]
    assert (first.refund_id, first.out_refund_no) == (
        "50000709672019011908420787722",
        "REF4200000263201902167700963919",
    )
    assert (first.refund_fen, first.order_fen, first.refund_status) == (1, 0, "SUCCESS")
    assert first.device == "harryma007"
    assert "wxab8acb865bb1637e" not in repr(found[2])


def test_a_fund_flow_bill() -> None:
    with (
        serving(bank(on_the_wire(FLOWS))) as line,
        a_pay(line).fund_flow_bill(DAY, account=Account.OPERATION) as bill,
    ):
        found = list(bill)
    assert line.calls[0].target.endswith("?bill_date=2019-02-19&account_type=OPERATION&tar_type=GZIP")
    assert [(row.is_income, row.amount_fen, row.balance_fen, row.kind) for row in found] == [
        (True, 10, 10010, "交易"),
        (False, 1, 10009, "扣除交易手续费"),
        (False, 10000, 9, "退款"),
    ]
    assert found[0] == FundFlowRow(
        datetime(2019, 2, 19, 0, 0, 30, tzinfo=UTC),
        *("4200000001", "F1", "交易", "交易", True, 10, 10010, "system", "缺货, 补", "V1"),
    )
    assert found[2].at == datetime(2019, 2, 19, 15, 59, 59, tzinfo=UTC)


def columns(text: str, names: Iterable[str], totals: Iterable[str], more: dict[str, str]) -> str:
    """The published bill as another kind has it: with these columns of it, and more."""
    lines = text.strip().split("\n")
    head, summary = lines[0].split(","), lines[-2].split(",")
    names, totals = list(names), list(totals)
    body = [dict(zip(head, line[1:].split(",`"), strict=True)) | more for line in lines[1:-2]]
    last = dict(zip(summary, lines[-1][1:].split(",`"), strict=True))
    return "\n".join(
        [
            ",".join(names),
            *(",".join("`" + row[name] for name in names) for row in body),
            ",".join(totals),
            ",".join("`" + last[name] for name in totals),
        ]
    )


def test_bills_of_paid_orders_and_of_refunds_have_other_columns() -> None:
    head, summary = PUBLISHED.split("\n")[0].split(","), PUBLISHED.split("\n")[-3].split(",")
    fewer = [name for name in head if "退款" not in name]
    text = columns(PUBLISHED, fewer, [name for name in summary if "退款" not in name], {})
    assert len(fewer) == 20
    paid = list(read_bill(text.encode().splitlines(True), TRADES))
    assert (len(paid), paid[0].refund_id, paid[0].refund_fen) == (45, None, 0)
    more = {"退款申请时间": "2019-02-19 05:01:46", "退款成功时间": ""}
    text = columns(PUBLISHED, [*head[:14], *more, *head[14:]], summary, more)
    back = list(read_bill(text.encode().splitlines(True), TRADES))
    assert back[0].refund_requested_at == datetime(2019, 2, 18, 21, 1, 46, tzinfo=UTC)
    assert (back[0].refunded_at, back[0].refund_fen) == (None, 1)


@pytest.mark.parametrize("status", [400, 404])
def test_no_statement_is_an_empty_bill(status: int) -> None:
    with (
        serving(lambda call: failing(status, "NO_STATEMENT_EXIST")) as line,
        a_pay(line).trade_bill(DAY, kind=TradeBillKind.REFUND) as bill,
    ):
        assert (bill.is_empty, list(bill), len(line.calls)) == (True, [], 1)


def test_a_statement_in_the_making_is_unavailable_and_not_asked_for_again_at_once() -> None:
    with (
        serving(lambda call: failing(400, "STATEMENT_CREATING")) as line,
        pytest.raises(Unavailable) as caught,
        a_pay(line).fund_flow_bill(DAY),
    ):
        pass
    assert (caught.value.code, len(line.calls)) == ("STATEMENT_CREATING", 1)


def test_another_refusal_stays_one() -> None:
    with (
        serving(lambda call: failing(400, "PARAM_ERROR")) as line,
        pytest.raises(Refused) as caught,
        a_pay(line).trade_bill(DAY),
    ):
        pass
    assert caught.value.code == "PARAM_ERROR"


PLAIN = on_the_wire(PUBLISHED)


@pytest.mark.parametrize(
    "packed",
    [PLAIN, gzip.compress(PLAIN[:3000]) + gzip.compress(PLAIN[3000:]), gzip.compress(PLAIN, 0)],
    ids=["not packed", "packed in two", "stored"],
)
def test_a_file_packed_in_another_way(packed: bytes) -> None:
    with serving(bank(PLAIN, packed=packed)) as line:
        assert len(rows(line)) == 45


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"digest": "0" * 40}, "HASH"),
        ({"packed": gzip.compress(PLAIN + b" ")}, "HASH"),
        ({"packed": gzip.compress(PLAIN)[:-9]}, "ANSWER"),
        ({"packed": gzip.compress(PLAIN)[:500] + b"x" + gzip.compress(PLAIN)[501:]}, "ANSWER"),
        ({"packed": b"\x1f\x8b"}, "ANSWER"),
        ({"download": lambda call, n: Say(cut=True)}, "CONNECTION"),
        ({"download": lambda call, n: Say(200, b"", {"Content-Length": "9"})}, "CONNECTION"),
        ({"download": lambda call, n: failing(500, "SYSTEM_ERROR")}, "SYSTEM_ERROR"),
        ({"download": lambda call, n: Say(404, b"<html>")}, "HTTP_404"),
    ],
)
def test_a_damaged_file_is_fetched_once_more_and_then_unavailable(
    change: dict[str, object], code: str
) -> None:
    with serving(bank(PLAIN, **change)) as line, pytest.raises(Unavailable) as caught:  # type: ignore[arg-type]  # as named
        rows(line)
    assert (caught.value.code, len(line.calls)) == (code, 4)


def test_an_expired_address_is_asked_for_anew() -> None:
    def download(call: Call, count: int) -> Say:
        return failing(400, "INVALID_REQUEST") if count == 1 else Say(200, gzip.compress(PLAIN))

    with serving(bank(PLAIN, download=download)) as line:
        assert len(rows(line)) == 45
    assert len(line.calls) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://evil.example/v3/billdownload/file?token=1"},
        {"url": "https://api.mch.weixin.qq.com.evil.example/v3/billdownload/file?token=1"},
        {"url": "https://api.mch.weixin.qq.com@evil.example/v3/billdownload/file?token=1"},
        {"url": HOST + "/v3/refund/domestic/refunds"},
        {"url": "file:///etc/passwd"},
        {"url": "http://["},
        {"url": ""},
        {"kind": "MD5"},
        {"digest": ""},
    ],
)
def test_a_bill_is_fetched_from_wechat_alone(change: dict[str, str]) -> None:
    with serving(bank(PLAIN, **change)) as line, pytest.raises(Unavailable) as caught:  # type: ignore[arg-type]  # as named
        rows(line)
    assert (caught.value.code, len(line.calls)) == ("ANSWER", 1)


def read(text: str) -> list[TradeRow]:
    return list(read_bill(text.encode().splitlines(True), TRADES))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("`45.0,", "`44,"),
        ("`45.0,`0.47", "`45,`0.48"),
        (",`0.08,", ",`0.080001,"),
        ("`0.03,`0.01", "`0.035,`0.01"),
        ("`0.03,`0.01", "`0.03"),
        ("`0.01000,", "`0.010001,"),
        ("`0.01000,", "`1e-2,"),
        ("`0.01000,", "`NaN,"),
        ("`0.01000,", "`１,"),
        ("`2019-02-19 01:51:59", "`2019-02-30 01:51:59"),
        ("`2019-02-19 01:51:59", "`2019-02-19T01:51:59"),
        ("`2019-02-19 01:51:59", "`"),
        ("交易时间", "时间"),
        ("设备号", "交易时间"),
        ("总交易单数,应结", "a,b\n总交易单数,应结"),
    ],
)
def test_a_bill_that_does_not_agree_with_itself_is_malformed(old: str, new: str) -> None:
    assert old in PUBLISHED
    with pytest.raises(Malformed):
        read(PUBLISHED.replace(old, new))


def test_a_part_of_a_fen_is_malformed_although_the_sum_agrees() -> None:
    text = FLOWS.replace("`0.10,", "`0.105,").replace("`0.1,", "`0.105,")
    with pytest.raises(Malformed):
        list(read_bill(text.encode().splitlines(True), FUND_FLOWS))


def test_a_bill_cut_short_is_malformed_wherever_it_is_cut() -> None:
    lines = PUBLISHED.splitlines(True)
    for count in (0, 1, 2, 46, 47):
        with pytest.raises(Malformed):
            read("".join(lines[:count]))
    with pytest.raises(Malformed):
        read("".join(lines[:10] + lines[11:]))
    with pytest.raises(Malformed):
        list(read_bill([lines[0].encode(), b"`" + b"x" * 70000], TRADES))
    with pytest.raises(Malformed):
        list(read_bill([b"\xff\n"], TRADES))


def test_a_row_that_is_not_understood_is_told_after_the_rows_before_it() -> None:
    text = PUBLISHED.replace("`2019-02-19 01:51:59", "`x")
    with serving(bank(on_the_wire(text))) as line, a_pay(line).trade_bill(DAY) as bill:
        seen: list[TradeRow] = []
        with pytest.raises(Malformed):
            seen.extend(bill)
        assert len(seen) == 44


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(PLAIN)), st.sampled_from([TRADES, FUND_FLOWS]))
def test_any_bytes_anywhere_in_a_bill(junk: bytes, place: int, layout: object) -> None:
    for raw in (junk, PLAIN[:place] + junk + PLAIN[place + len(junk) :]):
        with contextlib.suppress(Malformed):
            list(read_bill(raw.splitlines(True), layout))  # type: ignore[arg-type]  # either of the two


@settings(deadline=None)
@given(st.integers(-(10**14), 10**14), st.integers(0, 8))
def test_yuan_become_fen_exactly(amount_fen: int, zeros: int) -> None:
    sign, whole = "-" if amount_fen < 0 else "", abs(amount_fen)
    yuan = f"{sign}{whole // 100}.{whole % 100:02}" + "0" * zeros
    text = FLOWS.split("\n")
    text[1:5] = [text[1].replace("`0.10,`100.10", f"`{yuan},`{yuan}"), text[4]]
    found = list(
        read_bill("\n".join([*text[:3], f"`1,`1,`{yuan},`0,`0"]).encode().splitlines(True), FUND_FLOWS)
    )
    assert [(row.amount_fen, row.balance_fen) for row in found] == [(amount_fen, amount_fen)]


def test_any_value_in_the_answer_to_the_request() -> None:
    fields = {"hash_type": "SHA1", "hash_value": "0" * 40}
    fields |= {"download_url": HOST + "/v3/billdownload/file?token=1"}
    now = [b""]

    def answer(call: Call) -> Say:
        return Say(200, now[0], signed_headers(now[0])) if "/bill/" in call.target else Say(200, b"x")

    with serving(answer) as line:

        @settings(deadline=None, max_examples=40)
        @given(st.sampled_from(sorted(fields)), st.text(max_size=60) | st.integers() | st.none())
        def any_value(name: str, value: object) -> None:
            now[0] = json.dumps(fields | {name: value}).encode()
            with pytest.raises(Unavailable):
                rows(line)

        any_value()


def test_a_large_bill_is_streamed() -> None:
    row = PUBLISHED.split("\n")[3]
    count = 40_000
    lines = [
        PUBLISHED.split("\n")[0],
        *[row] * count,
        "总交易单数,订单总金额",
        f"`{count},`{count * 3 / 100:.2f}",
    ]
    with serving(bank(on_the_wire("\n".join(lines)))) as line, a_pay(line).trade_bill(DAY) as bill:
        assert sum(one.order_fen for one in bill) == 3 * count
