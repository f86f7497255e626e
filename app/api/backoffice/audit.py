"""The audit log, for head office to read. Nobody can change it."""

from typing import Annotated, Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, parts, roles_only
from app.api.schema import ApiModel, Moment, PageQuery, Text, answer
from app.base import audit
from app.base.audit import Entry, Wanted
from app.base.clock import iso
from models.operators import OperatorRole

bp = APIBlueprint(
    "backoffice_audit",
    __name__,
    url_prefix="/api/backoffice/audit",
    abp_tags=[Tag(name="Back office: audit log", description="Who decided what, and why (OWNER, FINANCE)")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(roles_only(OperatorRole.FINANCE))
LIST = "audit"

Word = Annotated[Text | None, Field(default=None, min_length=1, max_length=100)]
Since = Annotated[Moment | None, Field(default=None, description="RFC 3339, with an offset")]


class AuditQuery(PageQuery):
    """Each given word must be met exactly; `since` is included, `until` is not."""

    subject: Word
    actor: Word
    action: Word
    since: Since
    until: Since


class EntryOut(ApiModel):
    """One decision. `before` and `after` hold what changed."""

    at: str
    actor: str = Field(examples=["operator:O-OWNER"])
    action: str = Field(examples=["operator.role"])
    subject: str = Field(examples=["operator:O-SZFT"])
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    why: str


class EntriesOut(ApiModel):
    """A page of the log, newest first."""

    items: list[EntryOut]
    next: str | None


@bp.get("", responses={"200": EntriesOut})
def read_audit(query: AuditQuery) -> Response:
    """The audit log: by whom, about what, when."""
    before = read_cursor(LIST, query.cursor) if query.cursor else None
    wanted = Wanted(query.subject, query.actor, query.action, query.since, query.until)
    with parts().read() as connection:
        entries = audit.read(connection, wanted, before=before, limit=query.limit + 1)
    more = entries[query.limit - 1].id if len(entries) > query.limit else None
    items = [_shown(entry) for entry in entries[: query.limit]]
    return answer(EntriesOut(items=items, next=write_cursor(LIST, more) if more else None))


def _shown(entry: Entry) -> EntryOut:
    return EntryOut(
        at=iso(entry.happened_at),
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        before=entry.before,
        after=entry.after,
        why=entry.why,
    )
