"""Members, clerks, hand-overs and tasks of somebody else: cases for ``foreign.py``.

The cast's clerk, manager and store manager are of SZ-FT (E-HQ), its franchisee runs WF-TH (E-WF1).
"""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.clock import local_day
from app.base.scope import Scope
from app.members import consents
from app.relations.leaving import Wish, hand_over, start_leaving
from models.members import Purpose
from models.relations import HandoverMode
from tests import make
from tests.bound import HUANG, LIN, ZHAO, members_of, number_of
from tests.doors.cast import Cast
from tests.doors.foreign_case import Foreign, Params, Unseen

_PHONE = text("update member set phone_sealed = :sealed where id = :id")
_TASK = text(
    "insert into clerk_task (number, clerk_id, member_id, kind, occasion, facts, due_on, created_at)"
    " select 'T261121FOREIGN1', c.id, :member, 'GREET', 'greet:foreign', '{}', :day, :now from clerk c"
    " where c.code = :clerk"
)
_CLERK = text(
    "insert into clerk (code, name, store_id, role, status)"
    " select 'C-WFTH-01', '王立新', id, 'CLERK', 'ACTIVE' from store where code = 'WF-TH'"
)
_NAMED = text("update member set number = :number where id = :id")
_TOUCH = text(
    "insert into touch (member_id, kind, clerk_id, store_id, occurred_at, received_at, raw_key, valid, result)"
    " select :member, 'CLERK_CODE', id, store_id, :at, :at, 'foreign', true, 'RECORDED' from clerk"
    " where code = :clerk"
)


def a_leaver_of_another_store(session: Session, cast: Cast) -> Params:
    """A clerk of SZ-NS with one member, who leaves today."""
    _leaver(session, cast, ZHAO)
    return {"clerk": ZHAO}


def a_handover_of_another_store(session: Session, cast: Cast) -> Params:
    """From a clerk of SZ-NS to the store's team."""
    _leaver(session, cast, ZHAO)
    to_the_team = Wish(HandoverMode.ASSIGN, to=None)
    number = hand_over(
        session, clerk_code=ZHAO, wish=to_the_team, actor="test", why="离职", scope=Scope(), now=cast.now
    )
    return {"number": number}


def a_leaver_of_ours_and_a_clerk_of_others(session: Session, cast: Cast) -> Params:
    """The members of a clerk of SZ-FT shall go to SZ-NS, to somebody who has left."""
    _leaver(session, cast, LIN)
    return {"clerk": LIN, "to": "C-SZNS-01"}


def a_member_of_another_store(session: Session, cast: Cast) -> Params:
    """Who met SZ-NS and is served there."""
    return {"number": _member(session, cast, ZHAO)}


def a_member_of_a_colleague(session: Session, cast: Cast) -> Params:
    """Served by SZ-FT's manager; she agreed to be called."""
    number = _member(session, cast, HUANG)
    facts = {"number": number, "sealed": make.VAULT.seal("phone", "13812345678")}
    member_id = session.execute(text("select id from member where number = :number"), facts).scalar_one()
    session.execute(_PHONE, {"id": member_id, "sealed": facts["sealed"]})
    consents.give(
        session,
        member_id=member_id,
        purpose=Purpose.CLERK_CONTACT,
        doc_version="1",
        channel="test",
        now=cast.now,
    )
    return {"number": number}


def a_member_of_ours_and_a_clerk_of_others(session: Session, cast: Cast) -> Params:
    """A member of SZ-FT shall go to SZ-NS, to somebody who has left."""
    _member(session, cast, LIN, number=_OURS)
    return {"member": _OURS, "to": "C-SZNS-01"}


def a_task_of_a_colleague(session: Session, cast: Cast) -> Params:
    """To be done by SZ-FT's manager."""
    number = _member(session, cast, HUANG)
    facts = {"number": number, "clerk": HUANG, "day": local_day(cast.now), "now": cast.now}
    member = session.execute(text("select id from member where number = :number"), facts).scalar_one()
    session.execute(_TASK, {**facts, "member": member})
    return {"number": "T261121FOREIGN1"}


def a_clerk_of_ours_and_another_store(session: Session, cast: Cast) -> Params:
    """The franchisee's clerk shall go to head office's store."""
    session.execute(_CLERK)
    return {"clerk": "C-WFTH-01", "store": "SZ-NS"}


def a_clerk_of_another_company(session: Session, cast: Cast) -> Params:
    """Head office's clerk shall come to the franchisee's store."""
    return {"clerk": LIN, "store": "WF-TH"}


def a_sale_of_another_store(session: Session, cast: Cast) -> Params:
    """An unpaid order that a clerk of SZ-NS sold."""
    make.stock(session, "AP-1002-M", 5, location="SZ-NS")
    buyer = make.a_buyer(session, "other")
    at = cast.now - timedelta(minutes=10)
    session.execute(_TOUCH, {"member": buyer.member_id, "clerk": ZHAO, "at": at})
    return {"number": make.an_order(session, buyer, store="SZ-NS", now=cast.now).number}


def another_company_s_store(session: Session, cast: Cast) -> Params:
    """SZ-NS, as it is."""
    return {"store": "SZ-NS"}


def _member(session: Session, cast: Cast, clerk: str, *, number: str = "") -> str:
    """The number of a new member whom that clerk brought and serves."""
    store = "SZ-NS" if clerk == ZHAO else "SZ-FT"
    (member_id,) = members_of(session, clerk, 1, at=cast.now - timedelta(days=2), store=store)
    if number:
        session.execute(_NAMED, {"id": member_id, "number": number})
    return number_of(session, member_id)


def _leaver(session: Session, cast: Cast, clerk: str) -> None:
    _member(session, cast, clerk)
    day = local_day(cast.now)
    start_leaving(
        session, clerk_code=clerk, last_day=day, actor="test", why="离职", scope=Scope(), now=cast.now
    )


_OURS = "M-OURS"
_NOBODY, _NO_MEMBER = {"clerk": "C-NOBODY"}, {"number": "M-NOBODY"}
_NO_HANDOVER, _NO_TASK = {"number": "H261121ZZZZZZZZ"}, {"number": "T261121ZZZZZZZZ"}
_BOOKS = (
    "clerk",
    "clerk_link",
    "store",
    "legal_entity",
    "service_binding",
    "handover",
    "handover_move",
    "procrastinate_jobs",
    "audit_entry",
)
_LAST_DAY = {"last_day": "2026-11-30", "why": "离职"}
_EVENLY = {"mode": "EVEN_SPLIT"}
_TO = {"mode": "ASSIGN", "to": "<to>"}
_WHY = {"why": "调整"}
# Who staffs one store, and where each does it; a franchisee staffs a company.
_MANAGERS = (("manager", "/api/clerk/team"), ("STORE_MANAGER", "/api/backoffice/clerks"))
_STAFF = (*_MANAGERS, ("FRANCHISEE", "/api/backoffice/clerks"))


def _prefix(who: str) -> str:
    return "/api/clerk/team" if who == "manager" else "/api/backoffice"


FOREIGN: tuple[Foreign, ...] = (
    *(
        Foreign(
            f"{method} {place}/<clerk>/{rest}",
            who,
            a_leaver_of_another_store,
            _NOBODY,
            body=body,
            unchanged=_BOOKS,
        )
        for who, place in _STAFF
        for method, rest, body in (
            ("PUT", "leaving", _LAST_DAY),
            ("POST", "handover/preview", _EVENLY),
            ("POST", "handover", _EVENLY | _WHY),
        )
    ),
    *(
        Foreign(
            f"POST {place}/<clerk>/{rest}",
            who,
            a_leaver_of_ours_and_a_clerk_of_others,
            {"clerk": LIN, "to": "C-NOBODY"},
            body=body,
            unchanged=_BOOKS,
        )
        for who, place in _MANAGERS
        for rest, body in (("handover/preview", _TO), ("handover", _TO | _WHY))
    ),
    *(
        case
        for who, _ in _STAFF
        for case in (
            Foreign(
                f"GET {_prefix(who)}/handovers/<number>",
                who,
                a_handover_of_another_store,
                _NO_HANDOVER,
            ),
            Foreign(
                f"GET {_prefix(who)}/members/<number>/story",
                who,
                a_member_of_another_store,
                _NO_MEMBER,
            ),
            Foreign(
                f"POST {_prefix(who)}/transfers",
                who,
                a_member_of_another_store,
                _NO_MEMBER,
                body={"member": "<number>", "to": LIN, "why": "调整"},
                unchanged=_BOOKS,
            ),
        )
    ),
    *(
        Foreign(
            f"POST {_prefix(who)}/transfers",
            who,
            a_member_of_ours_and_a_clerk_of_others,
            {"member": _OURS, "to": "C-NOBODY"},
            body={"member": "<member>", "to": "<to>", "why": "调整"},
            unchanged=_BOOKS,
        )
        for who, _ in _MANAGERS
    ),
    *(
        Foreign(
            "POST /api/backoffice/clerks/<clerk>/left",
            who,
            a_leaver_of_another_store,
            _NOBODY,
            body=_WHY,
            unchanged=_BOOKS,
        )
        for who in ("STORE_MANAGER", "FRANCHISEE")
    ),
    Foreign(
        "PUT /api/backoffice/clerks/<clerk>/store",
        "FRANCHISEE",
        a_clerk_of_another_company,
        {"clerk": "C-NOBODY", "store": "WF-TH"},
        body={"store": "<store>", "why": "调店"},
        unchanged=_BOOKS,
    ),
    Foreign(
        "PUT /api/backoffice/clerks/<clerk>/store",
        "FRANCHISEE",
        a_clerk_of_ours_and_another_store,
        {"clerk": "C-WFTH-01", "store": "SZ-XX"},
        body={"store": "<store>", "why": "调店"},
        unchanged=_BOOKS,
    ),
    *(
        Foreign(
            route,
            "FRANCHISEE",
            another_company_s_store,
            {"store": "SZ-XX"},
            body=body,
            unchanged=_BOOKS,
        )
        for route, body in (
            ("PUT /api/backoffice/stores/<store>/closing", {"closing_on": "2026-12-31", "why": "租约到期"}),
            ("POST /api/backoffice/stores/<store>/close", _WHY),
        )
    ),
    *(
        Foreign("POST /api/clerk/fans/<number>/phone", "clerk", made, _NO_MEMBER)
        for made in (a_member_of_a_colleague, a_member_of_another_store)
    ),
    Foreign(
        "POST /api/clerk/tasks/<number>/done",
        "clerk",
        a_task_of_a_colleague,
        _NO_TASK,
        body={"note": "已问候"},
        unchanged=("clerk_task", "audit_entry"),
    ),
    *(
        Foreign(
            "POST /api/clerk/orders/<number>/shared-sale",
            who,
            a_sale_of_another_store,
            {"number": "A261121ZZZZZZZZ"},
            body={"parts": [{"clerk": LIN, "part_bp": 5000}, {"clerk": HUANG, "part_bp": 5000}]},
            unchanged=("orders", "shared_sale", "commission_share", "idempotent_answer", "audit_entry"),
        )
        for who in ("clerk", "manager")
    ),
)

UNSEEN: tuple[Unseen, ...] = (
    Unseen("/api/clerk/fans", "clerk", a_member_of_a_colleague, seer="manager"),
    Unseen("/api/clerk/fans", "manager", a_member_of_another_store),
    Unseen("/api/clerk/tasks", "clerk", a_task_of_a_colleague, seer="manager"),
    Unseen("/api/clerk/team", "manager", a_leaver_of_another_store),
)

_WHOLE_BRAND = "head office's, and nobody bounded to a part of the brand gets past the guard"
_OWN = "a purpose; whose consent it is, says the token"
NOT_OWNED: dict[str, str] = {
    "POST /api/backoffice/binding-terms/<version>/approve": _WHOLE_BRAND,
    "PUT /api/backoffice/entities/<entity>/contract": _WHOLE_BRAND,
    "PUT /api/backoffice/members/<number>/allowed-store": _WHOLE_BRAND,
    "DELETE /api/shopper/me/consents/<purpose>": _OWN,
    "PUT /api/shopper/me/consents/<purpose>": _OWN,
}
