"""A sale that parties dispute, and the steps of a dispute as tests take them (DSP-1)."""

from datetime import datetime, timedelta

from app.base.db import Tx
from app.base.scope import Scope
from app.review.deciding import Decision, apply, decide
from app.review.disputing import Claim, end_hearings, hear, open_dispute
from app.review.interest import Judge
from models.commission import Role
from models.review import DisputeKind, DisputeOutcome
from tests.rooms.paid import LIN, PAID_AT, Sold, book

NUMBER = "A260302TEST0001"
NOW = PAID_AT + timedelta(days=1)
AFTER = NOW + timedelta(days=7)
SERVICE = Judge("operator:O-SERVICE", Scope())
FINANCE = Judge("operator:O-FINANCE", Scope())


def claim(role: Role = Role.SELL_CLERK, claimant: str = LIN, kind: DisputeKind = DisputeKind.CREDIT) -> Claim:
    return Claim(NUMBER, kind, role, claimant, "顾客是我接待的")


def raised(tx: Tx, given: Claim | None = None, *, by: str = LIN, now: datetime = NOW) -> str:
    with tx() as session:
        return open_dispute(session, given or claim(), by=by, now=now)


def heard(tx: Tx, number: str) -> str:
    with tx() as session:
        assert hear(session, now=NOW) == 1
    with tx() as session:
        assert end_hearings(session, now=AFTER) == 1
    return number


def decided(
    tx: Tx,
    number: str,
    outcome: DisputeOutcome,
    *heirs: tuple[str, int],
    judge: Judge = SERVICE,
    now: datetime = AFTER,
) -> None:
    with tx() as session:
        decide(session, number=number, decision=Decision(outcome, "监控显示", heirs), judge=judge, now=now)


def applied(tx: Tx, number: str, now: datetime = AFTER) -> None:
    with tx() as session:
        apply(session, number=number, by=FINANCE.actor, judge=FINANCE, now=now)


def rows(tx: Tx, sold: Sold) -> list[tuple[str, str, int, str]]:
    with tx() as session:
        return book(session, sold)
