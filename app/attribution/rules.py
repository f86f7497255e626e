"""The rules of touches and evidence. Pure: plain values in, a decision out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from app.base.clock import days_after
from models.attribution import AcquisitionKind, TouchKind, TouchResult
from models.stores import ClerkStatus, StoreStatus

# A push that was under way while a later one was already recorded may still take its rightful place (TCH-4);
# after this, or once the member has bought, the acquisition stands (BND-1).
LATE = timedelta(hours=24)

# TCH-6: evidence of influence only.
NEVER_BINDS = frozenset({TouchKind.CONTENT_READ, TouchKind.ARRIVE, TouchKind.LEAVE})

# BND-4: a clerk who did one of these for a member has served, and is not inactive.
SERVES = frozenset(
    {
        TouchKind.CHAT,
        TouchKind.BOOKING,
        TouchKind.CLERK_CODE,
        TouchKind.ASSISTED_ORDER,
        TouchKind.POS_SALE,
        TouchKind.PICKUP_VERIFY,
    }
)

# TCH-5: what a touch proves about one order. Kinds that are not listed prove nothing about it.
STRENGTH = {
    TouchKind.ASSISTED_ORDER: 5,
    TouchKind.POS_SALE: 5,
    TouchKind.CLERK_CODE: 4,
    TouchKind.COUPON_CLAIM: 4,
    TouchKind.SHARE_CLICK: 3,
    TouchKind.SUBSCRIBE_SCAN: 2,
    TouchKind.SCAN: 2,
    TouchKind.MP_SCENE: 2,
}


class Reason(StrEnum):
    """Why a touch does not count, or not for the clerk (TCH-3)."""

    CODE_UNKNOWN = "CODE_UNKNOWN"  # no code of ours
    CODE_REVOKED = "CODE_REVOKED"  # the code was withdrawn
    CODE_EXPIRED = "CODE_EXPIRED"  # the code's time was over
    SELF = "SELF"  # the fan is the clerk
    FRAUD_HOLD = "FRAUD_HOLD"  # the clerk's or the fan's touches are under review (FRD-1); judged again if all was well
    STORE_CLOSED = "STORE_CLOSED"  # nobody is there any more
    STORE_CLOSING = "STORE_CLOSING"  # BND-9: no new touches
    CLERK_LEAVING = "CLERK_LEAVING"  # counts for the store only: members are being handed over
    CLERK_LEFT = "CLERK_LEFT"  # counts for the store only


@dataclass(frozen=True)
class Shown:
    """What a touch points to, as it stands now: a code, the clerk behind it, the store."""

    store_id: int | None
    store_status: StoreStatus | None
    clerk_id: int | None = None
    clerk_status: ClerkStatus | None = None
    is_self: bool = False
    is_held: bool = False
    revoked_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Acquired:
    """The acquisition that a member has, with its place in the order of touches."""

    clerk_id: int | None
    store_id: int
    occurred_at: datetime
    received_at: datetime


@dataclass(frozen=True)
class Spans:
    """BND-4 in days: how long a binding is protected, and how long service or a purchase keeps it alive."""

    protect_days: int = 30
    inactive_days: int = 180
    inactive_by_category: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Serving:
    """Who serves a member since when (no clerk = a store's pool), and the last signs of it.

    ``served_at``: the last service of that clerk; ``bought_at``: the member's last paid order by category.
    """

    clerk_id: int | None
    since: datetime
    served_at: datetime | None = None
    bought_at: Mapping[str, datetime] = field(default_factory=dict)


def opens_at(serving: Serving, spans: Spans) -> datetime:
    """From when on a touch of another clerk takes the member over (BND-4).

    Not within ``protect_days`` after the last change; then as soon as the clerk is inactive for this member.
    A pool has no clerk who could be active. Windows end at 24:00 of their last local day (C-6).
    """
    opens = days_after(serving.since, spans.protect_days + 1)
    if serving.clerk_id is None:
        return opens
    alive = [
        (at, spans.inactive_by_category.get(c, spans.inactive_days)) for c, at in serving.bought_at.items()
    ]
    if serving.served_at is not None:
        alive.append((serving.served_at, spans.inactive_days))
    return max([opens, *(days_after(at, days + 1) for at, days in alive)])


@dataclass(frozen=True)
class Decision:
    """What a touch is worth. ``acquires``, ``replaces`` and ``rebinds`` say what is written beside it."""

    valid: bool
    reason: Reason | None
    result: TouchResult
    clerk_id: int | None
    store_id: int | None
    acquires: AcquisitionKind | None = None
    replaces: bool = False
    rebinds: bool = False


def decide(
    kind: TouchKind,
    shown: Shown,
    acquired: Acquired | None,
    customer_since: datetime | None,
    *,
    occurred_at: datetime,
    received_at: datetime,
    serving: Serving | None = None,
    spans: Spans | None = None,
) -> Decision:
    """Judge one touch: valid for whom (TCH-3), does it acquire (BND-1, TCH-4), does it rebind (BND-4)?

    The first valid touch acquires; of a member who bought before it, without acquisition share. A touch
    which was earlier by (occurred_at, received_at) and arrived late takes the place of the acquisition
    within ``LATE``, as long as nothing was bought. Any other touch of a clerk who does not serve the member
    yet takes over when ``opens_at`` has come, or when nobody serves; else it changes nothing.
    """
    wrong = _invalid(shown, occurred_at)
    if wrong is not None:
        clerk_id = shown.clerk_id if wrong in (Reason.SELF, Reason.FRAUD_HOLD) else None
        return Decision(False, wrong, TouchResult.INVALID, clerk_id, shown.store_id)
    reason = _store_level(shown)
    clerk_id = None if reason else shown.clerk_id
    result, acquires, replaces = TouchResult.RECORDED, None, False
    if kind not in NEVER_BINDS:
        if acquired is None:
            acquires = _kind(customer_since, occurred_at)
        elif _came_first(acquired, customer_since, occurred_at, received_at):
            acquires, replaces = _kind(customer_since, occurred_at), True
        elif acquired.occurred_at == occurred_at and acquired.clerk_id != clerk_id:
            result = TouchResult.LOST_RACE
        elif clerk_id is not None and _takes_over(clerk_id, serving, spans or Spans(), occurred_at):
            rebound = TouchResult.REBOUND
            return Decision(True, reason, rebound, clerk_id, shown.store_id, rebinds=True)
    if acquires is not None:
        acquired_now = acquires is AcquisitionKind.ACQUISITION
        result = TouchResult.ACQUIRED if acquired_now else TouchResult.REACTIVATED
    return Decision(True, reason, result, clerk_id, shown.store_id, acquires, replaces)


def _takes_over(clerk_id: int, serving: Serving | None, spans: Spans, occurred_at: datetime) -> bool:
    if serving is None:
        return True
    return serving.clerk_id != clerk_id and occurred_at >= opens_at(serving, spans)


def _invalid(shown: Shown, occurred_at: datetime) -> Reason | None:
    if shown.store_id is None:
        return Reason.CODE_UNKNOWN
    if shown.revoked_at is not None and shown.revoked_at <= occurred_at:
        return Reason.CODE_REVOKED
    if shown.expires_at is not None and shown.expires_at <= occurred_at:
        return Reason.CODE_EXPIRED
    if shown.store_status is StoreStatus.CLOSED:
        return Reason.STORE_CLOSED
    if shown.store_status is StoreStatus.CLOSING:
        return Reason.STORE_CLOSING
    if shown.is_self and shown.clerk_status is not ClerkStatus.LEFT:
        return Reason.SELF
    if shown.is_held:
        return Reason.FRAUD_HOLD
    return None


def _store_level(shown: Shown) -> Reason | None:
    if shown.clerk_status is ClerkStatus.LEFT:
        return Reason.CLERK_LEFT
    if shown.clerk_status is ClerkStatus.LEAVING:
        return Reason.CLERK_LEAVING
    return None


def _kind(customer_since: datetime | None, occurred_at: datetime) -> AcquisitionKind:
    bought_before = customer_since is not None and customer_since <= occurred_at
    return AcquisitionKind.REACTIVATION if bought_before else AcquisitionKind.ACQUISITION


def _came_first(
    acquired: Acquired, customer_since: datetime | None, occurred_at: datetime, received_at: datetime
) -> bool:
    earlier = (occurred_at, received_at) < (acquired.occurred_at, acquired.received_at)
    return earlier and customer_since is None and received_at - acquired.received_at <= LATE


@dataclass(frozen=True)
class Evidence:
    """A valid touch of a clerk, as evidence on an order."""

    touch_id: int
    kind: TouchKind
    clerk_id: int
    occurred_at: datetime
    received_at: datetime


def strongest(evidence: Iterable[Evidence]) -> Evidence | None:
    """The touch that says who sold (TCH-5): the strongest kind, among equals the latest by TCH-4."""
    telling = [item for item in evidence if item.kind in STRENGTH]
    return max(
        telling,
        key=lambda item: (STRENGTH[item.kind], item.occurred_at, item.received_at, item.touch_id),
        default=None,
    )
