"""When an order's payment is shared, with whom and how much, and when it is only freed (FRZ-4). Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from app.base.clock import days_after, local_day, start_of_day
from app.commission.rules import sharing_ends_at, sharing_guard_at
from app.commission.sharing_out import Outgoing

# WeChat's cap for all shares of a payment together, and the most parts of one request (WECHAT_PAY 8).
MOST_BP = 3000
MOST_PARTS = 50
# How far back a sweep looks: WeChat has freed everything older by itself.
REACH = timedelta(days=31)
NOT_KNOWN = frozenset({"RESOURCE_NOT_EXISTS", "NOT_FOUND"})


class Step(StrEnum):
    """What to do about a payment whose money is frozen."""

    WAIT = "WAIT"  # something may still become certain in time
    SHARE = "SHARE"  # pay what is certain, and free the rest
    UNFREEZE = "UNFREEZE"  # nobody is paid out of it any more


def decide(shares: Sequence[Outgoing], *, paid_at: datetime, now: datetime) -> Step:
    """One request shares a payment, so it waits until every share is certain, at the longest until day 24.

    On day 24 what is certain goes out and the rest stays for the settlement; from 00:00 of day 25 on nothing
    is shared any more: what is owed becomes an invoiced service fee between the companies.
    """
    if now >= sharing_guard_at(paid_at):
        return Step.UNFREEZE
    ready = [one for one in shares if one.is_certain]
    if ready and (len(ready) == len(shares) or now >= days_after(paid_at, 24)):
        return Step.SHARE
    return Step.WAIT


def choose(shares: Sequence[Outgoing], *, payment_fen: int) -> list[Outgoing]:
    """Of the certain shares, whole companies in the order of their codes while they fit into 30 % of the payment.

    A company that does not fit is left to the settlement.
    """
    by_company: dict[str, list[Outgoing]] = {}
    for one in shares:
        if one.is_certain:
            by_company.setdefault(one.payee, []).append(one)
    chosen: list[Outgoing] = []
    sum_fen = companies = 0
    for _, parts in sorted(by_company.items()):
        part_fen = sum(one.due_fen for one in parts)
        if (sum_fen + part_fen) * 10_000 <= payment_fen * MOST_BP and companies < MOST_PARTS:
            chosen += parts
            sum_fen += part_fen
            companies += 1
    return chosen


def is_over(paid_at: datetime, now: datetime) -> bool:
    """Whether WeChat has freed the payment by itself, a day to spare."""
    return now >= days_after(sharing_ends_at(paid_at), 1)


def guarded_before(now: datetime) -> datetime:
    """Payments from before this moment are in the guard: 00:00 local 24 days before today."""
    return start_of_day(local_day(now) - timedelta(days=24))
