"""Write changes of shares together with their ledger transfers: both books move in one step or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.ledger.posting import Posting, post_many
from models.commission import EntryKind

_ADD = text(
    """
    insert into commission_entry (share_id, kind, amount_fen, refund_id, transfer_id, at)
    select share_id, :kind, amount_fen, :refund_id, transfer_id, at
      from unnest(cast(:shares as bigint[]), cast(:amounts as bigint[]), cast(:transfers as bigint[]),
                  cast(:times as timestamptz[])) as x (share_id, amount_fen, transfer_id, at)
    """
)


@dataclass(frozen=True, slots=True)
class Change:
    """``amount_fen`` (above zero) of one share moves from account ``debit`` to account ``credit``."""

    share_id: int
    order_number: str
    debit: str
    credit: str
    amount_fen: int
    at: datetime


def write(
    session: Session, kind: EntryKind, changes: Sequence[Change], *, refund_id: int | None = None
) -> None:
    """Post every change and note it at its share. Three statements, however many.

    The same change of the same share (and refund) can be written once only: a second attempt finds the
    old transfer and is then refused by the entry's unique index. Callers hold the line's lock, so this
    never happens in a race; it would be a defect.
    """
    if not changes:
        return
    key = f"reverse:{refund_id}" if kind is EntryKind.REVERSE else kind.value.lower()
    transfers = post_many(
        session,
        [
            Posting(
                key=f"{key}:{change.share_id}",
                kind=f"COMMISSION_{kind.value}",
                cause=f"order:{change.order_number}",
                debit=change.debit,
                credit=change.credit,
                amount_fen=change.amount_fen,
                happened_at=change.at,
            )
            for change in changes
        ],
    )
    sign = -1 if kind is EntryKind.REVERSE else 1
    session.execute(
        _ADD,
        {
            "kind": kind.value,
            "refund_id": refund_id,
            "shares": [change.share_id for change in changes],
            "amounts": [sign * change.amount_fen for change in changes],
            "transfers": transfers,
            "times": [change.at for change in changes],
        },
    )
