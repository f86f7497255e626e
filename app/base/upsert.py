"""Bringing a table to what a list says, by business key, and telling what that changed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Table, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase, Session

# Rows of one statement. PostgreSQL takes 65,535 parameters; the widest table here has 20 columns.
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows of one kind an import found missing, different, and as they should be."""

    new: int = 0
    changed: int = 0
    same: int = 0


@dataclass(slots=True)
class Changes:
    """Keys of the rows that were made and of those that were changed; the rest was as it should be."""

    new: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)

    def note(self, keys: Collection[str]) -> None:
        """More keys were changed; those that are new stay new."""
        self.changed |= set(keys) - self.new

    def tally(self, total: int) -> Tally:
        """The counts, out of ``total`` rows that were asked for."""
        return Tally(len(self.new), len(self.changed), total - len(self.new) - len(self.changed))


def upsert(
    session: Session,
    model: type[DeclarativeBase],
    rows: Sequence[Mapping[str, Any]],
    *,
    on_change: Mapping[str, Any] | None = None,
    keep: Collection[str] = (),
) -> Changes:
    """Insert the rows that are missing by ``code`` and update those in which any value differs.

    All rows have the same columns, among them ``code``. ``keep`` are columns that only an insert writes;
    ``on_change`` are values that only a real change writes (``updated_at``). A row that is the same is not
    written, so that a second run changes nothing. Locks the changed rows in the order given.
    """
    table = cast(Table, model.__table__)
    changes = Changes()
    for start in range(0, len(rows), _BATCH):
        batch = [dict(row) for row in rows[start : start + _BATCH]]
        statement = insert(table).values(batch)
        compared = [name for name in batch[0] if name != "code" and name not in keep]
        wanted = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=[table.c.code],
            set_={name: wanted[name] for name in compared} | dict(on_change or {}),
            where=or_(*(table.c[name].is_distinct_from(wanted[name]) for name in compared)),
        )
        # xmax is 0 for a row that this statement inserted, and its own number for one that it updated.
        answer = statement.returning(table.c.code, text("xmax = 0 as is_new"))
        for code, is_new in session.execute(answer):
            (changes.new if is_new else changes.changed).add(code)
    return changes


def ids_by_code(session: Session, model: type[DeclarativeBase]) -> dict[str, int]:
    """Row id of every business code of a table."""
    table = cast(Table, model.__table__)
    return {row.code: row.id for row in session.execute(select(table.c.code, table.c.id))}
