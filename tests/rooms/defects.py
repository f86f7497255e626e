"""One way to break each invariant, as SQL on the story of test_check_books, past triggers."""

from dataclasses import dataclass, field

X, Y = (
    "(select id from ledger_account where name = 'x')",
    "(select id from ledger_account where name = 'y')",
)
CHEN, LIN = "clerk:C-SZFT-02", "clerk:C-SZFT-01"
MEMBER = "(select id from member where number = 'M-0001')"
STORE = "(select id from store where code = 'SZ-FT')"
LINE = "(select min(id) from order_line where order_id = (select id from orders where number = 'A2'))"
SHARE = f"(select id from commission_share where order_line_id = {LINE} and role = 'ACQ_CLERK')"
ENTRY = f"(select id from commission_entry where share_id = {SHARE})"
TRANSFER = f"(select transfer_id from commission_entry where id = {ENTRY})"
OTHER_SHARE = f"(select id from commission_share where order_line_id = {LINE} and role = 'SVC_CLERK')"
LAST_LINE = "(select max(id) from order_line where order_id = (select id from orders where number = 'A2'))"
LAST_SHARE = f"(select id from commission_share where order_line_id = {LAST_LINE} and role = 'ACQ_CLERK')"


@dataclass(frozen=True)
class Defect:
    """Statements that break invariant ``id``; ``also``: those that cannot hold either, whatever is done."""

    id: str
    sql: tuple[str, ...]
    also: frozenset[str] = field(default_factory=frozenset)


def post(debit: str, credit: str, fen: int, *, key: str = "planted", kind: str = "TEST") -> str:
    """A transfer between two accounts given as SQL."""
    return (
        "insert into ledger_transfer"
        " (key, kind, cause, debit_account_id, credit_account_id, amount_fen, happened_at)"
        f" values ('{key}', '{kind}', 'planted', {debit}, {credit}, {fen}, '2026-03-02')"
    )


def account(name: str) -> str:
    """The id of an account, as SQL."""
    return f"(select id from ledger_account where name = '{name}')"


def shift(share: str, fen: int, *, with_share: bool) -> tuple[str, ...]:
    """Change what a share was accrued in its entry and transfer, and in the share itself if asked to."""
    entry = f"commission_entry set amount_fen = amount_fen + {fen} where share_id = {share}"
    transfer = f"(select transfer_id from commission_entry where share_id = {share})"
    both = (
        f"update {entry}",
        f"update ledger_transfer set amount_fen = amount_fen + {fen} where id = {transfer}",
    )
    changed = f"update commission_share set accrued_fen = accrued_fen + {fen} where id = {share}"
    return (*both, changed) if with_share else both


def transfer(*, state: str, fen: int) -> str:
    """A payout of a portion that no settlement has."""
    return (
        "insert into payout_transfer (out_bill_no, batch, party, position, amount_fen, mchid, appid, openid, state,"
        f" next_at, checks) values ('T1', 'S', 'clerk:X', 0, {fen}, '1', 'wx', 'o', '{state}', now(), 0)"
    )


def order(number: str) -> str:
    """The id of an order, as SQL."""
    return f"(select id from orders where number = '{number}')"


def receipt(kind: str, refund: str) -> str:
    """A till's receipt of an order (the one of ``refund``, else A2) that no till has sold."""
    sold = order("A2") if refund == "null" else f"(select order_id from refund where id = {refund})"
    return (
        "insert into pos_receipt (store_id, kind, number, input_hash, order_id, refund_id, key_id, happened_at)"
        f" values ({STORE}, '{kind}', 'planted', 'x', {sold}, {refund}, 0, now())"
    )


def touch(valid: bool) -> str:
    """A scan of member M-0001 at SZ-FT, ten years after the story."""
    return (
        "insert into touch (member_id, kind, store_id, occurred_at, received_at, raw_key, valid, result)"
        f" values ({MEMBER}, 'SCAN', {STORE}, '2036-02-28', '2036-02-28', 'raw-1', {valid}, 'ACQUIRED')"
    )


def bind(start: str) -> str:
    """A service binding of M-0001 without an end."""
    return (
        "insert into service_binding (member_id, store_id, valid_from, reason, actor)"
        f" values ({MEMBER}, {STORE}, '{start}', 'ACQUIRED', 'test')"
    )


ACQUIRE = (
    "insert into acquisition (member_id, kind, store_id, touch_id, acquired_at)"
    f" select {MEMBER}, 'ACQUISITION', store_id, id, occurred_at from touch"
)
PAYMENT = (
    "insert into payment"
    " (order_id, out_trade_no, transaction_id, appid, mchid, payer_openid, amount_fen, state, checks)"
    " select order_id, '{no}', {transaction}, appid, mchid, payer_openid, {fen}, '{state}', 0 from payment"
    " where out_trade_no = 'PA2'"
)
MOVEMENT = "insert into stock_movement (sku_id, location_id, kind, on_hand_delta, reserved_delta, ref, actor)"
ACTIVE = "(select min(id) from reservation where state = 'ACTIVE')"

DEFECTS = (
    Defect(
        "I01",
        (
            "alter table stock drop constraint ck_stock_reserved",
            MOVEMENT + " select sku_id, location_id, 'COUNT_ADJ', 1 - on_hand, 0, 'count', 'test' from stock",
            "update stock set on_hand = 1",
        ),
    ),
    Defect("I02", (f"update reservation set sku_id = 999 where id = {ACTIVE}",)),
    Defect("I03", (f"update reservation set order_line_id = 999 where id = {ACTIVE}",)),
    Defect("I04", ("update stock set on_hand = on_hand + 1",)),
    Defect(
        "I05",
        (MOVEMENT + " values (999, 999, 'SALE', -1, 0, 'sale', 'test')",),
        frozenset({"I04"}),
    ),
    Defect(
        "I06", (f"update reservation set expires_at = '2026-03-03' where id = {ACTIVE}",), frozenset({"B02"})
    ),
    Defect(
        "I07",
        (
            "alter table order_line drop constraint ck_order_line_amount",
            f"update order_line set unit_price_fen = unit_price_fen + 1 where id = {LINE}",
        ),
    ),
    Defect(
        "I08",
        (
            f"update order_event set to_state = 'CLOSED' where version = 4 and order_id = {order('A1')}",
            f"update order_event set from_state = 'CLOSED' where version = 5 and order_id = {order('A1')}",
        ),
    ),
    Defect("I09", (f"update orders set version = 9 where id = {order('A1')}",)),
    Defect(
        "I10",
        (f"update orders set freight_fen = 1, amount_fen = amount_fen + 1 where id = {order('A2')}",),
    ),
    Defect(
        "I11",
        (
            "drop index uq_payment_success",
            "update payment set amount_fen = amount_fen - 1 where out_trade_no = 'PA2'",
            PAYMENT.format(no="P9", transaction="'T9'", fen=1, state="SUCCESS"),
        ),
    ),
    Defect(
        "I12",
        (
            "insert into refund"
            " (order_id, payment_id, out_refund_no, cause, amount_fen, reason, state, actor, checks)"
            " select order_id, id, 'R9', 'AFTER_SALE', amount_fen + 1, 'x', 'REQUESTED', 'test', 0"
            " from payment where out_trade_no = 'PA2'",
        ),
    ),
    Defect(
        "I13",
        (f"update orders set refunded_fen = refunded_fen + 1 where id = {order('A2')}",),
        frozenset({"B06"}),
    ),
    Defect("I14", (PAYMENT.format(no="P9", transaction="null", fen=1, state="PREPARED"),)),
    Defect(
        "I16",
        (
            "insert into ledger_account (name) values ('unclaimed:excess')",
            PAYMENT.format(no="P9", transaction="'T9'", fen=5, state="EXCESS"),
            post(account("cash:wechat:1900000001"), account("unclaimed:excess"), 5),
        ),
    ),
    Defect("I17", ("alter table ledger_transfer drop constraint ck_ledger_transfer_amount", post(X, Y, 0))),
    Defect("I18", (post(X, "999999", 5),)),
    Defect("I20", ("alter table touch disable trigger touch_append_only",)),
    Defect(
        "I21",
        ("alter table ledger_transfer drop constraint uq_ledger_transfer_key", post(X, Y, 5), post(Y, X, 5)),
    ),
    Defect("I22", (*shift(SHARE, 1, with_share=True), *shift(LAST_SHARE, -1, with_share=True))),
    Defect(
        "I23",
        (
            "drop index uq_commission_entry_accrue",
            *shift(SHARE, -1, with_share=False),
            post(
                account("expense:commission:E-HQ"),
                account("frozen:clerk:C-SZFT-01"),
                1,
                kind="COMMISSION_ACCRUE",
            ),
            "insert into commission_entry (share_id, party, kind, amount_fen, certain, transfer_id, at)"
            f" select {SHARE}, 'clerk:C-SZFT-01', 'ACCRUE', 1, false, id, happened_at from ledger_transfer"
            " where key = 'planted'",
        ),
    ),
    Defect(
        "I24",
        (
            f"update order_line set pool_bp = 501 where id = {LINE}",
            f"update commission_line set pool_bp = 501 where order_line_id = {LINE}",
        ),
    ),
    Defect(
        "I25",
        (
            "alter table service_binding drop constraint ex_service_binding_overlap",
            "drop index uq_service_binding_active",
            bind("2026-01-01"),
            bind("2026-02-01"),
        ),
    ),
    Defect(
        "I31",
        ("insert into procrastinate_jobs (queue_name, task_name, status) values ('default', 'x', 'failed')",),
    ),
    Defect("I32", (touch(True),)),
    Defect(
        "B01",
        (
            "update stock_movement set reserved_delta = reserved_delta + 1"
            " where id = (select min(id) from stock_movement where kind = 'RESERVE')",
        ),
    ),
    Defect("B02", (f"update reservation set expires_at = '2036-03-03' where id = {ACTIVE}",)),
    Defect("B03", (f"update pickup_code set void_at = now() where order_id = {order('A2')}",)),
    Defect("B04", (f"update order_line set refunded_fen = 1 where order_id = {order('A1')}",)),
    Defect("B05", ("update payment set mchid = '1900000002' where out_trade_no = 'PA2'",)),
    Defect("B06", (post(X, account("sales:E-HQ"), 5),)),
    Defect(
        "B07",
        (
            "insert into ledger_account (name) values ('unclaimed:excess')",
            post(X, account("unclaimed:excess"), 5),
        ),
    ),
    Defect("B08", (f"update order_line set base_fen = base_fen - 1 where id = {LINE}",)),
    Defect("B09", (*shift(SHARE, 1, with_share=False), *shift(OTHER_SHARE, -1, with_share=False))),
    Defect("B10", (f"update commission_entry set at = at + interval '1 second' where id = {ENTRY}",)),
    Defect("B11", (post(X, Y, 5, kind="COMMISSION_ACCRUE"),)),
    Defect("B12", (post(X, account("frozen:clerk:C-SZFT-01"), 5),)),
    Defect("B13", (post(X, account("payable:clerk:C-SZFT-01"), 5),)),
    Defect("B14", (post(X, account("expense:commission:E-HQ"), 5),)),
    Defect("B15", ("update commission_reversal set base_fen = base_fen + 1",)),
    Defect("B16", ("update commission_share set state = 'FROZEN' where state = 'REVERSED'",)),
    Defect("B17", ("update commission_line set releasable_at = null where released_at is not null",)),
    Defect("B21", (post(X, account("moving:commission"), 5),)),
    Defect(
        "B22",
        ("update commission_batch_row set state = 'RETURNED' where state = 'SETTLED'",),
        frozenset({"S03"}),
    ),
    Defect("B23", (f"update commission_line set fee_bp = 500 where order_line_id = {LINE}",)),
    Defect("B18", (touch(False), ACQUIRE, bind("2036-02-28"))),
    Defect("B19", (touch(True), ACQUIRE)),
    Defect(
        "B20",
        (
            f"insert into member (number, alias_of) values ('M-0002', {MEMBER})",
            "insert into member (number, alias_of) select 'M-0003', id from member where number = 'M-0002'",
        ),
    ),
    Defect(
        "K01",
        (
            f"update kpi_credit set amount_fen = amount_fen + 1 where order_line_id = {LINE} and role = 'ONLINE'",
        ),
    ),
    Defect(
        "K02",
        (
            "insert into kpi_credit (order_line_id, role, day, amount_fen)"
            " values (999999, 'ONLINE', '2026-03-02', 5)",
        ),
    ),
    Defect(
        "K03",
        (
            "insert into kpi_credit (order_line_id, refund_id, role, store_id, day, amount_fen)"
            f" values ({LINE}, 999, 'ACQ_STORE', {STORE}, '2026-03-02', -6000),"
            f" ({LINE}, 999, 'ONLINE', null, '2026-03-02', 0)",
            "update kpi_credit set amount_fen = amount_fen + 6000"
            f" where order_line_id = {LINE} and role = 'ONLINE' and refund_id is null",
        ),
    ),
    Defect(
        "K04",
        (
            "insert into kpi_clerk_credit (order_line_id, clerk_id, order_id, member_id, day, amount_fen, qty)"
            f" values ({LINE}, 1, 1, 1, '2026-03-02', 5, 1)",
        ),
    ),
    Defect("K05", (f"update commission_line set counted_at = null where order_line_id = {LINE}",)),
    Defect(
        "B40",
        (
            "insert into ledger_account (name) values ('cash:till:SZ-FT')",
            post(account("cash:till:SZ-FT"), X, 5),
        ),
    ),
    Defect("B41", (receipt("SALE", "null"),)),
    Defect("B42", (receipt("RETURN", "(select min(id) from refund)"),)),
    Defect(
        "B43",
        (f"update orders set origin = 'POS' where id = {order('A2')}",),
        also=frozenset({"B41"}),
    ),
    Defect(
        "S01",
        (
            "insert into commission_batch_row (batch_id, share_id, party, amount_fen, carried_fen, state, taken_at)"
            " select 999, share_id, party, 1, 0, 'SETTLED', taken_at from commission_batch_row"
            f" where party = '{CHEN}'",
        ),
        frozenset({"B22"}),
    ),
    Defect(
        "S02",
        (
            "insert into commission_batch_row (batch_id, share_id, party, amount_fen, carried_fen, state, taken_at)"
            f" select id, {SHARE}, 'store:SZ-NS', 1, 0, 'OPEN', now() from settlement_batch",
        ),
        frozenset({"B16", "B22"}),
    ),
    Defect("S03", (f"update settlement_party set rows = 5 where party = '{CHEN}'",)),
    Defect("S04", ("update settlement_batch set payable_fen = payable_fen + 1",)),
    Defect(
        "S05",
        (
            f"update settlement_party set carried_in_fen = 1, payable_fen = payable_fen + 1 where party = '{LIN}'",
        ),
        frozenset({"S04", "S07", "S09"}),
    ),
    Defect(
        "S06",
        (post(account(f"payout:{LIN}"), X, 5),),
        frozenset({"S07"}),
    ),
    Defect(
        "S07",
        (f"update settlement_party set paid_fen = paid_fen - 5, returned_fen = 5 where party = '{CHEN}'",),
        frozenset({"S09"}),
    ),
    Defect("S08", (post(account("expense:tier:E-HQ"), X, 5),)),
    Defect("S09", ("update settlement_portion set amount_fen = amount_fen + 1 where paid_at is null",)),
    Defect(
        "F01",
        (
            "insert into commission_hold (share_id, cause, held_at)"
            f" values ({SHARE}, 'dispute:D0', '2026-03-02')",
        ),
        frozenset({"B16"}),
    ),
    Defect(
        "F02",
        (
            "insert into dispute (number, kind, role, order_id, order_number, claimant, raised_by, state, opened_at,"
            " heirs) values ('D0', 'CREDIT', 'SELL_CLERK', 1, 'A2', 'clerk:x', 'clerk:x', 'OPEN', '2026-03-02', '[]')",
        ),
    ),
    Defect("P01", (transfer(state="READY", fen=1),)),
    Defect(
        "P02",
        (
            "insert into payout_papers (number, batch, kind, entity, rows, total_fen, state, made_by, made_at)"
            " values ('W1', 'S', 'WAGES', 'E-HQ', 1, 5, 'OPEN', 'a', now())",
            "insert into payout_row (papers_id, position_no, batch, party, position, amount_fen, owed_fen)"
            " select id, 1, 'S', 'clerk:X', 0, 5, 5 from payout_papers",
        ),
    ),
    Defect(
        "P03",
        (
            transfer(state="READY", fen=5),
            "insert into payout_papers (number, batch, kind, entity, rows, total_fen, state, made_by, made_at)"
            " values ('W1', 'S', 'WAGES', 'E-HQ', 1, 5, 'OPEN', 'a', now())",
            "insert into payout_row (papers_id, position_no, batch, party, position, amount_fen, owed_fen)"
            " select p.id, 1, x.batch, x.party, x.position, 5, 5 from payout_papers p, payout_transfer x",
        ),
        frozenset({"P01", "P02"}),
    ),
)
