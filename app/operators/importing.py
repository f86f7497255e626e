"""Letting in the operators that a brand's files name. Who is there already is let be: rights change at the door."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.upsert import Tally
from app.operators.accounts import NewOperator, create
from models.operators import OperatorRole

_THERE = text("select code from operator where code = any(:codes)")


@dataclass(frozen=True, slots=True)
class OperatorLine:
    """One line of operators.csv: ``role`` is a word of ``OperatorRole``, entity and store are codes."""

    code: str
    name: str
    role: str
    entity: str | None
    store: str | None


def load(
    session: Session,
    lines: Sequence[OperatorLine],
    *,
    hash_for: Callable[[str], str],
    is_initial: bool,
    now: datetime,
) -> dict[str, Tally]:
    """Let in who is missing; answers the counts. ``hash_for(code)`` makes a password and answers its hash.

    Refuses like ``accounts.create``. Changes nobody: a file must not undo what an OWNER decided.
    """
    there = set(session.execute(_THERE, {"codes": [line.code for line in lines]}).scalars())
    missing = [line for line in lines if line.code not in there]
    for line in missing:
        new = NewOperator(
            code=line.code,
            name=line.name,
            role=OperatorRole(line.role),
            entity=line.entity,
            store=line.store,
            password_hash=hash_for(line.code),
            password_is_initial=is_initial,
        )
        create(session, new, by="import", why="operators.csv", now=now)
    return {"operators": Tally(new=len(missing), same=len(lines) - len(missing))}
