"""Withdrawing codes (TCH-3): of one thing, of a clerk who leaves, of everything a lost sheet shows."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.errors import NotFound
from app.base.scope import Scope

# The reason with which a code stays alive for its store: a fan who scans it lands in the store's pool (TCH-3).
CLERK_LEFT = "CLERK_LEFT"

_FIND = text(
    "select q.id, q.kind, q.revoked_at, s.code as store, e.code as entity, c.code as clerk from qr_code q"
    " join store s on s.id = q.store_id join legal_entity e on e.id = s.entity_id"
    " left join clerk c on c.id = q.clerk_id where q.scene = :scene for no key update of q"
)
_REVOKE = text(
    "update qr_code set revoked_at = :now, revoked_by = :by, revoke_reason = :why"
    " where id = :id and revoked_at is null"
)
_REVOKE_CLERK = text(
    "update qr_code set revoked_at = :now, revoked_by = :by, revoke_reason = :why"
    " where clerk_id = :clerk_id and revoked_at is null returning id"
)
_CLERK = text("select code from clerk where id = :clerk_id")


def revoke(session: Session, *, scene: str, scope: Scope, by: str, why: str, now: datetime) -> None:
    """Withdraw one code: scans from ``now`` on are CODE_REVOKED. Again changes nothing.

    Refuses a code that is out of sight as if there were none. Written into the audit log.
    """
    row = session.execute(_FIND, {"scene": scene}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such code.")
    scope.require(entity=row.entity, store=row.store, detail="No such code.")
    if row.revoked_at is not None:
        return
    session.execute(_REVOKE, {"id": row.id, "now": now, "by": by, "why": why})
    audit.note(
        session,
        actor=by,
        action="code.revoke",
        subject=f"code:{scene}",
        before={"kind": row.kind, "store": row.store, "clerk": row.clerk},
        after=None,
        why=why,
        at=now,
    )


def revoke_clerk_codes(
    session: Session, *, clerk_id: int, now: datetime, by: str = "rule:TCH-3", why: str = CLERK_LEFT
) -> int:
    """Withdraw every code of a clerk; answers how many (job ``revoke_clerk_codes`` of the leaver's flow).

    With the reason CLERK_LEFT they end for the person only: whoever scans one still lands in the store's pool.
    """
    facts = {"clerk_id": clerk_id, "now": now, "by": by, "why": why}
    ended = len(session.execute(_REVOKE_CLERK, facts).all())
    if ended:
        code = session.execute(_CLERK, {"clerk_id": clerk_id}).scalar_one()
        audit.note(
            session,
            actor=by,
            action="code.revoke_of_clerk",
            subject=f"clerk:{code}",
            before={"codes": ended},
            after=None,
            why=why,
            at=now,
        )
    return ended
