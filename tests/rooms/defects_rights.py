"""Ways to break the invariants of the back office, as SQL on the story of test_check_books."""

from tests.rooms.defects import Defect

_OPERATOR = (
    "insert into operator (code, name, role, status, password_hash, password_is_initial)"
    " values ('O-9', 'x', '{role}', '{status}', 'x', false)"
)
_NOTED = (
    "insert into audit_entry (actor, action, subject, after, why, happened_at) values ('test', 'operator.create',"
    ' \'operator:O-9\', \'{{"role": "FINANCE", "entity": null, "store": null, "status": "{status}"}}\','
    " 'x', now())"
)

RIGHTS: tuple[Defect, ...] = (
    Defect("I29", (_NOTED.format(status="ACTIVE"), _OPERATOR.format(role="OWNER", status="ACTIVE"))),
    Defect(
        "I30",
        (
            _NOTED.format(status="DISABLED"),
            _OPERATOR.format(role="FINANCE", status="DISABLED"),
            "insert into operator_login (token_hash, operator_id, seen_at, expires_at)"
            " select 'x', id, now(), now() from operator",
        ),
    ),
)
