"""The rules of disputes and findings. Pure: plain values in, a decision out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.base.clock import days_after
from models.commission import PartyKind, Role
from models.review import DisputeState

WHOLE_BP = 10000
# DSP-1, in whole local days (C-6).
AFTER_ORDER_DAYS = 30
AFTER_STATEMENT_DAYS = 7
EVIDENCE_DAYS = 5

# DSP-1: what may follow what.
TRANSITIONS: dict[DisputeState, frozenset[DisputeState]] = {
    DisputeState.OPEN: frozenset({DisputeState.EVIDENCE}),
    DisputeState.EVIDENCE: frozenset({DisputeState.DECIDED}),
    DisputeState.DECIDED: frozenset({DisputeState.APPLIED}),
    DisputeState.APPLIED: frozenset(),
}


def disputable_until(ordered_at: datetime, published: Collection[datetime]) -> datetime:
    """DSP-1: until when an order may be disputed: 30 days after it, or 7 after a statement that shows it."""
    ends = [days_after(ordered_at, AFTER_ORDER_DAYS + 1)]
    ends += [days_after(at, AFTER_STATEMENT_DAYS + 1) for at in published]
    return max(ends)


def evidence_until(heard_from: datetime) -> datetime:
    """DSP-1: both sides are heard until the fifth local day is over."""
    return days_after(heard_from, EVIDENCE_DAYS + 1)


def kind_of(party: str) -> PartyKind:
    """``clerk:C-1`` is a CLERK, and so on. Refuses (ValueError) what is no party."""
    return PartyKind(party.partition(":")[0].upper())


def heirs_of_share(
    weights: Mapping[Role, int], claimed: Role, holder: str, heirs: Sequence[tuple[str, int]]
) -> list[tuple[str, int]]:
    """Who gets which part of one concerned row, when ``heirs`` get the claimed role; the parts make the whole.

    ``weights``: the roles for which head office holds the row, empty for a row of the role itself, which
    goes to them whole. Of head office's row they get only what stands for the claimed role; the rest stays
    with its holder (SPL-5).
    """
    if not weights:
        return list(heirs)
    own = weights.get(claimed, 0)
    merged = {party: bp * own for party, bp in heirs if own}
    kept = WHOLE_BP * sum(weights.values()) - sum(merged.values())
    if kept:
        merged[holder] = merged.get(holder, 0) + kept
    return list(merged.items())


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of evidence: a touch or an order. ``of`` is what is counted apart (a clerk, a member).

    ``hit``: it counts against the subject, where only some do (unfollowed, refunded).
    """

    kind: str
    ref: int
    at: datetime
    of: int = 0
    hit: bool = True


def distinct(items: Iterable[Item]) -> int:
    """How many different ``of`` there are."""
    return len({item.of for item in items})


def densest(items: Sequence[Item], seconds: int) -> list[Item]:
    """The items of the fullest stretch of that length, which begins with one of them and is open at its end."""
    ordered = sorted(items, key=lambda item: (item.at, item.ref))
    best: list[Item] = []
    begin = 0
    for end, item in enumerate(ordered):
        while (item.at - ordered[begin].at).total_seconds() >= seconds:
            begin += 1
        if end - begin + 1 > len(best):
            best = ordered[begin : end + 1]
    return best


def widest(items: Sequence[Item], seconds: int) -> list[Item]:
    """Of all stretches of that length the one with the most different ``of``; of equals the earliest."""
    ordered = sorted(items, key=lambda item: (item.at, item.ref))
    best: list[Item] = []
    for begin, first in enumerate(ordered):
        stretch = [item for item in ordered[begin:] if (item.at - first.at).total_seconds() < seconds]
        if distinct(stretch) > distinct(best):
            best = stretch
    return best


def exceeds(part: int, whole: int, limit_bp: int) -> bool:
    """Whether ``part / whole`` is more than the limit; exactly the limit is not."""
    return part * WHOLE_BP > limit_bp * whole
