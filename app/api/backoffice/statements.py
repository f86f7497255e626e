"""Statements of clerks, stores and companies, each within the own scope (SET-5).

Head office reads everybody's, a store manager the own store's, a franchisee those of the own company and its
stores; a clerk's statement is the clerk's and head office's alone.
"""

from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.clerk.statements import rows_answer
from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, operator, parts, roles_only
from app.api.schema import ApiModel, PageQuery, Text, answer, language
from app.api.statement_shapes import (
    A_PDF,
    AN_XLSX,
    MonthPath,
    SettledOut,
    SettledRowsOut,
    pdf,
    settled_out,
    xlsx,
)
from app.base.errors import NotFound
from app.statements import reading
from app.statements.reading import Found
from models.commission import PartyKind
from models.operators import OperatorRole

bp = APIBlueprint(
    "backoffice_statements",
    __name__,
    url_prefix="/api/backoffice",
    abp_tags=[Tag(name="Back office: statements", description="What was settled with whom")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 404, 422),
)
bp.before_request(roles_only(OperatorRole.FINANCE, OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE))
LIST = "statements"


class StatementPath(MonthPath):
    """A month and a party."""

    party: Annotated[
        Text,
        Field(
            max_length=80, pattern=r"^(clerk|store|entity):[A-Za-z0-9-]+$", description="Such as store:SZ-FT"
        ),
    ]


class StatementsOut(ApiModel):
    """A page of statements, without their tiers."""

    items: list[SettledOut]
    next: str | None


@bp.get("/statements/<month>", responses={"200": StatementsOut})
def statements(path: MonthPath, query: PageQuery) -> Response:
    """Whose statements of a month there are. Head office sees those that are not published yet, too."""
    after_id = 0 if query.cursor is None else read_cursor(LIST, query.cursor)
    with parts().read() as reader:
        found = reading.listed(
            reader,
            month=path.month,
            scope=operator().scope,
            kinds=_kinds(),
            language=language(),
            published=not operator().scope.is_whole,
            after_id=after_id,
            limit=query.limit + 1,
        )
    shown = found[: query.limit]
    more = write_cursor(LIST, shown[-1].id) if len(found) > query.limit else None
    return answer(StatementsOut(items=[settled_out(one) for one in shown], next=more))


@bp.get("/statements/<month>/<party>", responses={"200": SettledOut})
def statement(path: StatementPath) -> Response:
    """One party's settlement of a month."""
    return answer(settled_out(_found(path)))


@bp.get("/statements/<month>/<party>/rows", responses={"200": SettledRowsOut})
def statement_rows(path: StatementPath, query: PageQuery) -> Response:
    """Every row of it, with its reason."""
    return rows_answer(_found(path), query)


@bp.get("/statements/<month>/<party>/pdf", responses=A_PDF)
def statement_pdf(path: StatementPath) -> Response:
    """The same as a PDF."""
    return pdf(_found(path))


@bp.get("/statements/<month>/<party>/xlsx", responses=AN_XLSX)
def statement_xlsx(path: StatementPath) -> Response:
    """The same as a spreadsheet."""
    return xlsx(_found(path))


def _found(path: StatementPath) -> Found:
    if PartyKind(path.party.partition(":")[0].upper()) not in _kinds():
        raise NotFound("NOT_FOUND", "No such statement.")
    with parts().read() as reader:
        return reading.get(
            reader,
            party=path.party,
            month=path.month,
            scope=operator().scope,
            language=language(),
            published=not operator().scope.is_whole,
        )


def _kinds() -> tuple[PartyKind, ...]:
    match operator().role:
        case OperatorRole.STORE_MANAGER:
            return (PartyKind.STORE,)
        case OperatorRole.FRANCHISEE:
            return (PartyKind.STORE, PartyKind.ENTITY)
        case _:
            return tuple(PartyKind)
