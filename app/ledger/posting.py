"""Write the ledger: each posting moves an amount from one account to another, exactly once per key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Alarm


@dataclass(frozen=True, slots=True)
class Posting:
    """``amount_fen`` from account ``debit`` to account ``credit``.

    ``key`` names what happened once (``accrue:17``), ``cause`` the business event that all its postings
    share (``order:A260301K7M2QX9P``), ``kind`` the sort of event. ``happened_at``: when it was true.
    Refuses an amount that is not positive and two equal accounts.
    """

    key: str
    kind: str
    cause: str
    debit: str
    credit: str
    amount_fen: int
    happened_at: datetime

    def __post_init__(self) -> None:
        if self.amount_fen <= 0:
            raise ValueError("a posting moves a positive amount")
        if self.debit == self.credit:
            raise ValueError("a posting needs two different accounts")


_FIND_ACCOUNTS = text("select name, id from ledger_account where name = any(cast(:names as text[]))")
_MAKE_ACCOUNTS = text(
    "insert into ledger_account (name) select unnest(cast(:names as text[])) on conflict (name) do nothing"
)
_ADD = text(
    """
    insert into ledger_transfer
           (key, kind, cause, debit_account_id, credit_account_id, amount_fen, happened_at)
    select * from unnest(
           cast(:keys as text[]), cast(:kinds as text[]), cast(:causes as text[]), cast(:debits as bigint[]),
           cast(:credits as bigint[]), cast(:amounts as bigint[]), cast(:times as timestamptz[]))
    on conflict (key) do nothing
    returning key, id
    """
)
_FIND_KEYS = text(
    """
    select t.key, t.id, t.kind, t.cause, d.name as debit, c.name as credit, t.amount_fen
      from ledger_transfer t
      join ledger_account d on d.id = t.debit_account_id
      join ledger_account c on c.id = t.credit_account_id
     where t.key = any(cast(:keys as text[]))
    """
)


def post(session: Session, posting: Posting) -> int:
    """Post one amount; answers the row's id. See ``post_many``."""
    return post_many(session, [posting])[0]


def post_many(session: Session, postings: Sequence[Posting]) -> list[int]:
    """Post all of them; answers their ids in the same order. Two statements when the accounts are known.

    A key that was posted before, by whomever, is not posted again: the same content answers the old id,
    other content raises Alarm and the transaction must not be committed (I21). The time is not part of
    that comparison, because a repeat may have heard another one; the first stays. Takes the unique key
    as a lock: of two at once the second waits for the first to commit.
    """
    wanted = _by_key(postings)
    if not wanted:
        return []
    accounts = _accounts(session, {name for p in wanted.values() for name in (p.debit, p.credit)})
    # One order of keys for everybody, so that two batches that overlap wait but never deadlock.
    rows = [wanted[key] for key in sorted(wanted)]
    added = session.execute(
        _ADD,
        {
            "keys": [p.key for p in rows],
            "kinds": [p.kind for p in rows],
            "causes": [p.cause for p in rows],
            "debits": [accounts[p.debit] for p in rows],
            "credits": [accounts[p.credit] for p in rows],
            "amounts": [p.amount_fen for p in rows],
            "times": [p.happened_at for p in rows],
        },
    )
    ids: dict[str, int] = {row.key: row.id for row in added}
    known = [p for p in rows if p.key not in ids]
    if known:
        ids |= _posted_before(session, known)
    return [ids[p.key] for p in postings]


def _by_key(postings: Sequence[Posting]) -> dict[str, Posting]:
    wanted: dict[str, Posting] = {}
    for posting in postings:
        other = wanted.setdefault(posting.key, posting)
        if _content(other) != _content(posting):
            raise Alarm(f"ledger key {posting.key} is used for two different postings")
    return wanted


def _accounts(session: Session, names: set[str]) -> dict[str, int]:
    found: dict[str, int] = {
        row.name: row.id for row in session.execute(_FIND_ACCOUNTS, {"names": list(names)})
    }
    # Sorted: two transactions that open the same accounts meet them in the same order.
    missing = sorted(names - found.keys())
    if missing:
        session.execute(_MAKE_ACCOUNTS, {"names": missing})
        found |= {row.name: row.id for row in session.execute(_FIND_ACCOUNTS, {"names": missing})}
    return found


def _posted_before(session: Session, postings: list[Posting]) -> dict[str, int]:
    ids: dict[str, int] = {}
    wanted = {p.key: _content(p) for p in postings}
    for row in session.execute(_FIND_KEYS, {"keys": list(wanted)}):
        if (row.kind, row.cause, row.debit, row.credit, row.amount_fen) != wanted[row.key]:
            raise Alarm(f"ledger key {row.key} was posted before with other content")
        ids[row.key] = row.id
    return ids


def _content(posting: Posting) -> tuple[str, str, str, str, int]:
    return (posting.kind, posting.cause, posting.debit, posting.credit, posting.amount_fen)
