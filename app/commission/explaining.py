"""Explain an order: every fen of its commission, who has it, why, what happened to it, and the sums that prove it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.commission import rules
from app.commission.statement import StatementRow
from models.commission import EntryKind, PartyKind, Role, ShareState

_LINES = text(
    """
    select l.order_line_id, l.order_number, l.selling_entity, st.code as selling_store, o.paid_at, l.sku_code,
           l.goods, l.qty, l.base_fen, l.refunded_base_fen, l.moved_base_fen, l.pool_bp, l.pool_fen,
           l.reversed_fen, l.moved_pool_fen, l.protected_fen, l.fee_bp, l.fee_fen, l.fee_reversed_fen,
           l.releasable_at, l.released_at, l.aftersale_days + l.settle_delay_days as wait_days,
           ol.credit_snapshot->>'policy' as policy, (ol.credit_snapshot->>'version')::bigint as version,
           ol.credit_snapshot->>'mode' as mode, ol.credit_snapshot->>'resolved_at' as resolved_at
      from orders o
      join commission_line l on l.order_id = o.id
      join order_line ol on ol.id = l.order_line_id
      left join store st on st.id = o.selling_store_id
     where o.number = :number
     order by ol.line_no
    """
)
_SHARES = text(
    """
    select s.*, coalesce(c.name, st.name, e.name) as party_name, coalesce(cst.code, st.code) as store,
           array(select h.cause from commission_hold h
                  where h.share_id = s.id and h.lifted_at is null order by h.held_at) as held_for
      from commission_share s
      left join clerk c on s.party_kind = 'CLERK' and c.code = split_part(s.party, ':', 2)
      left join store cst on cst.id = c.store_id
      left join store st on s.party_kind = 'STORE' and st.code = split_part(s.party, ':', 2)
      left join legal_entity e on s.party_kind = 'ENTITY' and e.code = split_part(s.party, ':', 2)
     where s.order_line_id = any(cast(:line_ids as bigint[]))
     order by s.order_line_id, s.position
    """
)
_ENTRIES = text(
    """
    select e.id, e.share_id, e.kind, e.amount_fen, e.at, r.out_refund_no as refund, r.cause as refund_cause,
           v.cause as moved_for, v.because->>'kind' as moved_because, e.batch_id,
           x.number as sharing
      from commission_entry e
      left join refund r on r.id = e.refund_id
      left join commission_move v on v.id = e.move_id
      left join sharing_order x on x.payment_id = -e.batch_id and x.kind = 'SHARE'
     where e.share_id = any(cast(:share_ids as bigint[]))
     order by e.at, e.id
    """
)


@dataclass(frozen=True, slots=True)
class Share:
    """What one party has of one line. ``row`` carries the facts from which the words are made.

    ``evidence_kind``, ``evidence_at``: the touch or binding behind it. ``party`` is empty where the reader may
    not know who: then the amounts are those of all such parties of the line together.
    """

    id: int
    party: str
    party_name: str
    payee: str | None
    store: str | None
    settled_fen: int
    written_off_fen: int
    held_for: tuple[str, ...]
    row: StatementRow

    @property
    def evidence_kind(self) -> str | None:
        """The kind of the touch, if there was one."""
        return self.row.reason.get("touch_kind")

    @property
    def evidence_at(self) -> str | None:
        """When that was, as it is written in the snapshot."""
        return self.row.reason.get("at")


@dataclass(frozen=True, slots=True)
class Event:
    """One dated change. ``cause``: the refund, decision or batch behind it; ``party`` empty as in ``Share``."""

    at: datetime
    kind: EntryKind
    party: str
    amount_fen: int
    cause: str | None
    because: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its base and pool, what became of them, its shares, and what happened, in order of time."""

    sku_code: str
    goods: str
    qty: int
    base_fen: int
    refunded_base_fen: int
    moved_base_fen: int
    pool_bp: int
    pool_fen: int
    reversed_fen: int
    moved_pool_fen: int
    protected_fen: int
    fee_bp: int
    fee_fen: int
    fee_reversed_fen: int
    policy: str
    version: int
    mode: str
    certain_at: datetime | None
    released_at: datetime | None
    shares: list[Share] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    # Whether shares, pool, base and events agree to the fen; told of the whole line, whoever looks at it.
    proved: bool = False

    @property
    def left_fen(self) -> int:
        """What all parties together still have."""
        return self.pool_fen - self.reversed_fen - self.moved_pool_fen


@dataclass(frozen=True, slots=True)
class OrderExplained:
    """An order's commission, line by line."""

    order_number: str
    selling_entity: str
    selling_store: str | None
    paid_at: datetime
    resolved_at: str | None
    lines: list[Line]

    @property
    def proved(self) -> bool:
        """Whether every line adds up."""
        return all(line.proved for line in self.lines)


def _proved(line: Line) -> bool:
    standing_fen = line.base_fen - line.refunded_base_fen - line.moved_base_fen
    shared_fen = sum(share.row.amount_fen for share in line.shares)
    told_fen = sum(event.amount_fen for event in line.events if event.kind in _CHANGES)
    return (
        line.pool_fen == rules.pool_fen(line.base_fen, line.pool_bp)
        and line.left_fen == rules.pool_fen(standing_fen, line.pool_bp) + line.protected_fen
        and line.left_fen == shared_fen == told_fen
    )


# What changes how much a party has; the others change only where it lies.
_CHANGES = frozenset({EntryKind.ACCRUE, EntryKind.REVERSE, EntryKind.MOVE_IN, EntryKind.MOVE_OUT})


def explain_order(reader: Session | Connection, order_number: str) -> OrderExplained:
    """Everything about the commission of a paid order; three statements, each along an index.

    Refuses an order that does not exist or was never paid (NotFound). Not for everybody's eyes: see ``seen_by``.
    """
    rows = reader.execute(_LINES, {"number": order_number}).all()
    if not rows:
        raise NotFound("NOT_FOUND", "No such order.")
    line_ids = [row.order_line_id for row in rows]
    shares: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    parties: dict[int, tuple[int, str]] = {}
    for share in reader.execute(_SHARES, {"line_ids": line_ids}):
        shares[share.order_line_id].append(share)
        parties[share.id] = share.order_line_id, share.party
    events: defaultdict[int, list[Event]] = defaultdict(list)
    for entry in reader.execute(_ENTRIES, {"share_ids": list(parties)}):
        line_id, party = parties[entry.share_id]
        events[line_id].append(_event(entry, party))
    first = rows[0]
    return OrderExplained(
        order_number=first.order_number,
        selling_entity=first.selling_entity,
        selling_store=first.selling_store,
        paid_at=first.paid_at,
        resolved_at=first.resolved_at,
        lines=[_line(row, shares[row.order_line_id], events[row.order_line_id]) for row in rows],
    )


def seen_by(explained: OrderExplained, sees: Callable[[Share], bool], *, sold: bool) -> OrderExplained:
    """The same order for somebody who may know only some parties: the others become one, their amounts summed.

    ``sold``: the sale is theirs. Refuses (NotFound) when neither it nor any share is, as for an order that
    does not exist. Who did not sell does not learn of the platform fee.
    """
    mine = {share.party for line in explained.lines for share in line.shares if sees(share)}
    if not mine and not sold:
        raise NotFound("NOT_FOUND", "No such order.")
    lines = [_veiled(line, mine) for line in explained.lines]
    if not sold:
        lines = [replace(line, fee_bp=0, fee_fen=0, fee_reversed_fen=0) for line in lines]
    return replace(explained, lines=lines)


def only(explained: OrderExplained, party: str) -> OrderExplained:
    """What one party has of an order, and nothing of anybody else. Refuses (NotFound) when that is nothing."""
    lines = [
        replace(
            line,
            fee_bp=0,
            fee_fen=0,
            fee_reversed_fen=0,
            shares=[share for share in line.shares if share.party == party],
            events=[event for event in line.events if event.party == party],
        )
        for line in explained.lines
    ]
    lines = [line for line in lines if line.shares]
    if not lines:
        raise NotFound("NOT_FOUND", "No such order.")
    return replace(explained, lines=lines)


def _veiled(line: Line, mine: set[str]) -> Line:
    shown = [share for share in line.shares if share.party in mine]
    others = [share for share in line.shares if share.party not in mine]
    if others:
        shown.append(_together(others))
    return replace(line, shares=shown, events=list(_veiled_events(line.events, mine)))


def _together(shares: list[Share]) -> Share:
    first = shares[0]
    row = replace(
        first.row,
        id=0,
        accrued_fen=sum(share.row.accrued_fen for share in shares),
        reversed_fen=sum(share.row.reversed_fen for share in shares),
        moved_fen=sum(share.row.moved_fen for share in shares),
        reason={},
    )
    return Share(
        id=0,
        party="",
        party_name="",
        payee=None,
        store=None,
        settled_fen=sum(share.settled_fen for share in shares),
        written_off_fen=sum(share.written_off_fen for share in shares),
        held_for=(),
        row=row,
    )


def _veiled_events(events: Iterable[Event], mine: set[str]) -> Iterable[Event]:
    together: dict[tuple[datetime, EntryKind], Event] = {}
    for event in events:
        if event.party in mine:
            yield event
            continue
        key = event.at, event.kind
        so_far = together[key].amount_fen if key in together else 0
        together[key] = Event(event.at, event.kind, "", so_far + event.amount_fen, None, None)
    yield from together.values()


def _event(row: Row[Any], party: str) -> Event:
    batch = f"batch:{row.batch_id}" if row.batch_id else None
    cause = row.refund or row.moved_for or (f"sharing:{row.sharing}" if row.sharing else batch)
    because = row.refund_cause or row.moved_because
    return Event(row.at, EntryKind(row.kind), party, row.amount_fen, cause, because)


def _line(row: Row[Any], shares: list[Row[Any]], events: list[Event]) -> Line:
    line = Line(
        sku_code=row.sku_code,
        goods=row.goods,
        qty=row.qty,
        base_fen=row.base_fen,
        refunded_base_fen=row.refunded_base_fen,
        moved_base_fen=row.moved_base_fen,
        pool_bp=row.pool_bp,
        pool_fen=row.pool_fen,
        reversed_fen=row.reversed_fen,
        moved_pool_fen=row.moved_pool_fen,
        protected_fen=row.protected_fen,
        fee_bp=row.fee_bp,
        fee_fen=row.fee_fen,
        fee_reversed_fen=row.fee_reversed_fen,
        policy=row.policy or "",
        version=row.version or 0,
        mode=row.mode or "",
        certain_at=row.releasable_at,
        released_at=row.released_at,
        shares=[_share(row, share) for share in shares],
        events=events,
    )
    return replace(line, proved=_proved(line))


def _share(line: Row[Any], row: Row[Any]) -> Share:
    return Share(
        id=row.id,
        party=row.party,
        party_name=row.party_name or row.reason.get("name") or row.party,
        payee=row.payee,
        store=row.store,
        settled_fen=row.settled_fen,
        written_off_fen=row.written_off_fen,
        held_for=tuple(row.held_for),
        row=StatementRow(
            id=row.id,
            order_number=line.order_number,
            sku_code=line.sku_code,
            goods=line.goods,
            qty=line.qty,
            role=Role(row.role),
            party_kind=PartyKind(row.party_kind),
            state=ShareState(row.state),
            base_fen=line.base_fen,
            pool_bp=line.pool_bp,
            accrued_fen=row.accrued_fen,
            reversed_fen=row.reversed_fen,
            moved_fen=row.moved_fen,
            earned_at=row.earned_at,
            certain_at=line.releasable_at,
            wait_days=line.wait_days,
            reason=row.reason,
        ),
    )
