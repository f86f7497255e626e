"""The arithmetic of settlement: tiers, netting and carrying, portions of a payout, tax preview. Pure; fen, bp.

Rule ids are those of the domain sheet: SET (settlement), CLW (claw-back).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from app.base.clock import local_day, start_of_day
from app.base.errors import Invalid
from app.base.money import half_up
from app.commission.rules import CARRY_CYCLES

# SET-3: less is not paid out but kept for the next month.
MINIMUM_PAYOUT_FEN = 100
# SET-3: what WeChat lets one person receive in a day.
MOST_A_DAY_FEN = 2_000_000
# SET-1: on this local day of the month the batch is made.
DAY_OF_SETTLEMENT = 10
WHOLE_BP = 10_000
HIGHEST_MULTIPLIER_BP = 30_000

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Step:
    """From this attainment on (basis points of the target) rows count times ``multiplier_bp``."""

    from_bp: int
    multiplier_bp: int


# SET-2, version 0: below 80 % x0.8, 80 to below 100 % x1.0, 100 to below 120 % x1.1, from 120 % x1.2.
DEFAULT_SCALE = (Step(0, 8_000), Step(8_000, 10_000), Step(10_000, 11_000), Step(12_000, 12_000))


@dataclass(frozen=True, slots=True)
class Net:
    """What becomes of a party's sum: it is paid, or carried on. ``cycles``: batches in a row below zero."""

    payable_fen: int
    carried_out_fen: int
    cycles: int

    @property
    def needs_write_off(self) -> bool:
        """Whether the debt was carried as often as it may be (CLW-3)."""
        return self.cycles >= CARRY_CYCLES


def multiplier_bp(attained_fen: int, target_fen: int, scale: Sequence[Step] = DEFAULT_SCALE) -> int:
    """SET-2: the multiplier of what was attained of a target (above zero); exact, without a division.

    Below the first step (a month with more refunds than sales) the first step counts.
    """
    if target_fen <= 0:
        raise ValueError("a target is above zero")
    reached = [step for step in scale if attained_fen * WHOLE_BP >= step.from_bp * target_fen]
    return (reached or scale[:1])[-1].multiplier_bp


def attainment_bp(attained_fen: int, target_fen: int) -> int:
    """How much of the target was attained, in basis points, rounded down: for people to read."""
    return attained_fen * WHOLE_BP // target_fen


def tier_fen(rows_fen: int, multiplier_bp: int) -> int:
    """SET-2: what the tier adds to rows of ``rows_fen`` (either may be negative), half up away from zero."""
    change_bp = multiplier_bp - WHOLE_BP
    sign = -1 if (rows_fen < 0) != (change_bp < 0) else 1
    return sign * half_up(abs(rows_fen), abs(change_bp))


def check_scale(steps: Sequence[Sequence[int]]) -> tuple[Step, ...]:
    """The scale in a list of [from_bp, multiplier_bp]. Refuses (Invalid) any that is not a rising scale from 0."""
    wrong = ""
    if not 1 <= len(steps) <= 20 or any(len(step) != 2 for step in steps):
        wrong = "1 to 20 pairs of [from_bp, multiplier_bp]"
    elif steps[0][0] != 0:
        wrong = "the first step begins at 0"
    elif any(after[0] <= before[0] for before, after in pairwise(steps)):
        wrong = "each step begins above the one before"
    elif any(not 0 <= multiplier <= HIGHEST_MULTIPLIER_BP for _, multiplier in steps):
        wrong = f"multipliers lie between 0 and {HIGHEST_MULTIPLIER_BP}"
    elif any(after[1] < before[1] for before, after in pairwise(steps)):
        wrong = "who attains more never earns less"
    if wrong:
        raise Invalid("The scale is not valid.", fields={"steps": wrong})
    return tuple(Step(from_bp, multiplier) for from_bp, multiplier in steps)


def net(rows_fen: int, carried_in_fen: int, cycles_before: int = 0) -> Net:
    """CLW-3, SET-3: pay what is left of a party's sum if it is worth paying, never below zero; carry the rest.

    ``rows_fen``: shares, adjustments and tiers of this batch. ``cycles_before``: how many batches in a row
    what is carried in has been below zero.
    """
    total_fen = rows_fen + carried_in_fen
    if total_fen >= MINIMUM_PAYOUT_FEN:
        return Net(total_fen, 0, 0)
    return Net(0, total_fen, cycles_before + 1 if total_fen < 0 else 0)


def portions(payable_fen: int, *, most_a_day_fen: int = MOST_A_DAY_FEN) -> list[int]:
    """SET-3: a payable amount as one portion a day, none above the limit, none below what can be paid.

    A last portion below the minimum is filled up from the one before it.
    """
    full, rest = divmod(payable_fen, most_a_day_fen)
    parts = [most_a_day_fen] * full + ([rest] if rest else [])
    if full and 0 < rest < MINIMUM_PAYOUT_FEN:
        parts[-2:] = [most_a_day_fen + rest - MINIMUM_PAYOUT_FEN, MINIMUM_PAYOUT_FEN]
    return parts


def tax_preview_fen(income_fen: int) -> int:
    """SET-4: what is withheld of a month's labour remuneration of somebody who is not employed.

    Up to 4 000 yuan: 20 % of what exceeds 800 yuan. Above: 80 % of it are taxed with 20 %, beyond
    20 000 yuan 30 % less 2 000, beyond 50 000 yuan 40 % less 7 000. 300 000 -> 44 000; 1 000 000 -> 160 000.
    """
    if income_fen <= 400_000:
        return half_up(max(0, income_fen - 80_000), 2_000)
    taxed_fen = half_up(income_fen, 8_000)
    if taxed_fen <= 2_000_000:
        return half_up(taxed_fen, 2_000)
    if taxed_fen <= 5_000_000:
        return half_up(taxed_fen, 3_000) - 200_000
    return half_up(taxed_fen, 4_000) - 700_000


def month_of(moment: datetime) -> str:
    """The local calendar month of a moment, ``2026-11``."""
    return local_day(moment).isoformat()[:7]


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """The first moment of a local calendar month ``YYYY-MM`` and of the next. Refuses other forms (Invalid)."""
    if not _MONTH.fullmatch(month):
        raise Invalid("No such month.", fields={"month": "must look like 2026-11"})
    first = date.fromisoformat(f"{month}-01")
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return start_of_day(first), start_of_day(following)
