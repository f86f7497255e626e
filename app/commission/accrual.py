"""Accrue commission when an order is paid (ACC-1): the shares of each line, frozen, with their transfers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Alarm
from app.commission import accounts, clawback, rules
from app.commission.entries import Change, write
from app.commission.payees import PAYEE
from app.ledger.posting import Posting
from models.commission import EntryKind

_OPEN_LINES = text(
    """
    insert into commission_line
           (order_line_id, order_id, order_number, sku_code, goods, qty, selling_entity, aftersale_days,
            settle_delay_days, base_fen, refunded_base_fen, moved_base_fen, pool_bp, pool_fen,
            reversed_fen, moved_pool_fen, protected_fen, defect_protect, fee_bp, fee_fen, fee_reversed_fen,
            accrued_at)
    select order_line_id, order_id, order_number, sku_code, goods, qty, selling_entity, aftersale_days,
           settle_delay_days, base_fen, 0, 0, pool_bp, pool_fen, 0, 0, 0, defect_protect,
           fee_bp, fee_fen, 0, :now
      from unnest(cast(:line_ids as bigint[]), cast(:order_ids as bigint[]), cast(:numbers as text[]),
                  cast(:sku_codes as text[]), cast(:goods as text[]), cast(:qtys as bigint[]),
                  cast(:entities as text[]), cast(:aftersales as bigint[]), cast(:delays as bigint[]),
                  cast(:bases as bigint[]), cast(:rates as bigint[]), cast(:pools as bigint[]),
                  cast(:protects as boolean[]), cast(:fee_rates as bigint[]), cast(:fees as bigint[]))
           as x (order_line_id, order_id, order_number, sku_code, goods, qty, selling_entity,
                 aftersale_days, settle_delay_days, base_fen, pool_bp, pool_fen, defect_protect, fee_bp,
                 fee_fen)
        on conflict (order_line_id) do nothing
    returning order_line_id
    """
)
_KNOWN_LINES = text(
    "select order_line_id, base_fen, pool_bp from commission_line"
    " where order_line_id = any(cast(:line_ids as bigint[]))"
)
_ADD_SHARES = text(
    f"""
    insert into commission_share
           (order_line_id, position, role, party_kind, party, payee, accrued_fen, reversed_fen, moved_fen,
            settled_fen, written_off_fen, protected_fen, state, reason, earned_at)
    select order_line_id, position, role, party_kind, party, {PAYEE}, accrued_fen, 0, 0, 0, 0, 0, 'FROZEN',
           cast(reason as jsonb), :earned_at
      from unnest(cast(:line_ids as bigint[]), cast(:positions as bigint[]), cast(:roles as text[]),
                  cast(:kinds as text[]), cast(:parties as text[]), cast(:amounts as bigint[]),
                  cast(:reasons as text[]))
           as x (order_line_id, position, role, party_kind, party, accrued_fen, reason)
    returning id, order_line_id, position
    """
)


@dataclass(frozen=True, slots=True)
class LineToAccrue:
    """One paid order line as accrual needs it. ``snapshot`` is the credit snapshot frozen with the order."""

    order_line_id: int
    order_id: int
    order_number: str
    base_fen: int
    pool_bp: int
    sku_code: str
    name: str
    qty: int
    selling_entity: str
    snapshot: dict[str, Any]


def accrue(session: Session, lines: Sequence[LineToAccrue], *, paid_at: datetime, now: datetime) -> None:
    """Give every party of every line its share, frozen, as of ``paid_at``; each line once, ever.

    Called in the transaction that marks the order as paid. A second call, later or at the same moment,
    adds nothing; one with another base or rate raises Alarm. The books say ``now``, so that money which is
    told of late changes no month that is over. A line without a pool gets its row and shares of zero, so that
    "nothing" is explained too. Another entity's sale owes head office its platform fee (SPL-10). A refund
    that was told before the accrual is applied at the end. Takes the line's primary key as a lock, lines in
    ascending order.
    """
    lines = sorted(lines, key=lambda line: line.order_line_id)
    fresh = _open_lines(session, lines, now)
    if len(fresh) < len(lines):
        _compare_with_known(session, [line for line in lines if line.order_line_id not in fresh])
    lines = [line for line in lines if line.order_line_id in fresh]
    if not lines:
        return
    shares = [(line, share) for line in lines for share in rules.split(_pool_fen(line), line.snapshot)]
    ids = _add_shares(session, shares, paid_at)
    changes = [
        Change(
            share_id=ids[line.order_line_id, share.position],
            party=share.party,
            order_number=line.order_number,
            debit=accounts.expense(line.selling_entity),
            credit=accounts.frozen(share.party),
            amount_fen=share.amount_fen,
            certain=False,
            at=now,
        )
        for line, share in shares
        if share.amount_fen
    ]
    write(session, EntryKind.ACCRUE, changes, beside=_fees(lines, now))
    clawback.catch_up(session, fresh, now=now)


def _pool_fen(line: LineToAccrue) -> int:
    return rules.pool_fen(line.base_fen, line.pool_bp)


def _fee_fen(line: LineToAccrue) -> int:
    return rules.pool_fen(line.base_fen, rules.fee_bp(line.snapshot, line.selling_entity))


def _fees(lines: Sequence[LineToAccrue], now: datetime) -> list[Posting]:
    """SPL-10: what head office takes of another entity's sale, a posting of its own per line."""
    return [
        Posting(
            key=f"platform_fee:{line.order_line_id}",
            kind="PLATFORM_FEE",
            cause=f"order:{line.order_number}",
            debit=accounts.fee_expense(line.selling_entity),
            credit=accounts.fee_owed(line.selling_entity),
            amount_fen=_fee_fen(line),
            happened_at=now,
        )
        for line in lines
        if _fee_fen(line)
    ]


def _open_lines(session: Session, lines: Sequence[LineToAccrue], now: datetime) -> set[int]:
    rows = session.execute(
        _OPEN_LINES,
        {
            "now": now,
            "line_ids": [line.order_line_id for line in lines],
            "order_ids": [line.order_id for line in lines],
            "numbers": [line.order_number for line in lines],
            "sku_codes": [line.sku_code for line in lines],
            "goods": [line.name for line in lines],
            "qtys": [line.qty for line in lines],
            "entities": [line.selling_entity for line in lines],
            "aftersales": [line.snapshot["aftersale_days"] for line in lines],
            "delays": [line.snapshot["settle_delay_days"] for line in lines],
            "bases": [line.base_fen for line in lines],
            "rates": [line.pool_bp for line in lines],
            "pools": [_pool_fen(line) for line in lines],
            "protects": [bool(line.snapshot.get("defect_protect")) for line in lines],
            "fee_rates": [rules.fee_bp(line.snapshot, line.selling_entity) for line in lines],
            "fees": [_fee_fen(line) for line in lines],
        },
    )
    return {row.order_line_id for row in rows}


def _compare_with_known(session: Session, lines: Sequence[LineToAccrue]) -> None:
    rows = session.execute(_KNOWN_LINES, {"line_ids": [line.order_line_id for line in lines]})
    known = {row.order_line_id: (row.base_fen, row.pool_bp) for row in rows}
    for line in lines:
        if known[line.order_line_id] != (line.base_fen, line.pool_bp):
            raise Alarm(f"a line of order {line.order_number} was accrued before with another base or rate")


def _add_shares(
    session: Session, shares: Sequence[tuple[LineToAccrue, rules.ShareAmount]], earned_at: datetime
) -> dict[tuple[int, int], int]:
    rows = session.execute(
        _ADD_SHARES,
        {
            "earned_at": earned_at,
            "line_ids": [line.order_line_id for line, _ in shares],
            "positions": [share.position for _, share in shares],
            "roles": [share.role.value for _, share in shares],
            "kinds": [share.party_kind.value for _, share in shares],
            "parties": [share.party for _, share in shares],
            "amounts": [share.amount_fen for _, share in shares],
            "reasons": [json.dumps(share.reason, ensure_ascii=False) for _, share in shares],
        },
    )
    return {(row.order_line_id, row.position): row.id for row in rows}
