"""How a clerk is paid (SET-3)."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.errors import NotFound
from models.stores import Employment

_LOCK = text("select employment from clerk where code = :code for update")
_SET = text("update clerk set employment = :employment, updated_at = :at where code = :code")


def set_employment(
    session: Session, code: str, *, employment: Employment, by: str, why: str, at: datetime
) -> None:
    """EMPLOYEE: with the payroll; EXTERNAL: by WeChat transfer. Counts from the next batch that is built.

    The same again changes nothing. Refuses an unknown clerk (NotFound).
    """
    found = session.execute(_LOCK, {"code": code}).first()
    if found is None:
        raise NotFound("NOT_FOUND", "No such clerk.")
    if found.employment == employment:
        return
    session.execute(_SET, {"code": code, "employment": employment.value, "at": at})
    audit.note(
        session,
        actor=by,
        action="clerk.employment",
        subject=f"clerk:{code}",
        before={"employment": found.employment},
        after={"employment": employment.value},
        why=why,
        at=at,
    )
