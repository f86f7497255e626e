"""A store manager's targets for the own team (SET-2)."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, manager, managers_only, parts
from app.api.schema import PageQuery, answer
from app.api.statement_shapes import MonthPath
from app.api.target_shapes import LIST, ChangedOut, TargetsBody, TargetsOut, target_out
from app.base.scope import Scope
from app.settlement import targets

bp = APIBlueprint(
    "team_targets",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: targets", description="What my team is to sell")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 404, 409, 422),
)
bp.before_request(managers_only)


@bp.get("/targets/<month>", responses={"200": TargetsOut})
def team_targets(path: MonthPath, query: PageQuery) -> Response:
    """My team with the month's targets and what is attained of them so far."""
    after_id = 0 if query.cursor is None else read_cursor(LIST, query.cursor)
    with parts().read() as reader:
        found = targets.listed(
            reader, month=path.month, scope=_scope(), after_id=after_id, limit=query.limit + 1
        )
    shown = found[: query.limit]
    more = write_cursor(LIST, shown[-1].id) if len(found) > query.limit else None
    return answer(TargetsOut(month=path.month, items=[target_out(one) for one in shown], next=more))


@bp.post("/targets/<month>", responses={"200": ChangedOut})
def set_team_targets(path: MonthPath, body: TargetsBody) -> Response:
    """Set targets of my team, all or none, before the month is over."""
    p = parts()
    with p.tx() as session:
        changed = targets.set_targets(
            session,
            body.by_clerk(),
            month=path.month,
            scope=_scope(),
            by=f"clerk:{manager().clerk_code}",
            why=body.why,
            at=p.now(),
            only_open=True,
        )
    return answer(ChangedOut(changed=changed))


def _scope() -> Scope:
    return Scope(store=manager().store_code)
