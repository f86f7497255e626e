"""Read a party's statement of a month: the figures, the tiers, and every row with its reason (SET-5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.base.scope import Scope
from app.commission import words as commission_words
from app.commission.statement import statement_row
from app.settlement import rules
from app.statements import words
from app.statements.content import Line, Statement, TierLine
from models.commission import PartyKind
from models.settlement import BatchState, Channel, PartyState

# Rows of one page of a paper or a spreadsheet.
PAGE = 500

_NAME = """
    coalesce(case p.party_kind when 'CLERK' then (select name from clerk where 'clerk:' || code = p.party)
                               when 'STORE' then (select name from store where 'store:' || code = p.party) end,
             e.name)
"""
_OF = f"""
    select p.*, b.number, b.month, b.state as batch_state, b.published_at, b.approved_at, e.name as entity_name,
           {_NAME} as party_name
      from settlement_batch b
      join settlement_party p on p.batch_id = b.id
      join legal_entity e on e.code = p.entity
"""
_FIND = text(
    _OF
    + """
     where b.month = :month and b.state <> 'REJECTED' and p.party = :party and p.state <> 'REMOVED'
       and (b.published_at is not null or not :published)
    """
)
_LIST = text(
    _OF
    + """
     where b.month = :month and b.state <> 'REJECTED' and p.id > :after
       and (b.published_at is not null or not :published)
       and (cast(:entity as text) is null or p.entity = :entity)
       and (cast(:store as text) is null or p.store = :store)
       and p.party_kind = any(cast(:kinds as text[]))
     order by p.id
     limit :limit
    """
)
_PARTIES = text(_OF + " where b.number = :number and p.id > :after order by p.id limit :limit")
_TIERS = text("select * from settlement_tier where party_id = :id order by month")
# The rows, what the entries of both books say, and the tiers the ledger has posted, at one moment.
_PROOF = text(
    """
    select (select coalesce(sum(amount_fen), 0) from commission_batch_row
             where batch_id = :batch_id and party = :party and state <> 'RETURNED') as rows_fen,
           (select coalesce(sum(case when e.amount_fen > 0 then t.amount_fen else -t.amount_fen end), 0)
              from commission_entry e join ledger_transfer t on t.id = e.transfer_id
             where e.party = :party and e.kind = 'SETTLE' and e.batch_id = :batch_id
               and e.at >= :since and e.at <= :until) as settled_fen,
           (select coalesce(sum(case when t.credit_account_id = a.id then t.amount_fen else -t.amount_fen end), 0)
              from ledger_account a
              join ledger_transfer t on a.id in (t.credit_account_id, t.debit_account_id)
             where a.name = 'payout:' || :party and t.cause = :cause and t.kind = 'TIER') as tier_fen
    """
)
_LINES = text(
    """
    select r.share_id as id, r.amount_fen, l.order_number, l.sku_code, l.goods, l.qty, s.role, s.party_kind,
           s.state, l.base_fen, l.pool_bp, s.accrued_fen, s.reversed_fen, s.moved_fen, s.earned_at,
           l.releasable_at as certain_at, l.aftersale_days + l.settle_delay_days as wait_days, s.reason,
           l.selling_entity
      from commission_batch_row r
      join commission_share s on s.id = r.share_id
      join commission_line l on l.order_line_id = s.order_line_id
     where r.batch_id = :batch_id and r.party = :party and r.state <> 'RETURNED' and r.share_id > :after
     order by r.share_id
     limit :limit
    """
)


@dataclass(frozen=True, slots=True)
class Found:
    """A statement and where its rows are; ``id`` orders lists and is never shown."""

    id: int
    batch_id: int
    statement: Statement


def find(
    reader: Session | Connection, *, party: str, month: str, language: str, published: bool = True
) -> Found | None:
    """The settlement of a month with a party; None when there is none, or none that is published yet."""
    rules.month_bounds(month)
    row = reader.execute(_FIND, {"month": month, "party": party, "published": published}).first()
    return None if row is None else _found(reader, row, language)


def get(
    reader: Session | Connection,
    *,
    party: str,
    month: str,
    scope: Scope,
    language: str,
    published: bool = True,
) -> Found:
    """Like ``find``; refuses (NotFound) what is not there and what the scope does not cover, in one voice."""
    found = find(reader, party=party, month=month, language=language, published=published)
    if found is None or not scope.covers(entity=found.statement.entity, store=found.statement.store):
        raise NotFound("NOT_FOUND", "No such statement.")
    return found


def listed(
    reader: Session | Connection,
    *,
    month: str,
    scope: Scope,
    kinds: tuple[PartyKind, ...],
    language: str,
    published: bool = True,
    after_id: int = 0,
    limit: int = 20,
) -> list[Found]:
    """The statements of a month within a scope, in the order of their rows; figures without tiers or proof."""
    rules.month_bounds(month)
    facts = {"month": month, "entity": scope.entity, "store": scope.store, "after": after_id, "limit": limit}
    rows = reader.execute(_LIST, facts | {"kinds": [kind.value for kind in kinds], "published": published})
    return [Found(row.id, row.batch_id, _statement(row, language, (), agrees=True)) for row in rows]


def parties(
    reader: Session | Connection, *, number: str, language: str, after_id: int = 0, limit: int = 20
) -> list[Found]:
    """The parties of a batch, removed ones too, in the order of their rows; figures without tiers or proof."""
    rows = reader.execute(_PARTIES, {"number": number, "after": after_id, "limit": limit})
    return [Found(row.id, row.batch_id, _statement(row, language, (), agrees=True)) for row in rows]


def lines(
    reader: Session | Connection, found: Found, *, language: str, after_id: int = 0, limit: int = PAGE
) -> list[Line]:
    """The rows of a statement, those after another row's ``id``, each with its reason in words."""
    facts = {"batch_id": found.batch_id, "party": found.statement.party, "after": after_id, "limit": limit}
    return [_line(row, language) for row in reader.execute(_LINES, facts)]


def pages(reader: Session | Connection, found: Found, *, language: str) -> Iterator[list[Line]]:
    """All rows of a statement, page by page."""
    after_id = 0
    while page := lines(reader, found, language=language, after_id=after_id):
        yield page
        after_id = page[-1].id


def _found(reader: Session | Connection, row: Row[Any], language: str) -> Found:
    tiers = tuple(_tier(tier, language) for tier in reader.execute(_TIERS, {"id": row.id}))
    statement = _statement(row, language, tiers, agrees=_agrees(reader, row, tiers))
    return Found(row.id, row.batch_id, statement)


def _agrees(reader: Session | Connection, row: Row[Any], tiers: tuple[TierLine, ...]) -> bool:
    rows_fen = row.gross_fen + row.adjusted_fen
    until: datetime | None = row.published_at
    facts = {"batch_id": row.batch_id, "party": row.party, "cause": f"settlement:{row.number}"}
    proof = reader.execute(_PROOF, facts | {"since": row.approved_at, "until": until}).one()
    listed_fen = (int(proof.rows_fen), sum(tier.amount_fen for tier in tiers))
    booked_fen = (int(proof.settled_fen), int(proof.tier_fen)) if until else listed_fen
    return listed_fen == booked_fen == (rows_fen, row.tier_fen)


def _statement(row: Row[Any], language: str, tiers: tuple[TierLine, ...], *, agrees: bool) -> Statement:
    state, channel = PartyState(row.state), Channel(row.channel)
    return Statement(
        number=row.number,
        month=row.month,
        batch_state=BatchState(row.batch_state),
        party=row.party,
        party_name=row.party_name,
        entity=row.entity,
        entity_name=row.entity_name,
        store=row.store,
        state=state,
        state_name=words.pick(words.STATES[state], language),
        channel=channel,
        channel_name=words.pick(words.CHANNELS[channel], language),
        rows=row.rows,
        gross_fen=row.gross_fen,
        adjusted_fen=row.adjusted_fen,
        tier_fen=row.tier_fen,
        carried_in_fen=row.carried_in_fen,
        payable_fen=row.payable_fen,
        carried_out_fen=row.carried_out_fen,
        debt_left_fen=row.debt_left_fen,
        carried_cycles=row.carried_cycles,
        paid_fen=row.paid_fen,
        returned_fen=row.returned_fen,
        tax_preview_fen=row.tax_preview_fen,
        tiers=tiers,
        published_at=row.published_at,
        why=row.why,
        agrees=agrees,
    )


def _tier(row: Row[Any], language: str) -> TierLine:
    attainment_bp = rules.attainment_bp(row.attained_fen, row.target_fen)
    return TierLine(
        month=row.month,
        target_fen=row.target_fen,
        attained_fen=row.attained_fen,
        attainment_bp=attainment_bp,
        multiplier_bp=row.multiplier_bp,
        scale_version=row.scale_version,
        rows_fen=row.rows_fen,
        amount_fen=row.amount_fen,
        words=words.tier(
            month=row.month,
            attainment_bp=attainment_bp,
            multiplier_bp=row.multiplier_bp,
            rows_fen=row.rows_fen,
            earlier_fen=row.earlier_rows_fen,
            language=language,
        ),
    )


def _line(row: Row[Any], language: str) -> Line:
    share = statement_row(row)
    kind = "SHARE" if row.amount_fen > 0 else "ADJUST"
    return Line(
        id=row.id,
        order=row.order_number,
        goods=row.goods,
        sku=row.sku_code,
        qty=row.qty,
        role=share.role.value,
        role_name=commission_words.role(share.role, language),
        kind=kind,
        kind_name=words.pick(words.KINDS[kind], language),
        earned_at=row.earned_at,
        base_fen=row.base_fen,
        pool_bp=row.pool_bp,
        amount_fen=row.amount_fen,
        evidence=commission_words.evidence(share, language),
        policy=row.reason.get("policy") or "—",
        policy_version=row.reason.get("version"),
        bearer=row.selling_entity,
        reason=commission_words.why(share, language),
    )
