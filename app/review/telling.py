"""Tell clerks about steps of disputes and about findings (jobs): nobody's pay waits in silence."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from app.base.db import Tx
from app.members.windows import write
from app.review import words
from models.review import DisputeOutcome, DisputeState, FindingState, RiskRule, StepKind
from wechat.official_account import OfficialAccount

_STEP = text(
    """
    select t.kind, d.id, d.number, d.order_number, d.state, d.outcome, d.evidence_until
      from dispute_step t join dispute d on d.id = t.dispute_id where t.id = :step_id
    """
)
_PARTIES = text(
    "select claimant from dispute where id = :id union select party from dispute_share where dispute_id = :id"
)
_FINDING = text("select id, number, rule, state, clerk_id from risk_finding where id = :finding_id")
_CONCERNED = text(
    """
    select distinct s.party from commission_hold h join commission_share s on s.id = h.share_id
     where h.cause = 'risk:' || :number and s.party_kind = 'CLERK'
    union select 'clerk:' || code from clerk where id = cast(:clerk_id as bigint)
    """
)
# The chat that was open last, of each clerk who follows the account.
_CHATS = text(
    """
    select distinct on (c.id) c.id as clerk_id, i.id as identity_id, i.openid
      from clerk c join member m on m.id = c.member_id
      join identity i on i.member_id = coalesce(m.alias_of, m.id) and i.app = 'OA' and i.followed
     where 'clerk:' || c.code = any(cast(:parties as text[]))
     order by c.id, i.spoke_at desc nulls last, i.last_heard_at desc nulls last
    """
)


def tell_dispute(tx: Tx, official_account: OfficialAccount, *, step_id: int, now: datetime) -> int:
    """Write to every clerk of a dispute about one step; answers how many were reached (job ``tell_dispute``).

    Whoever has no open window reads it in the app: the step stands there in any case.
    """
    with tx() as session:
        row = session.execute(_STEP, {"step_id": step_id}).first()
        if row is None:
            return 0
        parties = list(session.execute(_PARTIES, {"id": row.id}).scalars())
        chats = session.execute(_CHATS, {"parties": parties}).all()
    outcome = DisputeOutcome(row.outcome) if row.outcome else None
    state = words.next_of_dispute(DisputeState(row.state), outcome, row.evidence_until, "zh")
    said = words.told(StepKind(row.kind), row.number, row.order_number, state)
    return _write(tx, official_account, chats, f"dispute_step.{step_id}", said, now)


def tell_finding(tx: Tx, official_account: OfficialAccount, *, finding_id: int, now: datetime) -> int:
    """Write to every clerk concerned why amounts are kept back, or how it ended (job ``tell_finding``)."""
    with tx() as session:
        row = session.execute(_FINDING, {"finding_id": finding_id}).first()
        if row is None:
            return 0
        facts = {"number": row.number, "clerk_id": row.clerk_id}
        parties = list(session.execute(_CONCERNED, facts).scalars())
        chats = session.execute(_CHATS, {"parties": parties}).all()
    state = FindingState(row.state)
    why = words.why_held(RiskRule(row.rule), "zh")
    said = f"收益复核{row.number}：{why}。{words.next_of_finding(state, 'zh')}"
    return _write(tx, official_account, chats, f"finding.{finding_id}.{state.value}", said, now)


def _write(
    tx: Tx, official_account: OfficialAccount, chats: Sequence[Row[Any]], key: str, said: str, now: datetime
) -> int:
    return sum(
        write(
            tx,
            official_account,
            identity_id=chat.identity_id,
            openid=chat.openid,
            key=f"{key}.{chat.clerk_id}",
            words=said,
            now=now,
        )
        for chat in chats
    )
