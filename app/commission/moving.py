"""Hand a share to others: what a decided dispute, a merge or a shared sale does to money (DSP-1, MRG-4, SPL-6)."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base.errors import Alarm, Invalid, NotFound
from app.base.money import largest_remainder
from app.commission import accounts, states
from app.commission.entries import Change, write
from app.commission.payees import PAYEE
from models.commission import EntryKind, PartyKind, Role

WHOLE_BP = 10_000
_SHARE = text(
    f"""
    select s.id, s.order_line_id, s.role, s.party_kind, s.party, s.reason, s.earned_at, s.released_at,
           s.protected_fen, {states.LEFT} as left_fen, l.order_number
      from commission_share s join commission_line l on l.order_line_id = s.order_line_id
     where s.id = :share_id
    """
)
_KNOWN = text("select id, because from commission_move where share_id = :share_id and cause = :cause")
_MOVE = text(
    """
    insert into commission_move (share_id, cause, amount_fen, because, at)
    values (:share_id, :cause, :amount_fen, cast(:because as jsonb), :at) returning id
    """
)
_ADD = text(
    f"""
    insert into commission_share
           (order_line_id, position, role, party_kind, party, payee, accrued_fen, reversed_fen, moved_fen,
            settled_fen, written_off_fen, protected_fen, state, reason, earned_at, released_at, move_id)
    select :line_id, (select max(position) from commission_share where order_line_id = :line_id) + nr, role,
           party_kind, party, {PAYEE}, amount_fen, 0, 0, 0, 0, protected_fen, :state, cast(:reason as jsonb),
           :earned_at, :released_at, :move_id
      from unnest(cast(:kinds as text[]), cast(:parties as text[]), cast(:amounts as bigint[]),
                  cast(:protected as bigint[]), cast(:roles as text[])) with ordinality
           as x (party_kind, party, amount_fen, protected_fen, role, nr)
     order by nr
    returning id, party, accrued_fen
    """
)
_TAKE = text(
    "update commission_share set moved_fen = moved_fen + :amount_fen,"
    " protected_fen = protected_fen - :protected_fen where id = :share_id"
)
_INHERIT_HOLDS = text(
    """
    insert into commission_hold (share_id, cause, held_at)
    select x.id, h.cause, h.held_at
      from commission_hold h, unnest(cast(:heirs as bigint[])) as x (id)
     where h.share_id = :share_id and h.lifted_at is null
    """
)
_UNKNOWN = text(
    """
    select kind, party from unnest(cast(:kinds as text[]), cast(:parties as text[])) as x (kind, party)
     where not case kind
           when 'CLERK' then exists (select from clerk where 'clerk:' || code = party)
           when 'STORE' then exists (select from store where 'store:' || code = party)
           else exists (select from legal_entity where 'entity:' || code = party) end
    """
)
# The roles for which others have got something out of a share ``s``: it stands for them no longer.
HANDED_ON = """
    array(select distinct heir.role from commission_move gone join commission_share heir on heir.move_id = gone.id
           where gone.share_id = s.id)
"""


@dataclass(frozen=True, slots=True)
class Heir:
    """Who gets ``part_bp`` of a share. ``party`` as in the ledger: ``clerk:C-SZFT-01``; its kind says the same.

    Whoever holds the share may be among the heirs: that part stays where it is. ``role``: for which role, if
    not for that of the share.
    """

    party_kind: PartyKind
    party: str
    part_bp: int = WHOLE_BP
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class _Going:
    heir: Heir
    amount_fen: int
    protected_fen: int


def move(
    session: Session,
    *,
    share_id: int,
    to: Sequence[Heir],
    cause: str,
    because: Mapping[str, Any],
    at: datetime,
    of_bp: int = WHOLE_BP,
) -> list[int]:
    """Hand what is left of a share to others; answers the new shares, none when there was nothing to hand on.

    The old share keeps its history and loses the amount; each heir gets a new share of the same line and
    role by largest remainder, so the line's sums stay exact (I22) and later refunds take from the heirs
    (CLW-1). What is frozen stays frozen, with its line's date; what is certain stays certain; of what was
    settled already the old party owes the amount to its next batch (CLW-3). Holds go along.

    Once per share and ``cause``: again with the same heirs answers nothing and changes nothing, with others
    raises Alarm. ``because``: facts for the explanation, e.g. ``{"kind": "MERGE", ...}``. Refuses parts that
    do not make ``of_bp``, a party named twice or not of its kind (Invalid), an unknown share (NotFound).
    ``at`` is the moment of booking. Locks the share's line.
    """
    _check(session, to, of_bp)
    states.lock_lines_of(session, [share_id])
    share = session.execute(_SHARE, {"share_id": share_id}).first()
    if share is None:
        raise NotFound("NOT_FOUND", "No such share.")
    told = dict(because) | {"to": [[heir.party, heir.part_bp] for heir in to], "of_bp": of_bp}
    if _was_moved(session, share_id, cause, told):
        return []
    pieces = largest_remainder(share.left_fen, [heir.part_bp for heir in to])
    # CLW-6: what no refund may take stays protected in the hands of whoever gets it.
    guarded = largest_remainder(share.protected_fen, pieces) if share.left_fen else [0 for _ in pieces]
    every = [_Going(h, fen, kept) for h, fen, kept in zip(to, pieces, guarded, strict=True)]
    going = [one for one in every if one.amount_fen and one.heir.party != share.party]
    if not going:
        return []
    return _hand_over(session, share, going, cause, told, at)


def stands_for(reason: Mapping[str, Any], handed_on: Collection[str]) -> dict[Role, int]:
    """The roles, with their weights, for which head office holds what is left of a share (SPL-5).

    ``handed_on``: as ``HANDED_ON`` answers it; what was found for one role takes nothing of another's.
    """
    parts = reason.get("roles") or []
    return {Role(p["role"]): int(p["weight_bp"]) for p in parts if p["role"] not in handed_on}


def _hand_over(
    session: Session,
    share: Row[Any],
    going: Sequence[_Going],
    cause: str,
    told: Mapping[str, Any],
    at: datetime,
) -> list[int]:
    amount_fen = sum(one.amount_fen for one in going)
    protected_fen = sum(one.protected_fen for one in going)
    facts = {"share_id": share.id, "cause": cause, "amount_fen": amount_fen, "at": at}
    because = json.dumps(told, ensure_ascii=False)
    move_id = int(session.execute(_MOVE, facts | {"because": because}).scalar_one())
    states.leave_open_batch(session, [share.id], at=at)
    taken = {"share_id": share.id, "amount_fen": amount_fen, "protected_fen": protected_fen}
    session.execute(_TAKE, taken)
    heirs = _add(session, share, going, move_id, told)
    session.execute(_INHERIT_HOLDS, {"share_id": share.id, "heirs": [heir_id for heir_id, _, _ in heirs]})
    certain = share.released_at is not None
    out = _change(share, share.id, share.party, amount_fen, certain, move_id, at, out=True)
    write(session, EntryKind.MOVE_OUT, [out])
    arrived = [_change(share, i, party, fen, certain, move_id, at, out=False) for i, party, fen in heirs]
    write(session, EntryKind.MOVE_IN, arrived)
    ids = [heir_id for heir_id, _, _ in heirs]
    states.refresh(session, [share.id, *ids])
    return ids


def _add(
    session: Session,
    share: Row[Any],
    going: Sequence[_Going],
    move_id: int,
    told: Mapping[str, Any],
) -> list[tuple[int, str, int]]:
    policy = {k: share.reason[k] for k in ("policy", "version", "weight_bp") if k in share.reason}
    reason = policy | {"moved_from": share.party, "moved_because": told.get("kind", "DECIDED")}
    rows = session.execute(
        _ADD,
        {
            "line_id": share.order_line_id,
            "roles": [(one.heir.role or share.role) for one in going],
            "state": "FROZEN" if share.released_at is None else "RELEASABLE",
            "earned_at": share.earned_at,
            "released_at": share.released_at,
            "move_id": move_id,
            "kinds": [one.heir.party_kind.value for one in going],
            "parties": [one.heir.party for one in going],
            "amounts": [one.amount_fen for one in going],
            "protected": [one.protected_fen for one in going],
            "reason": json.dumps(reason, ensure_ascii=False),
        },
    )
    return [(row.id, row.party, row.accrued_fen) for row in rows]


def _change(
    share: Row[Any],
    share_id: int,
    party: str,
    amount_fen: int,
    certain: bool,
    move_id: int,
    at: datetime,
    *,
    out: bool,
) -> Change:
    place = accounts.held_by(party, certain=certain)
    return Change(
        share_id=share_id,
        party=party,
        order_number=share.order_number,
        debit=place if out else accounts.MOVING,
        credit=accounts.MOVING if out else place,
        amount_fen=amount_fen,
        certain=certain,
        at=at,
        move_id=move_id,
    )


def _was_moved(session: Session, share_id: int, cause: str, told: Mapping[str, Any]) -> bool:
    known = session.execute(_KNOWN, {"share_id": share_id, "cause": cause}).first()
    if known is not None and known.because["to"] != told["to"]:
        raise Alarm(f"share {share_id} was moved for {cause} before, to others")
    return known is not None


def _check(session: Session, to: Sequence[Heir], of_bp: int) -> None:
    wrong: dict[str, str] = {}
    if sum(heir.part_bp for heir in to) != of_bp or any(heir.part_bp < 1 for heir in to):
        wrong["part_bp"] = f"positive parts that make {of_bp}"
    if len({(heir.party, heir.role) for heir in to}) != len(to):
        wrong["party"] = "each party once"
    facts = {"kinds": [heir.party_kind.value for heir in to], "parties": [heir.party for heir in to]}
    unknown = session.execute(_UNKNOWN, facts).all()
    if unknown:
        wrong["party"] = f"no such {unknown[0].kind.lower()}: {unknown[0].party}"
    if wrong:
        raise Invalid("The share cannot be handed to them.", fields=wrong)
