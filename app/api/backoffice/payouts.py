"""Paying out a settlement (SET-3): transfers and their trouble, lists for wages and bills and their confirmation."""

import csv
import io
from collections.abc import Iterator
from typing import Annotated

from flask import Response, request
from flask_openapi3 import Tag
from pydantic import Field

from app.api.blueprints import guarded
from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import need, operator, operators_only, parts, roles_only
from app.api.schema import ApiModel, Code, PageQuery, Text, answer
from app.base.audit import note
from app.base.clock import iso
from app.payout import papers, reading, transferring
from models.operators import OperatorRole
from models.payout import PapersKind, PayoutState

TAG = Tag(name="Back office: payouts", description="What settlements owe, on its way (FINANCE)")


def _finance_and_readers() -> None:
    # A franchisee reads the own company's lists; only finance makes and confirms one.
    operators_only()
    need(OperatorRole.FINANCE, *([OperatorRole.FRANCHISEE] if request.method == "GET" else []))


bp = guarded("backoffice_payouts", TAG, roles_only(OperatorRole.FINANCE), prefix="/api/backoffice/payouts")
lists = guarded("backoffice_payout_lists", TAG, _finance_and_readers, prefix="/api/backoffice/payout-lists")
LIST = "payouts"
# A cell that a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HEAD = ("序号", "工号或单位", "姓名", "门店", "门店名称", "应发金额(元)")


class TransfersQuery(PageQuery):
    """Whose transfers."""

    batch: Code
    state: Annotated[PayoutState | None, Field(default=None)]


class TransferPath(ApiModel):
    """Which transfer."""

    number: Code


class ListPath(ApiModel):
    """Which list."""

    number: Code


class ListsQuery(ApiModel):
    """Lists of one settlement."""

    batch: Annotated[Code | None, Field(default=None)]


class NewListBody(ApiModel):
    """What to list: the wages or the claims of one company in one settlement."""

    batch: Code
    kind: PapersKind
    entity: Code = Field(examples=["E-HQ"])


class ConfirmBody(ApiModel):
    """Where the payment is found: the number of the payroll run or of the bank."""

    reference: Annotated[Text, Field(min_length=1, max_length=80, examples=["工资 2026-11"])]


class GiveUpBody(ApiModel):
    """The reason."""

    why: Annotated[Text, Field(min_length=1, max_length=200, examples=["微信号已注销"])]


class TransferOut(ApiModel):
    """One transfer. `problem`: WeChat's word for what is wrong, or MISMATCH, GIVEN_UP."""

    number: str
    batch: str
    party: str
    amount_fen: int
    state: str
    problem: str | None
    created_at: str
    confirm_until: str | None
    ended_at: str | None


class TransfersOut(ApiModel):
    """A page of transfers."""

    items: list[TransferOut]
    next: str | None


class StateOut(ApiModel):
    """Where a transfer stands now."""

    number: str
    state: str


class ListOut(ApiModel):
    """One list that people pay; `booked` of its `rows` are in the ledger."""

    number: str
    batch: str
    kind: str
    entity: str
    rows: int
    booked: int
    total_fen: int
    state: str
    made_by: str
    made_at: str
    confirmed_by: str | None
    confirmed_at: str | None
    reference: str | None


class ListsOut(ApiModel):
    """The lists, newest first."""

    items: list[ListOut]


@bp.get("", responses={"200": TransfersOut})
def list_transfers(query: TransfersQuery) -> Response:
    """The transfers of a settlement, those of one state if it is named."""
    after = read_cursor(LIST, query.cursor) if query.cursor else 0
    with parts().read() as connection:
        found = reading.transfers(
            connection, batch=query.batch, state=query.state, after=after, limit=query.limit + 1
        )
    more = write_cursor(LIST, found[query.limit - 1].row_id) if len(found) > query.limit else None
    return answer(TransfersOut(items=[_transfer(one) for one in found[: query.limit]], next=more))


@bp.post("/<number>/give-up", responses={"200": StateOut, **problems(404, 409, 503)})
def give_up(path: TransferPath, body: GiveUpBody) -> Response:
    """Take back a transfer that has not arrived; the amount goes into the party's next settlement."""
    p = parts()
    state = transferring.give_up(p.tx, p.wechat.pay, out_bill_no=path.number, now=p.now())
    with p.tx() as session:
        note(
            session,
            actor=operator().actor,
            action="PAYOUT_GIVEN_UP",
            subject=f"transfer:{path.number}",
            before=None,
            after={"state": state.value},
            why=body.why,
            at=p.now(),
        )
    return answer(StateOut(number=path.number, state=state.value))


@lists.get("", responses={"200": ListsOut})
def show_lists(query: ListsQuery) -> Response:
    """The lists for wages and bills; a franchisee sees the own company's."""
    with parts().read() as connection:
        found = reading.papers(connection, batch=query.batch, entity=operator().entity_code)
    return answer(ListsOut(items=[_list(one) for one in found]))


@lists.post("", responses={"201": ListOut, **problems(404, 409)})
def make_list(body: NewListBody) -> Response:
    """List what is to be paid by payroll or bank. Asking again answers the same list."""
    p = parts()
    with p.tx() as session:
        number = papers.make(
            session,
            batch=body.batch,
            kind=body.kind,
            entity=body.entity,
            by=operator().actor,
            now=p.now(),
        )
        made = reading.get_papers(session, number)
    return answer(_list(made), 201)


@lists.get("/<number>.csv", responses={"200": {"content": {"text/csv": {}}}, **problems(404)})
def download_list(path: ListPath) -> Response:
    """The list as a table for a spreadsheet, UTF-8 with a mark."""
    with parts().read() as connection:
        seen = reading.get_papers(connection, path.number, entity=operator().entity_code)
        payload = "".join(_lines(reading.rows(connection, seen.number)))
    response = Response("\ufeff" + payload, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{seen.number}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


@lists.post("/<number>/confirm", responses={"200": ListOut, **problems(404, 409)})
def confirm_list(path: ListPath, body: ConfirmBody) -> Response:
    """Say that a list was paid; only somebody who did not make it can. Its rows are booked at once after."""
    p = parts()
    with p.tx() as session:
        papers.confirm(
            session, number=path.number, by=operator().actor, reference=body.reference, now=p.now()
        )
        seen = reading.get_papers(session, path.number)
    return answer(_list(seen))


def _transfer(one: reading.TransferSeen) -> TransferOut:
    return TransferOut(
        number=one.number,
        batch=one.batch,
        party=one.party,
        amount_fen=one.amount_fen,
        state=one.state.value,
        problem=one.problem,
        created_at=iso(one.created_at),
        confirm_until=iso(one.confirm_until) if one.confirm_until else None,
        ended_at=iso(one.ended_at) if one.ended_at else None,
    )


def _list(one: reading.PapersSeen) -> ListOut:
    return ListOut(
        number=one.number,
        batch=one.batch,
        kind=one.kind.value,
        entity=one.entity,
        rows=one.rows,
        booked=one.booked,
        total_fen=one.total_fen,
        state=one.state.value,
        made_by=one.made_by,
        made_at=iso(one.made_at),
        confirmed_by=one.confirmed_by,
        confirmed_at=iso(one.confirmed_at) if one.confirmed_at else None,
        reference=one.reference,
    )


def _lines(rows: Iterator[reading.PapersRow]) -> Iterator[str]:
    yield _line(_HEAD)
    for row in rows:
        code = row.party.partition(":")[2]
        yuan = f"{row.amount_fen // 100}.{row.amount_fen % 100:02}"
        yield _line((str(row.position), code, row.name, row.store or "", row.store_name or "", yuan))


def _line(cells: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return line.getvalue()
