"""Telling a member who serves from now on, and that it may be refused (BND-6)."""

from datetime import datetime

from sqlalchemy import text

from app.attribution import binding_terms
from app.base.db import Tx
from app.members.windows import write
from models.relations import HandoverKind
from wechat.official_account import OfficialAccount

_WHO = text(
    """
    select h.kind, i.id as identity_id, i.openid, oc.name as old_clerk, nc.name as new_clerk, s.name as store_name
    from handover_move v
    join handover h on h.id = v.handover_id
    join service_binding b on b.id = v.to_binding_id and b.valid_to is null
    join store s on s.id = b.store_id
    join identity i on i.member_id = v.member_id and i.app = 'OA' and i.followed
    left join service_binding ob on ob.id = v.from_binding_id left join clerk oc on oc.id = ob.clerk_id
    left join clerk nc on nc.id = b.clerk_id
    where v.handover_id = :handover_id and v.member_id = :member_id and v.state = 'MOVED'
    order by i.spoke_at desc nulls last, i.last_heard_at desc nulls last limit 1
    """
)


def tell_handover(
    tx: Tx, official_account: OfficialAccount, *, handover_id: int, member_id: int, now: datetime
) -> bool:
    """Write to a member who serves from now on, once; True when it was sent (job ``tell_handover``).

    Silent when no window is open, the member has refused already, or somebody else serves by now.
    """
    with tx() as session:
        row = session.execute(_WHO, {"handover_id": handover_id, "member_id": member_id}).first()
        hours = binding_terms.in_effect(session, at=now).refuse_hours
    if row is None:
        return False
    return write(
        tx,
        official_account,
        identity_id=row.identity_id,
        openid=row.openid,
        key=f"handover.{handover_id}.{member_id}",
        words=words(HandoverKind(row.kind), row.old_clerk, row.new_clerk, row.store_name, hours),
        now=now,
    )


def words(kind: HandoverKind, old: str | None, new: str | None, store: str, hours: int) -> str:
    """What the member reads. Nobody in person: the store's team serves, and there is nothing to refuse."""
    hello = "您好，"
    if old is not None:
        leaves = "即将离开岗位" if kind is HandoverKind.LEAVER else "不再负责接待您"
        hello += f"您的专属导购{old}{leaves}，"
    if new is None:
        return f"{hello}今后由{store}的团队为您服务。"
    return (
        f"{hello}今后由{store}的{new}为您服务。\n"
        f"如不愿意，可在{hours}小时内在小程序“我的导购”中拒绝，也可以随时另选导购。"
    )
