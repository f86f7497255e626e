"""What each mode that follows touches gives to whom (POL-3, POL-4). Pure: touches in, weights out.

ROLE_SPLIT is not here: it pays roles, not touches. In these modes one role, SELL_CLERK, earns the whole pool,
because a touch is what sold; who holds it, and at what weight, is the mode's decision. Parties of the other
roles stay in the snapshot at weight 0: they are facts of the order, whatever a policy pays for them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.attribution.rules import NEVER_BINDS, STRENGTH, Evidence
from app.base.clock import local_day, start_of_day
from app.policies.rules import Terms
from models.attribution import TouchKind
from models.policies import PolicyMode

# TCH-6: whatever binds keeps a clerk in touch with a customer. What proves a sale is a part of it (TCH-5).
BINDING_KINDS = tuple(kind for kind in TouchKind if kind not in NEVER_BINDS)


@dataclass(frozen=True)
class Part:
    """One clerk's part of the pool: ``weight`` to the sum of all weights, exactly (no rounded rate).

    ``evidence`` is the touch that is shown for it; ``touches`` counts those that counted.
    """

    evidence: Evidence
    weight: int
    touches: int = 1


def window_start(at: datetime, days: int) -> datetime:
    """Since when a touch lies within ``days`` of ``at``: a window of N days ends at 24:00 of the N-th local
    day after the touch (C-6)."""
    return start_of_day(local_day(at) - timedelta(days=days))


def reach(mode: PolicyMode, terms: Terms, at: datetime) -> datetime | None:
    """Since when touches matter to an order placed ``at``; None = since ever."""
    if mode is PolicyMode.LAST_TOUCH:
        return window_start(at, terms.window_days)
    if mode in (PolicyMode.LINEAR, PolicyMode.POSITION):
        return window_start(at, terms.lookback_days)
    return None


def divide(
    mode: PolicyMode, terms: Terms, touches: Iterable[Evidence], bought: Sequence[datetime], at: datetime
) -> list[Part]:
    """The parts of an order placed ``at``, in the order of touches (TCH-4); none when no touch counts.

    ``touches`` are valid touches of clerks who are still there, ``bought`` the member's paid orders, oldest
    first. Only touches up to ``at`` count, and of those only within the mode's window. PROTECT_THEN_OPEN looks at every
    touch that binds, the others at those that prove a sale (TCH-5).
    """
    since = reach(mode, terms, at)
    kinds = BINDING_KINDS if mode is PolicyMode.PROTECT_THEN_OPEN else STRENGTH
    counted = sorted(
        (
            t
            for t in touches
            if t.kind in kinds and (since is None or t.occurred_at >= since) and t.occurred_at <= at
        ),
        key=lambda t: (t.occurred_at, t.received_at, t.touch_id),
    )
    if not counted:
        return []
    match mode:
        case PolicyMode.LAST_TOUCH:
            return [Part(counted[-1], 1)]
        case PolicyMode.PROTECT_THEN_OPEN:
            return [Part(_owner(terms, counted, bought), 1)]
        case PolicyMode.LINEAR:
            return _together(counted, [1] * len(counted))
        case PolicyMode.POSITION:
            return _together(counted, _positions(terms, len(counted)))
    raise ValueError(f"{mode.value} does not follow touches")


def _owner(terms: Terms, touches: Sequence[Evidence], bought: Sequence[datetime]) -> Evidence:
    # As BND-4 rebinds: after the protection, and only when nothing has happened with the owner for long.
    owner, active_at = touches[0], touches[0].occurred_at
    for touch in touches[1:]:
        at = touch.occurred_at
        if touch.clerk_id == owner.clerk_id:
            active_at = at
            continue
        is_protected = owner.occurred_at >= window_start(at, terms.protect_days)
        idle_since = max(window_start(at, terms.inactive_days), owner.occurred_at)
        has_bought = bisect_right(bought, at) > bisect_left(bought, idle_since)
        if not (is_protected or has_bought or active_at >= window_start(at, terms.inactive_days)):
            owner, active_at = touch, at
    return owner


def _positions(terms: Terms, count: int) -> list[int]:
    """Weights of ``count`` touches. Two share as first and last do; the middle is divided evenly.

    All are multiplied by the number of middle ones, so that a part of a basis point is not lost.
    """
    if count == 1:
        return [1]
    middle = count - 2
    if not middle:
        return [terms.first_bp, terms.last_bp]
    return [terms.first_bp * middle, *[terms.mid_bp] * middle, terms.last_bp * middle]


def _together(touches: Sequence[Evidence], weights: Sequence[int]) -> list[Part]:
    # A clerk earns once per line: several touches of one are one part, shown by the last of them.
    parts: dict[int, Part] = {}
    for touch, weight in zip(touches, weights, strict=True):
        known = parts.get(touch.clerk_id)
        parts[touch.clerk_id] = (
            Part(touch, known.weight + weight, known.touches + 1) if known else Part(touch, weight)
        )
    return [part for part in parts.values() if part.weight]
