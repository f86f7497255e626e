"""Random lives of an order's commission: exact after every step, zero at the end, in any order (I22-I24, I27)."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.money import half_up
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.commission.holding import hold, unhold
from app.commission.moving import Heir, move
from app.commission.release import pause, release_due, resume
from app.commission.settling import fix_batch, mark_settled, return_from_batch, take_into_batch
from app.ledger.reading import balances
from models.commission import PartyKind
from scripts.check_books import broken
from tests.racing import at_once
from tests.rooms.paid import (
    CHEN,
    EVERYBODY,
    LIN,
    PAID_AT,
    Sold,
    book,
    hand_over,
    local,
    party,
    refund,
    sell,
    snapshot,
    staff,
)

pytestmark = pytest.mark.usefixtures("right_books")

DUE, APRIL = local("2026-03-13"), local("2026-04-01")
ZHOU, HQ = "clerk:C-SZNS-01", "entity:E-HQ"
PARTIES = (LIN, CHEN, ZHOU, "store:SZ-FT", HQ)
SHARED = [
    *EVERYBODY[:3],
    party("SELL_CLERK", LIN, part_bp=6000),
    party("SELL_CLERK", CHEN, part_bp=4000),
    EVERYBODY[4],
]


@dataclass
class Life:
    """One order line and what may happen to it. ``dice`` decides; ``refunds`` are paid out in parts."""

    session: Session
    sold: Sold
    dice: random.Random
    refunds: list[int]
    number: int = 0
    taken_back: int = 0
    causes: list[str] = field(default_factory=list)
    batch: int = 1

    @property
    def line_id(self) -> int:
        return self.sold.lines[0].order_line_id

    def again(self, cause: str) -> str:
        """A new cause."""
        self.number += 1
        return f"{cause}:{self.number}"

    def any_share(self) -> int:
        ids = self.session.execute(
            text("select id from commission_share where order_line_id = :id order by id"), {"id": self.line_id}
        ).scalars().all()  # fmt: skip
        return self.dice.choice(list(ids))

    def refund(self) -> None:
        if self.refunds:
            fen = self.refunds.pop()
            refund_id = refund(self.session, self.sold, {0: fen}, no=self.again("R"))
            for _ in range(2):
                reverse(self.session, refund_id=refund_id, lines=[(self.line_id, fen)], at=DUE)
            self.taken_back += fen

    def move(self) -> None:
        heirs = self.dice.sample(PARTIES, self.dice.randint(1, 3))
        cuts = sorted(self.dice.sample(range(1, 10_000), len(heirs) - 1))
        parts = [end - start for start, end in pairwise([0, *cuts, 10_000])]
        to = [Heir(PartyKind(p.partition(":")[0].upper()), p, bp) for p, bp in zip(heirs, parts, strict=True)]
        share_id, cause = self.any_share(), self.again("move")
        for _ in range(2):
            move(self.session, share_id=share_id, to=to, cause=cause, because={}, at=DUE)

    def hold(self) -> None:
        self.causes.append(self.again("review"))
        hold(self.session, share_ids=[self.any_share(), self.any_share()], cause=self.causes[-1], at=DUE)

    def unhold(self) -> None:
        if self.causes:
            unhold(self.session, cause=self.causes.pop(self.dice.randrange(len(self.causes))), at=DUE)

    def release(self) -> None:
        release_due(self.session, now=DUE)

    def pause(self) -> None:
        pause(self.session, order_line_ids=[self.line_id], cause=self.again("aftersale"), at=DUE)

    def resume(self) -> None:
        resume(self.session, cause=f"aftersale:{self.number}", at=DUE)

    def take(self) -> None:
        take_into_batch(
            self.session, batch_id=self.batch, party=self.dice.choice(PARTIES), before=APRIL, at=DUE
        )

    def leave(self) -> None:
        return_from_batch(self.session, batch_id=self.batch, at=DUE)

    def settle(self) -> None:
        if self.dice.random() < 0.5:
            fix_batch(self.session, batch_id=self.batch)
        mark_settled(self.session, batch_id=self.batch, at=DUE)
        self.batch += 1

    def standing(self) -> int:
        return sum(left for _, _, left, _ in book(self.session, self.sold))


STEPS: tuple[Callable[[Life], None], ...] = (
    *(Life.refund, Life.move, Life.hold, Life.unhold, Life.release, Life.take, Life.settle),
    *(Life.pause, Life.resume, Life.leave, Life.move, Life.refund, Life.release),
)


def begin(session: Session, base: int, dice: random.Random, *, shared: bool) -> Life:
    staff(session)
    sold = sell(session, [base], credit=snapshot(SHARED if shared else EVERYBODY))
    accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
    hand_over(session, sold)
    cuts = sorted({dice.randint(1, base) for _ in range(dice.randint(0, 5))} | {base})
    return Life(session, sold, dice, [end - start for start, end in pairwise([0, *cuts]) if end > start])


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32), base=st.integers(1, 300_000), shared=st.booleans(), steps=st.integers(5, 25)
)
def test_clw1_any_life_is_exact_after_each_step_and_ends_at_zero_in_both_books(
    tx: Tx, seed: int, base: int, shared: bool, steps: int
) -> None:
    dice = random.Random(seed)
    with tx() as session:
        life = begin(session, base, dice, shared=shared)
        for _ in range(steps):
            dice.choice(STEPS)(life)
            assert life.standing() == half_up(base - life.taken_back, 500)
            assert all(left >= 0 for _, _, left, _ in book(session, life.sold))
        assert broken(session.connection()) == []
        while life.refunds:
            life.refund()
        while life.causes:
            life.unhold()
        for number in range(life.number + 1):
            resume(session, cause=f"aftersale:{number}", at=DUE)
        life.release()
        assert life.standing() == 0
        for name in PARTIES:
            take_into_batch(session, batch_id=900, party=name, before=APRIL, at=DUE)
        mark_settled(session, batch_id=900, at=DUE)
        assert broken(session.connection()) == []
        names = [f"{kind}:{name}" for name in PARTIES for kind in ("frozen", "payable", "payout")]
        found = balances(
            session, [*names, "moving:commission", "expense:commission:E-HQ", "frozen:store:SZ-NS"]
        )
        # Whatever was paid out before the last refund is owed, fen for fen, by the same party.
        for name in PARTIES:
            assert found.pop(f"payable:{name}") + found.pop(f"payout:{name}") == 0
        assert set(found.values()) == {0}
        session.rollback()


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    base=st.integers(1, 300_000),
    cuts=st.lists(st.integers(1, 300_000), max_size=6),
    seed=st.integers(0, 2**32),
)
def test_i27_refunds_in_any_order_and_twice_leave_the_same_pool_and_the_same_sums(
    tx: Tx, base: int, cuts: list[int], seed: int
) -> None:
    points = sorted({cut % base for cut in cuts} - {0})
    parts = [end - start for start, end in pairwise([0, *points])]
    found = []
    for shuffled in (parts, parts[::-1], random.Random(seed).sample(parts, len(parts))):
        with tx() as session:
            life = begin(session, base, random.Random(seed), shared=False)
            life.refunds = list(shuffled)
            while life.refunds:
                life.refund()
            found.append((life.standing(), balances(session, ["expense:commission:E-HQ"])))
            assert broken(session.connection()) == []
            session.rollback()
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("attempt", range(3))
def test_i27_everything_at_once_leaves_right_books(tx: Tx, attempt: int) -> None:
    with tx() as session:
        life = begin(session, 59_800, random.Random(attempt), shared=True)
        sold, line_id = life.sold, life.line_id
        refunds = [(refund(session, sold, {0: 14_950}, no=f"R{no}"), 14_950) for no in range(4)]
        ids = session.execute(text("select id from commission_share order by id")).scalars().all()

    def work(number: int) -> None:
        with tx() as session:
            match number % 6:
                case 0 if number // 6 < len(refunds):
                    refund_id, fen = refunds[number // 6]
                    reverse(session, refund_id=refund_id, lines=[(line_id, fen)], at=DUE)
                case 1:
                    hold(session, share_ids=ids[:3], cause=f"review:{number}", at=DUE)
                case 2:
                    release_due(session, now=DUE)
                case 3:
                    to = [Heir(PartyKind.CLERK, ZHOU, 5000), Heir(PartyKind.CLERK, LIN, 5000)]
                    move(session, share_id=ids[number % len(ids)], to=to, cause="move:1", because={}, at=DUE)
                case 4:
                    take_into_batch(session, batch_id=1, party=LIN, before=APRIL, at=DUE)
                    mark_settled(session, batch_id=1, at=DUE)
                case _:
                    unhold(session, cause=f"review:{number - 4}", at=DUE)

    at_once(24, work)
    with tx() as session:
        for number in range(24):
            unhold(session, cause=f"review:{number}", at=DUE)
        release_due(session, now=DUE + timedelta(days=1))
        assert sum(left for _, _, left, _ in book(session, sold)) == 0
