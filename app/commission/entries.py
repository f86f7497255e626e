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
    insert into commission_entry
           (share_id, party, kind, amount_fen, certain, refund_id, move_id, batch_id, transfer_id, at)
    select share_id, party, :kind, amount_fen, certain, cast(:refund_id as bigint), move_id,
           cast(:batch_id as bigint), transfer_id, at
      from unnest(cast(:shares as bigint[]), cast(:parties as text[]), cast(:amounts as bigint[]),
                  cast(:certain as boolean[]), cast(:moves as bigint[]), cast(:transfers as bigint[]),
                  cast(:times as timestamptz[]))
           as x (share_id, party, amount_fen, certain, move_id, transfer_id, at)
    """
)
# What is taken from a share is noted below zero.
_LOWERS = frozenset({EntryKind.REVERSE, EntryKind.MOVE_OUT})


@dataclass(frozen=True, slots=True)
class Change:
    """``amount_fen`` of one share moves from account ``debit`` to account ``credit``.

    Above zero, except for the SETTLE of a debt (CLW-3): there it is below zero and the accounts are named
    as the money goes, from ``debit`` to ``credit``. ``certain``: the share's payable account is the one that
    changes, not its frozen one. ``at``: the moment of booking.
    """

    share_id: int
    party: str
    order_number: str
    debit: str
    credit: str
    amount_fen: int
    certain: bool
    at: datetime
    move_id: int | None = None
    # What cannot be told apart by its refund, move or batch is numbered: the second write-off of a share.
    nth: int = 0


def write(
    session: Session,
    kind: EntryKind,
    changes: Sequence[Change],
    *,
    refund_id: int | None = None,
    batch_id: int | None = None,
    beside: Sequence[Posting] = (),
) -> None:
    """Post every change and note it at its share. Three statements, however many.

    ``beside``: postings of the same event that change no share. The same change of the same share (and
    refund, move or batch) can be written once only: a second attempt finds the old transfer and is then
    refused by the entry's unique index. Callers hold the line's lock, so this never happens in a race; it
    would be a defect.
    """
    if not changes:
        if beside:
            post_many(session, beside)
        return
    postings = [_posting(kind, change, refund_id or batch_id) for change in changes]
    transfers = post_many(session, [*postings, *beside])[: len(changes)]
    sign = -1 if kind in _LOWERS else 1
    session.execute(
        _ADD,
        {
            "kind": kind.value,
            "refund_id": refund_id,
            "batch_id": batch_id,
            "shares": [change.share_id for change in changes],
            "parties": [change.party for change in changes],
            "amounts": [sign * change.amount_fen for change in changes],
            "certain": [change.certain for change in changes],
            "moves": [change.move_id for change in changes],
            "transfers": transfers,
            "times": [change.at for change in changes],
        },
    )


def _posting(kind: EntryKind, change: Change, event_id: int | None) -> Posting:
    event = change.move_id or event_id
    name = kind.value.lower() if event is None else f"{kind.value.lower()}:{event}"
    again = f":{change.nth}" if change.nth else ""
    return Posting(
        key=f"{name}:{change.share_id}{again}",
        kind=f"COMMISSION_{kind.value}",
        cause=f"order:{change.order_number}",
        debit=change.debit,
        credit=change.credit,
        amount_fen=abs(change.amount_fen),
        happened_at=change.at,
    )
