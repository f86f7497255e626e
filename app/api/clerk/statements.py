"""What was settled: my month, and for managers the month of the own store, as page data, PDF and XLSX (SET-5)."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, clerk, clerks_only, manager, managers_only, parts
from app.api.schema import PageQuery, answer, language
from app.api.statement_shapes import (
    A_PDF,
    AN_XLSX,
    MonthPath,
    SettledOut,
    SettledRowsOut,
    pdf,
    row_out,
    settled_out,
    xlsx,
)
from app.base.scope import Scope
from app.statements import reading
from app.statements.reading import Found

TAG = Tag(name="Clerk: statements", description="What was settled, with every row, once it is published")
LIST = "settled rows"


def _blueprint(name: str) -> APIBlueprint:
    return APIBlueprint(
        name,
        __name__,
        url_prefix="/api/clerk",
        abp_tags=[TAG],
        abp_security=NEEDS_TOKEN,
        abp_responses=problems(401, 403, 404, 422),
    )


bp = _blueprint("clerk_statements")
bp.before_request(clerks_only)
store = _blueprint("store_statements")
store.before_request(managers_only)


@bp.get("/settlements/<month>", responses={"200": SettledOut})
def my_settlement(path: MonthPath) -> Response:
    """My settlement of a month, with its tiers. Before it is published there is none (404)."""
    return answer(settled_out(_mine(path.month)))


@bp.get("/settlements/<month>/rows", responses={"200": SettledRowsOut})
def my_settled_rows(path: MonthPath, query: PageQuery) -> Response:
    """Every row of my settlement, with its reason."""
    return rows_answer(_mine(path.month), query)


@bp.get("/statements/<month>.pdf", responses=A_PDF)
def my_statement_pdf(path: MonthPath) -> Response:
    """My settlement of a month as a PDF."""
    return pdf(_mine(path.month))


@bp.get("/statements/<month>.xlsx", responses=AN_XLSX)
def my_statement_xlsx(path: MonthPath) -> Response:
    """My settlement of a month as a spreadsheet."""
    return xlsx(_mine(path.month))


@store.get("/store/settlements/<month>", responses={"200": SettledOut})
def store_settlement(path: MonthPath) -> Response:
    """The own store's settlement of a month."""
    return answer(settled_out(_of_store(path.month)))


@store.get("/store/settlements/<month>/rows", responses={"200": SettledRowsOut})
def store_settled_rows(path: MonthPath, query: PageQuery) -> Response:
    """Every row of the own store's settlement."""
    return rows_answer(_of_store(path.month), query)


@store.get("/store/statements/<month>.pdf", responses=A_PDF)
def store_statement_pdf(path: MonthPath) -> Response:
    """The own store's settlement as a PDF."""
    return pdf(_of_store(path.month))


@store.get("/store/statements/<month>.xlsx", responses=AN_XLSX)
def store_statement_xlsx(path: MonthPath) -> Response:
    """The own store's settlement as a spreadsheet."""
    return xlsx(_of_store(path.month))


def rows_answer(found: Found, query: PageQuery) -> Response:
    """A page of a statement's rows."""
    after_id = 0 if query.cursor is None else read_cursor(LIST, query.cursor)
    with parts().read() as reader:
        lines = reading.lines(reader, found, language=language(), after_id=after_id, limit=query.limit + 1)
    shown = lines[: query.limit]
    more = write_cursor(LIST, shown[-1].id) if len(lines) > query.limit else None
    return answer(SettledRowsOut(items=[row_out(line) for line in shown], next=more))


def _mine(month: str) -> Found:
    with parts().read() as reader:
        party = f"clerk:{clerk().clerk_code}"
        return reading.get(reader, party=party, month=month, scope=Scope(), language=language())


def _of_store(month: str) -> Found:
    with parts().read() as reader:
        party = f"store:{manager().store_code}"
        return reading.get(reader, party=party, month=month, scope=Scope(), language=language())
