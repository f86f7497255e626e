"""What a merge does to money (MRG-4, MRG-5): the dates and figures of the domain sheet, on a real database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution.adopting import adopt
from app.base.db import Tx
from app.commission.accrual import accrue
from app.commission.holding import hold
from app.commission.merging import reattribute
from app.commission.moving import Heir, move
from app.commission.release import release_due
from app.members.merging import merge
from models.commission import PartyKind
from tests.rooms.paid import (
    HQ,
    WEIGHTS,
    Sold,
    book,
    hand_over,
    local,
    party,
    sell,
    share_ids,
    snapshot,
    staff,
)

pytestmark = pytest.mark.usefixtures("right_books")

FOLLOWED, SHARED = local("2026-03-01") + timedelta(hours=10), local("2026-03-10") + timedelta(hours=10)
BOUGHT, LINKED = local("2026-03-12") + timedelta(hours=10), local("2026-03-15") + timedelta(hours=10)
A, B, FUTIAN, NANSHAN = "clerk:C-SZFT-01", "clerk:C-SZNS-01", "store:SZ-FT", "store:SZ-NS"
BY_B = [
    party("ACQ_CLERK", B),
    party("ACQ_STORE", NANSHAN),
    party("SVC_CLERK", B),
    party("SELL_CLERK", B),
    party("FULFIL_STORE", FUTIAN),
]
_TOUCH = text(
    """
    insert into touch (member_id, kind, clerk_id, store_id, occurred_at, received_at, raw_key, valid, result)
    select m.id, cast(:kind as text), c.id, s.id, :at, :at, 'raw-' || m.number, true, 'ACQUIRED'
      from member m, store s left join clerk c on c.code = cast(:clerk as text)
     where m.number = :number and s.code = :store
    returning id
    """
)
_ACQUIRE = text(
    "insert into acquisition (member_id, kind, clerk_id, store_id, touch_id, acquired_at)"
    " select member_id, 'ACQUISITION', clerk_id, store_id, id, occurred_at from touch where id = :id"
)
_SERVE = text(
    "insert into service_binding (member_id, clerk_id, store_id, valid_from, reason, touch_id, actor)"
    " select member_id, clerk_id, store_id, occurred_at, 'ACQUIRED', id, 'test' from touch where id = :id"
)
_POLICY = text(
    "insert into attribution_policy (code, version, scope, mode, params, effective_from, created_by,"
    " approved_by, approved_at) values ('DEFAULT', 1, 'BRAND', 'ROLE_SPLIT', cast(:params as jsonb),"
    " '2020-01-01', 'test', 'test2', '2020-01-01')"
)
MEMBER = text("select id from member where number = :number")


def acquired(session: Session, number: str, clerk: str | None, store: str, kind: str, at: datetime) -> None:
    """A valid touch that acquired a member, who is served from then on."""
    facts = {"number": number, "clerk": clerk, "store": store, "kind": kind, "at": at}
    touch_id = session.execute(_TOUCH, facts).scalar_one()
    for statement in (_ACQUIRE, _SERVE):
        session.execute(statement, {"id": touch_id})


@dataclass
class Late:
    """MRG-5: an official-account member acquired by A, a mini-program member acquired by B who then bought."""

    older: int
    younger: int
    sold: Sold


def late_unionid(
    tx: Tx, *, parties: list[dict[str, Any]] = BY_B, first: str | None = "C-SZFT-01", before: str = ""
) -> Late:
    with tx() as session:
        staff(session)
        session.execute(_POLICY, {"params": _params()})
        session.execute(text("insert into member (number, created_at) values ('M-0006', '2026-03-01')"))
        acquired(session, "M-0006", first, "SZ-FT", "SUBSCRIBE_SCAN", FOLLOWED)
        acquired(session, "M-0001", "C-SZNS-01", "SZ-NS", "SHARE_CLICK", SHARED)
        sold = sell(session, credit=snapshot(parties), paid_at=BOUGHT)
        accrue(session, sold.lines, paid_at=BOUGHT, now=BOUGHT)
        older, younger = (
            session.execute(MEMBER, {"number": number}).scalar_one() for number in ("M-0006", "M-0001")
        )
        if before:
            session.execute(text(before))
    return Late(older, younger, sold)


def _params() -> str:
    weights = ", ".join(f'"{role}": {weight}' for role, weight in WEIGHTS.items())
    return '{"weights": {' + weights + '}, "pools": {"apparel": 500}}'


def linked(tx: Tx, late: Late, times: int = 2) -> datetime | None:
    """The unionid links both; the job runs, more than once."""
    again = None
    with tx() as session:
        assert merge(session, late.older, late.younger, reason="UNIONID", now=LINKED) == late.older
    for _ in range(times):
        with tx() as session:
            adopt(session, survivor_id=late.older, loser_id=late.younger, now=LINKED)
            again = reattribute(session, survivor_id=late.older, loser_id=late.younger, at=LINKED)
    return again


def held_by(tx: Tx, late: Late) -> list[tuple[str, str, int]]:
    """(role, party, fen) of whoever has something of the line."""
    with tx() as session:
        return [(role, party, left) for role, party, left, _ in book(session, late.sold) if left]


def test_mrg5_a_late_unionid_moves_the_449_frozen_fen_to_a_and_b_keeps_what_it_sold(tx: Tx) -> None:
    late = late_unionid(tx)
    assert linked(tx, late) is None
    assert held_by(tx, late) == [
        ("SVC_CLERK", B, 299),
        ("SELL_CLERK", B, 299),
        ("FULFIL_STORE", FUTIAN, 224),
        ("ACQ_CLERK", A, 449),
        ("ACQ_STORE", FUTIAN, 224),
    ]
    with tx() as session:
        found = session.execute(text("select cause, because from commission_move order by id")).all()
        assert {(move.cause, move.because["kind"]) for move in found} == {("merge:M-0001", "MERGE")}
        assert len(found) == 2


def test_mrg4_what_is_releasable_or_settled_is_not_moved(tx: Tx) -> None:
    late = late_unionid(tx)
    with tx() as session:
        hand_over(session, late.sold, at=BOUGHT)
        release_due(session, now=local("2026-03-30"))
    linked(tx, late)
    assert {party for role, party, _ in held_by(tx, late) if role == "ACQ_CLERK"} == {B}


def test_mrg4_a_held_frozen_share_moves_with_its_hold(tx: Tx) -> None:
    late = late_unionid(tx)
    with tx() as session:
        hold(session, share_ids=[share_ids(session, late.sold)["ACQ_CLERK"]], cause="fraud:1", at=LINKED)
    linked(tx, late)
    with tx() as session:
        assert ("ACQ_CLERK", A, 449, "HELD") in book(session, late.sold)


def test_mrg4_what_a_person_has_decided_stays(tx: Tx) -> None:
    late = late_unionid(tx)
    with tx() as session:
        share_id = share_ids(session, late.sold)["ACQ_CLERK"]
        heirs = [Heir(PartyKind.CLERK, "clerk:C-SZFT-02")]
        because = {"kind": "DISPUTE"}
        move(session, share_id=share_id, to=heirs, cause="dispute:1", because=because, at=LINKED)
    linked(tx, late)
    found = {role: party for role, party, _ in held_by(tx, late)}
    assert (found["ACQ_CLERK"], found["ACQ_STORE"]) == ("clerk:C-SZFT-02", FUTIAN)


def test_mrg4_acquired_by_a_stores_code_the_clerks_part_goes_to_head_office(tx: Tx) -> None:
    late = late_unionid(tx, first=None)
    linked(tx, late)
    found = {role: (party, fen) for role, party, fen in held_by(tx, late)}
    assert found["ACQ_CLERK"] == (HQ, 449)
    assert found["ACQ_STORE"] == (FUTIAN, 224)


def test_mrg4_what_head_office_had_for_want_of_a_party_goes_to_the_party(tx: Tx) -> None:
    late = late_unionid(tx, parties=BY_B[2:])
    assert ("HQ", HQ, 673) in held_by(tx, late)
    linked(tx, late)
    assert held_by(tx, late) == [
        ("SVC_CLERK", B, 299),
        ("SELL_CLERK", B, 299),
        ("FULFIL_STORE", FUTIAN, 224),
        ("ACQ_CLERK", A, 449),
        ("ACQ_STORE", FUTIAN, 224),
    ]


def test_clw4_an_acquiring_clerk_who_was_gone_on_the_day_leaves_it_to_the_store(tx: Tx) -> None:
    late = late_unionid(
        tx, before="update clerk set status = 'LEFT', last_day = '2026-03-05' where code = 'C-SZFT-01'"
    )
    linked(tx, late)
    assert ("ACQ_CLERK", FUTIAN, 449) in held_by(tx, late)


def test_mrg4_an_order_that_may_still_be_paid_is_looked_at_again(tx: Tx) -> None:
    late = late_unionid(tx)
    with tx() as session:
        session.execute(
            text(
                "insert into orders (number, member_id, identity_id, state, version, origin, selling_entity_id,"
                " selling_store_id, fulfilment, fulfilment_state, pickup_store_id, location_id, goods_fen,"
                " discount_fen, freight_fen, amount_fen, paid_fen, refunded_fen, created_at, expires_at)"
                " select 'A-OPEN', member_id, identity_id, 'CREATED', 1, origin, selling_entity_id,"
                " selling_store_id, fulfilment, 'WAITING', pickup_store_id, location_id, 1, 0, 0, 1, 0, 0,"
                " :at, :until from orders where number = :number"
            ),
            {"at": LINKED, "until": LINKED + timedelta(minutes=15), "number": late.sold.number},
        )
    assert linked(tx, late) == LINKED + timedelta(minutes=20)
    with tx() as session:
        session.execute(text("delete from orders where number = 'A-OPEN'"))
