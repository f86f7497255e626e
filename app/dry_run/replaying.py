"""Replay a past period under a policy: what everybody has of it now, and what they would have."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.base.errors import NotFound
from app.dry_run.evidence import Batch, Line, find_period, find_policy, policies_of, read_batch, read_known
from app.dry_run.reckoning import parties_then, shares_then, would_decide
from app.dry_run.sums import DryRun, Net
from app.policies.rules import Policy

# Orders read at a time: bounds the memory, whatever the period.
BATCH = 500
# (orders done, orders in all)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class DraftRef:
    """A version of a policy, of any stage."""

    code: str
    version: int


def replay(
    reader: Connection,
    *,
    policy: DraftRef,
    since: datetime,
    until: datetime,
    progress: Progress = lambda done, total: None,
    batch: int = BATCH,
) -> DryRun:
    """Sum up what was paid on the orders placed in [since, until), now and as if ``policy`` had decided.

    The policy takes the place of whatever its own scope had all that time; where a more specific one
    was in effect, or people have decided since, a line stays as it is. A line that it would decide is
    reckoned anew from what was known when the order was placed, refunds taken off: a policy replayed over
    its own time changes nothing, to the fen. Reads in batches by id, tells its progress after each; give
    it a read-only transaction of one moment (``db.open_snapshot``). Refuses an unknown version (NotFound).
    """
    draft = find_policy(reader, policy.code, policy.version)
    if draft is None:
        raise NotFound("NOT_FOUND", "No such version of a policy.")
    others = policies_of(reader, since, until)
    first_id, last_id, total = find_period(reader, since, until)
    sums, after_id = DryRun(), first_id - 1
    progress(0, total)
    while sums.orders < total:
        between = {"after_id": after_id, "last_id": last_id, "since": since, "until": until, "limit": batch}
        found = read_batch(reader, between)
        decided = [line for line in found.lines if _would_decide(draft, others, line)]
        _count(sums, found, decided, _then(reader, draft, decided))
        sums.orders += len(found.orders)
        after_id = found.orders[-1].id
        progress(sums.orders, total)
    return sums


def _would_decide(draft: Policy, others: list[Any], line: Line) -> bool:
    order = line.order
    facts = {"entity": order.entity, "ownership": order.ownership, "category": line.sold.category}
    return would_decide(draft, others, **facts, at=order.at)


def _then(reader: Connection, draft: Policy, lines: list[Line]) -> dict[int, list[Net]]:
    """The shares of each line under the draft, by the line's place in memory."""
    known = read_known(reader, draft, lines)
    parties: dict[int, list[dict[str, Any]]] = {}
    found: dict[int, list[Net]] = {}
    for line in lines:
        if line.is_fixed:
            continue
        order = line.order
        if order.id not in parties:
            touches, bought = known.touches[order.id], known.bought[order.id]
            parties[order.id] = parties_then(draft, line.snapshot, touches, bought, order.at)
        found[id(line)] = shares_then(draft, line.sold, line.snapshot, parties[order.id])
    return found


def _count(sums: DryRun, batch: Batch, decided: list[Line], then: dict[int, list[Net]]) -> None:
    sums.lines += len(batch.lines)
    sums.decided_lines += len(then)
    sums.fixed_lines += len(decided) - len(then)
    for line in batch.lines:
        would = then.get(id(line), line.now)
        sums.add(line.now, would)
        sums.changed_lines += _by_party(line.now) != _by_party(would)


def _by_party(shares: list[Net]) -> dict[str, int]:
    found: dict[str, int] = {}
    for share in shares:
        found[share.party] = found.get(share.party, 0) + share.fen
    return {party: fen for party, fen in found.items() if fen}
