"""The arithmetic of KPI credit and figures. Pure: fen, basis points, whole numbers; never a float."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.base.money import largest_remainder
from models.kpi import KpiRole, Scenario
from models.orders import OrderOrigin

# The fixed order of roles: left-over fen go to the one named first among equals (C-3).
ROLE_ORDER = (KpiRole.ONLINE, KpiRole.SELL_STORE, KpiRole.ACQ_STORE, KpiRole.FULFIL_STORE)
WHOLE_BP = 10000


@dataclass(frozen=True, slots=True)
class Weights:
    """KPI-1: what each role gets of a line in basis points; together 10000."""

    online_bp: int
    sell_bp: int
    acq_bp: int
    fulfil_bp: int

    def by_role(self) -> dict[KpiRole, int]:
        """The weights in the order of roles."""
        given = (self.online_bp, self.sell_bp, self.acq_bp, self.fulfil_bp)
        return dict(zip(ROLE_ORDER, given, strict=True))


class Part(NamedTuple):
    """A role's part of an amount; ``store_id`` None is the online shop."""

    role: KpiRole
    store_id: int | None
    amount_fen: int


def scenario(origin: OrderOrigin, *, by_store: bool) -> Scenario:
    """KPI-1: which weights apply. ``by_store``: a store hands the goods over, not a warehouse."""
    if origin is OrderOrigin.POS:
        return Scenario.POS
    if origin is OrderOrigin.STORE:
        return Scenario.SHELF_STORE if by_store else Scenario.SHELF_DC
    return Scenario.ONLINE_STORE if by_store else Scenario.ONLINE_DC


def credit(amount_fen: int, weights: Weights, stores: Mapping[KpiRole, int | None]) -> list[Part]:
    """KPI-1: divide a line's amount; the sum is always the amount.

    The weight of a role without a store goes to the online shop before anything is rounded. Roles that
    weigh nothing get no part. Refuses (ValueError) a negative amount.
    """
    wanted = weights.by_role()
    for role in ROLE_ORDER[1:]:
        if stores.get(role) is None:
            wanted[KpiRole.ONLINE] += wanted.pop(role)
    named = {role: bp for role, bp in wanted.items() if bp}
    amounts = largest_remainder(amount_fen, list(named.values()))
    return [Part(role, stores.get(role), fen) for role, fen in zip(named, amounts, strict=True)]


def take_back(refund_fen: int, remaining: Sequence[int]) -> list[int]:
    """KPI-1: how much each part gives back, so that nothing rises and the last refund leaves exactly 0.

    By largest remainder with what remains as weights, as claw-back does (CLW-1). Refuses (ValueError) a
    refund that is not positive or above what remains.
    """
    if refund_fen <= 0 or refund_fen > sum(remaining):
        raise ValueError("a refund takes a positive part of what remains")
    return largest_remainder(refund_fen, remaining)


def ratio_bp(part: int, whole: int) -> int | None:
    """``part / whole`` in basis points, half up; None when there is nothing to divide by."""
    return None if whole <= 0 else (part * WHOLE_BP * 2 + whole) // (whole * 2)


def mean_fen(total_fen: int, count: int) -> int | None:
    """The average of ``count`` amounts in fen, half up; None when there is none."""
    return None if count <= 0 else (total_fen * 2 + count) // (count * 2)


def ranks(amounts: Sequence[int]) -> list[int]:
    """The place of each of some amounts sorted downward: equals share a place, the next one counts them."""
    places: list[int] = []
    for index, amount in enumerate(amounts):
        same = index > 0 and amounts[index - 1] == amount
        places.append(places[-1] if same else index + 1)
    return places
