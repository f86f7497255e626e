"""What a party has earned: totals by certainty, rows with their reason, the month against the ledger."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base.clock import local_day, start_of_day
from app.base.errors import Invalid
from app.commission import accounts
from app.commission.states import DUE, LEFT
from models.commission import EntryKind, PartyKind, Role, ShareState

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Summary:
    """Amounts in fen after everything taken back so far.

    ``estimated_fen`` may still be lost to a refund; ``held_fen`` waits for a decision; ``releasable_fen``
    is certain and not paid out, below zero while more was paid out than is left (CLW-3); ``settled_fen`` was
    paid out; ``reversed_fen`` was taken back by refunds. ``today_*``: shares of orders paid on the local day
    of the question.
    """

    estimated_fen: int
    held_fen: int
    releasable_fen: int
    settled_fen: int
    reversed_fen: int
    today_fen: int
    today_orders: int


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One share of one order line. ``amount_fen`` is what is left of it; ``reason`` holds facts, not words.

    ``certain_at`` is None until the goods are handed over: the clock of FRZ-2 has not started.
    """

    id: int
    order_number: str
    sku_code: str
    goods: str
    qty: int
    role: Role
    party_kind: PartyKind
    state: ShareState
    base_fen: int
    pool_bp: int
    accrued_fen: int
    reversed_fen: int
    earned_at: datetime
    certain_at: datetime | None
    wait_days: int
    reason: dict[str, Any]
    moved_fen: int = 0

    @property
    def amount_fen(self) -> int:
        """Earned minus taken back and handed to others, never below zero."""
        return self.accrued_fen - self.reversed_fen - self.moved_fen


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One change of one share within the month: earned, taken back or handed on (negative), made certain, paid."""

    id: int
    kind: EntryKind
    amount_fen: int
    at: datetime
    row: StatementRow


@dataclass(frozen=True, slots=True)
class Statement:
    """A month of one party. Opening and closing are balances; the ledger's own figures stand beside them.

    frozen: opening + earned - reversed + moved - released = closing, and certain likewise: what refunds and
    moves did to certain amounts, plus released, less settled, plus written off. ``moved_fen`` is the balance
    of what came from others and what went to them.
    """

    party: str
    month: str
    opening_frozen_fen: int
    opening_payable_fen: int
    earned_fen: int
    reversed_fen: int
    released_fen: int
    moved_fen: int
    settled_fen: int
    written_off_fen: int
    closing_frozen_fen: int
    closing_payable_fen: int
    ledger_frozen_fen: int
    ledger_payable_fen: int
    entries: list[StatementEntry]

    @property
    def agrees(self) -> bool:
        """Whether the entries add up to the balances of the party's ledger accounts, to the fen."""
        return (self.closing_frozen_fen, self.closing_payable_fen) == (
            self.ledger_frozen_fen,
            self.ledger_payable_fen,
        )


_SUMMARY = text(
    f"""
    select coalesce(sum(due_fen) filter (where state <> 'HELD' and released_at is null), 0) as estimated_fen,
           coalesce(sum(due_fen) filter (where state = 'HELD'), 0) as held_fen,
           coalesce(sum(due_fen) filter (where state <> 'HELD' and released_at is not null), 0)
               as releasable_fen,
           coalesce(sum(settled_fen), 0) as settled_fen,
           coalesce(sum(reversed_fen), 0) as reversed_fen,
           coalesce(sum(left_fen) filter (where earned_at >= :today), 0) as today_fen,
           count(distinct order_number) filter (where earned_at >= :today) as today_orders
      from (select s.state, s.released_at, {LEFT} as left_fen, {DUE} as due_fen, s.settled_fen,
                   s.reversed_fen, s.earned_at, l.order_number
              from commission_share s join commission_line l on l.order_line_id = s.order_line_id
             where s.party = :party) mine
    """
)
_ROW_COLUMNS = """
    s.id, l.order_number, l.sku_code, l.goods, l.qty, s.role, s.party_kind, s.state, l.base_fen, l.pool_bp,
    s.accrued_fen, s.reversed_fen, s.moved_fen, s.earned_at, l.releasable_at as certain_at,
    l.aftersale_days + l.settle_delay_days as wait_days, s.reason
"""
_ROWS = text(
    f"""
    select {_ROW_COLUMNS}
      from commission_share s join commission_line l on l.order_line_id = s.order_line_id
     where s.party = :party
       and (cast(:before_id as bigint) is null
            or (s.earned_at, s.id) < (select earned_at, id from commission_share
                                       where id = :before_id and party = :party))
     order by s.earned_at desc, s.id desc
     limit :limit
    """
)
# The ledger's tables are read in the same statement, so that both books are seen at one moment.
_TOTALS = text(
    """
    with mine as (
        select kind, amount_fen, at < :since as earlier,
               case when kind = 'RELEASE' then -amount_fen when certain then 0 else amount_fen end as frozen,
               case when not certain then 0 when kind = 'SETTLE' then -amount_fen else amount_fen end
                   as payable
          from commission_entry
         where party = :party and at < :until),
    booked as (
        select a.name, sum(t.signed) as fen
          from ledger_account a
          join lateral (
               select amount_fen as signed from ledger_transfer
                where credit_account_id = a.id and happened_at < :until
               union all
               select -amount_fen from ledger_transfer
                where debit_account_id = a.id and happened_at < :until) t on true
         where a.name in (:frozen_account, :payable_account)
         group by a.name)
    select coalesce(sum(frozen) filter (where earlier), 0) as opening_frozen_fen,
           coalesce(sum(payable) filter (where earlier), 0) as opening_payable_fen,
           coalesce(sum(amount_fen) filter (where not earlier and kind = 'ACCRUE'), 0) as earned_fen,
           coalesce(-sum(amount_fen) filter (where not earlier and kind = 'REVERSE'), 0) as reversed_fen,
           coalesce(sum(amount_fen) filter (where not earlier and kind = 'RELEASE'), 0) as released_fen,
           coalesce(sum(amount_fen) filter (where not earlier and kind in ('MOVE_OUT', 'MOVE_IN')), 0)
               as moved_fen,
           coalesce(sum(amount_fen) filter (where not earlier and kind = 'SETTLE'), 0) as settled_fen,
           coalesce(sum(amount_fen) filter (where not earlier and kind = 'WRITE_OFF'), 0) as written_off_fen,
           coalesce(sum(frozen), 0) as closing_frozen_fen,
           coalesce(sum(payable), 0) as closing_payable_fen,
           coalesce((select fen from booked where name = :frozen_account), 0) as ledger_frozen_fen,
           coalesce((select fen from booked where name = :payable_account), 0) as ledger_payable_fen
      from mine
    """
)
_ENTRIES = text(
    f"""
    select e.id as entry_id, e.kind as entry_kind, e.amount_fen as entry_fen, e.at as entry_at, {_ROW_COLUMNS}
      from commission_entry e
      join commission_share s on s.id = e.share_id
      join commission_line l on l.order_line_id = s.order_line_id
     where e.party = :party and e.at >= :since and e.at < :until
     order by e.at, e.id
     limit :limit
    """
)


def clerk_summary(reader: Session | Connection, party: str, *, now: datetime) -> Summary:
    """What a party has earned so far, by certainty. A party nobody knows has earned nothing."""
    facts = {"party": party, "today": start_of_day(local_day(now))}
    row = reader.execute(_SUMMARY, facts).one()
    return Summary(**{name: int(value) for name, value in row._mapping.items()})


def rows(
    reader: Session | Connection, party: str, *, before_id: int | None = None, limit: int = 20
) -> list[StatementRow]:
    """The shares of a party, newest first; the page after the share ``before_id``."""
    found = reader.execute(_ROWS, {"party": party, "before_id": before_id, "limit": limit})
    return [statement_row(row) for row in found]


def month(reader: Session | Connection, party: str, *, month: str, limit: int = 5000) -> Statement:
    """The statement of a local calendar month ``YYYY-MM``: totals, ledger balances at its end, its changes.

    Totals cover the whole month even when there are more than ``limit`` changes. Refuses any other form
    of month with Invalid.
    """
    since, until = _bounds(month)
    facts = {"party": party, "since": since, "until": until}
    names = {"frozen_account": accounts.frozen(party), "payable_account": accounts.payable(party)}
    totals = reader.execute(_TOTALS, facts | names).one()
    entries = [
        StatementEntry(
            row.entry_id, EntryKind(row.entry_kind), row.entry_fen, row.entry_at, statement_row(row)
        )
        for row in reader.execute(_ENTRIES, facts | {"limit": limit})
    ]
    amounts = {name: int(value) for name, value in totals._mapping.items()}
    return Statement(party=party, month=month, entries=entries, **amounts)


def _bounds(month: str) -> tuple[datetime, datetime]:
    if not _MONTH.fullmatch(month):
        raise Invalid("No such month.", fields={"month": "must look like 2026-11"})
    first = date.fromisoformat(f"{month}-01")
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return start_of_day(first), start_of_day(following)


def statement_row(row: Row[Any]) -> StatementRow:
    """A share with its order line as the statements' queries select it."""
    return StatementRow(
        id=row.id,
        order_number=row.order_number,
        sku_code=row.sku_code,
        goods=row.goods,
        qty=row.qty,
        role=Role(row.role),
        party_kind=PartyKind(row.party_kind),
        state=ShareState(row.state),
        base_fen=row.base_fen,
        pool_bp=row.pool_bp,
        accrued_fen=row.accrued_fen,
        reversed_fen=row.reversed_fen,
        moved_fen=row.moved_fen,
        earned_at=row.earned_at,
        certain_at=row.certain_at,
        wait_days=row.wait_days,
        reason=row.reason,
    )
