"""Read the ledger: balances are summed from the rows each time, never stored."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One transfer as one account sees it: ``amount_fen`` is above 0 when credited, below when debited."""

    id: int
    key: str
    kind: str
    cause: str
    other_account: str
    amount_fen: int
    happened_at: datetime


_BALANCES = text(
    """
    select a.name,
           coalesce((select sum(amount_fen) from ledger_transfer where credit_account_id = a.id
                      and (cast(:before as timestamptz) is null or happened_at < :before)), 0)
         - coalesce((select sum(amount_fen) from ledger_transfer where debit_account_id = a.id
                      and (cast(:before as timestamptz) is null or happened_at < :before)), 0) as balance_fen
      from ledger_account a
     where a.name = any(cast(:names as text[]))
    """
)
_LINES = text(
    """
    select t.id, t.key, t.kind, t.cause, o.name as other_account, t.happened_at,
           case when t.credit_account_id = a.id then t.amount_fen else -t.amount_fen end as amount_fen
      from ledger_account a
      join lateral (
           (select * from ledger_transfer
             where debit_account_id = a.id and id > :after order by id limit :limit)
           union all
           (select * from ledger_transfer
             where credit_account_id = a.id and id > :after order by id limit :limit)
           ) t on true
      join ledger_account o
        on o.id = case when t.credit_account_id = a.id then t.debit_account_id else t.credit_account_id end
     where a.name = :account
     order by t.id
     limit :limit
    """
)


def balance_fen(session: Session, account: str) -> int:
    """Credits minus debits of one account; 0 for an account that nobody has posted to."""
    return balances(session, [account])[account]


def balances(
    session: Session, accounts: Collection[str], *, before: datetime | None = None
) -> dict[str, int]:
    """Credits minus debits of each account; of what happened before a moment, if one is given."""
    rows = session.execute(_BALANCES, {"names": list(accounts), "before": before})
    found = {row.name: int(row.balance_fen) for row in rows}
    return {name: found.get(name, 0) for name in accounts}


def lines(session: Session, account: str, *, after: int = 0, limit: int = 100) -> list[LedgerLine]:
    """The transfers of one account in the order they were written, those with an id above ``after``."""
    rows = session.execute(_LINES, {"account": account, "after": after, "limit": limit})
    return [
        LedgerLine(
            id=row.id,
            key=row.key,
            kind=row.kind,
            cause=row.cause,
            other_account=row.other_account,
            amount_fen=row.amount_fen,
            happened_at=row.happened_at,
        )
        for row in rows
    ]
