"""Invariants of the back office: nobody has a right that the audit log does not explain."""

from scripts.books.check import Check

_LAST = """
    (select e.after ->> '{field}' from audit_entry e
      where e.subject = 'operator:' || o.code and jsonb_exists(e.after, '{field}')
      order by e.id desc limit 1)
"""


def _last(field: str) -> str:
    return _LAST.format(field=field)


CHECKS: tuple[Check, ...] = (
    Check(
        "I29",
        "an operator's role, scope and status are what the audit log last said",
        f"""
        select o.code, o.role, {_last("role")} as noted_role, o.status
          from operator o
          left join legal_entity le on le.id = o.entity_id
          left join store s on s.id = o.store_id
         where o.role is distinct from {_last("role")}
            or le.code is distinct from {_last("entity")}
            or s.code is distinct from {_last("store")}
            or o.status <> coalesce({_last("status")}, 'ACTIVE')
        """,
    ),
    Check(
        "I30",
        "who is disabled has no live login",
        """
        select o.code, count(*) as logins from operator o join operator_login l on l.operator_id = o.id
         where o.status = 'DISABLED' and l.revoked_at is null group by o.code
        """,
    ),
)
