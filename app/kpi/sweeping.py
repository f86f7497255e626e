"""Take in what paying and refunding left behind: the KPI book follows them by a scheduled sweep."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kpi.booking import book

# Rows that the book has not counted yet lie on partial indexes, whatever their ids, clocks or order of commit:
# nothing that commits late is passed by. Locks are taken or the row is left to the next sweep; claw-back locks
# the order line first and the commission line second, and waiting here would close that circle.
_PAID = text(
    """
    select c.order_line_id from commission_line c join order_line l on l.id = c.order_line_id
     where c.counted_at is null
     order by c.order_line_id limit :limit
       for no key update of c skip locked for key share of l skip locked
    """
)
_REFUNDED = text(
    """
    select v.refund_id, v.order_line_id from commission_reversal v join order_line l on l.id = v.order_line_id
     where v.counted_at is null and exists (select from kpi_sale k where k.order_line_id = v.order_line_id)
     order by v.refund_id, v.order_line_id limit :limit
       for no key update of v skip locked for key share of l skip locked
    """
)
_COUNT_PAID = text(
    "update commission_line set counted_at = now() where order_line_id = any(cast(:line_ids as bigint[]))"
)
_COUNT_REFUNDED = text(
    """
    update commission_reversal v set counted_at = now()
      from unnest(cast(:refund_ids as bigint[]), cast(:line_ids as bigint[])) as x (refund_id, order_line_id)
     where (v.refund_id, v.order_line_id) = (x.refund_id, x.order_line_id)
    """
)


def sweep(session: Session, *, limit: int = 200) -> int:
    """Book the next paid lines and refunds of lines (KPI-1); answers how many. Call again until it answers 0.

    What is noted as counted commits with what was booked, or not at all. Several workers may run this at
    once: each takes rows that no other has.
    """
    lines = list(session.execute(_PAID, {"limit": limit}).scalars())
    if lines:
        book(session, lines)
        session.execute(_COUNT_PAID, {"line_ids": lines})
    refunds = session.execute(_REFUNDED, {"limit": limit}).all()
    if refunds:
        book(session, {row.order_line_id for row in refunds})
        ids = {
            "refund_ids": [row.refund_id for row in refunds],
            "line_ids": [row.order_line_id for row in refunds],
        }
        session.execute(_COUNT_REFUNDED, ids)
    return len(lines) + len(refunds)
