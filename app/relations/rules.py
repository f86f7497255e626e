"""The rules of changing who serves. Pure: plain values in, an answer out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from app.base.clock import days_after, local_day, start_of_day
from models.attribution import BindingReason
from models.relations import HandoverKind

M = TypeVar("M")
H = TypeVar("H")

REASONS = {
    HandoverKind.LEAVER: BindingReason.HANDOVER,
    HandoverKind.CLERK_MOVE: BindingReason.MOVED,
    HandoverKind.STORE_CLOSING: BindingReason.CLOSING,
    HandoverKind.TRANSFER: BindingReason.TRANSFER,
}
# Whom a member did not choose may be refused; a clerk who only changes the store, or a pool, may not.
REFUSABLE = frozenset({HandoverKind.LEAVER, HandoverKind.TRANSFER})


@dataclass(frozen=True)
class Heir:
    """A clerk who may take members over, and how many she has."""

    clerk_id: int
    members: int


def in_turn(heirs: Iterable[Heir]) -> list[int]:
    """The order in which heirs are dealt to: fewest members first, then the older clerk (BND-6)."""
    return [heir.clerk_id for heir in sorted(heirs, key=lambda heir: (heir.members, heir.clerk_id))]


def deal(members: Sequence[M], heirs: Sequence[H]) -> list[tuple[M, H]]:
    """Deal members in their order to heirs in theirs, one by one: 10 over 3 is 4, 3, 3 (BND-6)."""
    return [(member, heirs[number % len(heirs)]) for number, member in enumerate(members)]


def may_choose_at(last_choice: datetime | None, *, days: int) -> datetime | None:
    """From when on a member may choose again (BND-5); None = at once."""
    return days_after(last_choice, days + 1) if last_choice is not None else None


def transfers_since(now: datetime, *, days: int) -> datetime:
    """Transfers from here on count against the limit (BND-7): one of day D counts until the end of D + days."""
    return start_of_day(local_day(now) - timedelta(days=days))


def refusable_until(moved_at: datetime, *, hours: int) -> datetime:
    """Until when a member may refuse a hand-over (BND-6)."""
    return moved_at + timedelta(hours=hours)
