"""What doors show of payouts: a clerk's own transfers, head office's transfers and lists."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.payout.rules import CONFIRM_WITHIN
from models.payout import PapersKind, PapersState, PayoutState

PAGE = 500
_COLUMNS = (
    "id, out_bill_no, batch, party, amount_fen, mchid, appid, state, package, problem, created_at,"
    " asked_at, ended_at"
)
_OF_PARTY = text(
    f"""
    select {_COLUMNS} from payout_transfer
     where party = :party and (cast(:before as bigint) is null or id < :before) order by id desc limit :limit
    """
)
_OF_BATCH = text(
    f"""
    select {_COLUMNS} from payout_transfer
     where batch = :batch and (cast(:state as text) is null or state = :state) and id > :after order by id limit :limit
    """
)
_PAPERS = text(
    """
    select number, batch, kind, entity, rows, total_fen, state, made_by, made_at, confirmed_by, confirmed_at, reference,
           (select count(*) from payout_row r where r.papers_id = p.id and r.paid_at is not null) as booked
      from payout_papers p
     where (cast(:batch as text) is null or batch = :batch) and (cast(:number as text) is null or number = :number)
       and (cast(:entity as text) is null or entity = :entity)
     order by id desc limit 200
    """
)
_ROWS = text(
    """
    select r.position_no, r.party, r.owed_fen, c.name as clerk_name, coalesce(cs.code, s.code) as store,
           coalesce(cs.name, s.name) as store_name, e.name as entity_name
      from payout_papers p join payout_row r on r.papers_id = p.id
      left join clerk c on 'clerk:' || c.code = r.party
      left join store cs on cs.id = c.store_id
      left join store s on 'store:' || s.code = r.party
      left join legal_entity e on 'entity:' || e.code = r.party
     where p.number = :number and r.position_no > :after order by r.position_no limit :limit
    """
)


@dataclass(frozen=True, slots=True)
class TransferSeen:
    """One transfer. ``package`` (what the person's phone confirms with) is there while it is WAITING."""

    row_id: int
    number: str
    batch: str
    party: str
    amount_fen: int
    mchid: str
    appid: str
    state: PayoutState
    package: str | None
    problem: str | None
    created_at: datetime
    confirm_until: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class PapersSeen:
    """One list that people pay; ``booked`` of its rows are in the ledger."""

    number: str
    batch: str
    kind: PapersKind
    entity: str
    rows: int
    booked: int
    total_fen: int
    state: PapersState
    made_by: str
    made_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class PapersRow:
    """One line of such a list; ``amount_fen`` is what the list asks for."""

    position: int
    party: str
    name: str
    store: str | None
    store_name: str | None
    amount_fen: int


def own_transfers(
    reader: Session | Connection, party: str, *, before: int | None = None, limit: int = 20
) -> list[TransferSeen]:
    """A party's transfers, newest first; the page after the one with row id ``before``."""
    found = reader.execute(_OF_PARTY, {"party": party, "before": before, "limit": limit})
    return [_transfer(row) for row in found]


def transfers(
    reader: Session | Connection, *, batch: str, state: PayoutState | None, after: int = 0, limit: int = 50
) -> list[TransferSeen]:
    """The transfers of a settlement in the order in which they were opened."""
    facts = {"batch": batch, "state": state.value if state else None, "after": after, "limit": limit}
    return [_transfer(row) for row in reader.execute(_OF_BATCH, facts)]


def papers(
    reader: Session | Connection, *, batch: str | None = None, entity: str | None = None
) -> list[PapersSeen]:
    """The lists, newest first, at most 200; of one settlement and one company if they are named."""
    found = reader.execute(_PAPERS, {"batch": batch, "number": None, "entity": entity})
    return [_seen(row) for row in found]


def get_papers(reader: Session | Connection, number: str, *, entity: str | None = None) -> PapersSeen:
    """One list; NotFound when there is none of that number, or it is another company's than ``entity``."""
    row = reader.execute(_PAPERS, {"batch": None, "number": number, "entity": entity}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such list.")
    return _seen(row)


def rows(reader: Session | Connection, number: str) -> Iterator[PapersRow]:
    """The lines of a list, read in pages."""
    after, page = 0, True
    while page:
        found = reader.execute(_ROWS, {"number": number, "after": after, "limit": PAGE}).all()
        for row in found:
            name = row.clerk_name or row.entity_name or row.store_name or row.party
            yield PapersRow(row.position_no, row.party, name, row.store, row.store_name, row.owed_fen)
        page = len(found) == PAGE
        after = found[-1].position_no if found else after


def _transfer(row: object) -> TransferSeen:
    one = row._mapping  # type: ignore[attr-defined]  # a row of SQLAlchemy
    waiting = one["state"] == PayoutState.WAITING and one["asked_at"]
    return TransferSeen(
        row_id=one["id"],
        number=one["out_bill_no"],
        batch=one["batch"],
        party=one["party"],
        amount_fen=one["amount_fen"],
        mchid=one["mchid"],
        appid=one["appid"],
        state=PayoutState(one["state"]),
        package=one["package"] if waiting else None,
        problem=one["problem"],
        created_at=one["created_at"],
        confirm_until=one["asked_at"] + CONFIRM_WITHIN if waiting else None,
        ended_at=one["ended_at"],
    )


def _seen(row: object) -> PapersSeen:
    values = dict(row._mapping)  # type: ignore[attr-defined]  # a row of SQLAlchemy
    values["kind"], values["state"] = PapersKind(values["kind"]), PapersState(values["state"])
    return PapersSeen(**values)
