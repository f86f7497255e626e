"""One way to break each invariant of who serves whom, on the story of test_check_books."""

from tests.rooms.defects import MEMBER, STORE, Defect, bind


def bound(reason: str, start: str, end: str) -> str:
    """A service binding of M-0001 that has ended."""
    return (
        "insert into service_binding (member_id, store_id, valid_from, valid_to, reason, actor)"
        f" values ({MEMBER}, {STORE}, '{start}', '{end}', '{reason}', 'test')"
    )


RELATIONS = (
    Defect(
        "R01",
        (
            bind("2036-02-28"),
            f"insert into clerk (code, name, store_id, role, status) select 'C-9', 'x', {STORE}, 'CLERK', 'LEFT'",
            "update service_binding set clerk_id = (select id from clerk where code = 'C-9')",
        ),
    ),
    Defect(
        "R02",
        (
            bind("2036-02-28"),
            "insert into clerk (code, name, store_id, role, status) values ('C-9', 'x', 999, 'CLERK', 'ACTIVE')",
            "update service_binding set clerk_id = (select id from clerk where code = 'C-9')",
        ),
    ),
    Defect("R03", tuple(bound("TRANSFER", f"2026-03-0{day}", f"2026-03-0{day + 1}") for day in (1, 2, 3))),
    Defect("R04", tuple(bound("CUSTOMER", f"2026-03-0{day}", f"2026-03-0{day + 1}") for day in (1, 2))),
    Defect(
        "R05",
        (
            "insert into handover (number, kind, mode, from_store_id, state, actor, why, created_at)"
            f" values ('H1', 'LEAVER', 'ASSIGN', {STORE}, 'DONE', 'test', 'x', '2026-03-02')",
            "insert into handover_move (handover_id, member_id, from_binding_id, to_store_id, state)"
            f" select id, {MEMBER}, 999, {STORE}, 'PLANNED' from handover",
        ),
    ),
    Defect(
        "R06",
        (
            "insert into bounty (member_id, clerk_id, touch_id, acquired_on, place, amount_fen, state, judged_at)"
            f" values ({MEMBER}, 999, 999, '2026-03-02', 2, 200, 'TAKEN_BACK', '2026-03-10')",
        ),
    ),
)
