"""Campaigns: codes for a time, in many stores. WeChat's temporary tickets live 30 days at most and are renewed before.

The scene of a code is stable, its ticket is not: a picture that is shown is asked for by scene (``/c/<scene>``)
and always holds the ticket of today. What is printed should carry the mini-program's code, which lives as long
as the campaign; a printed official-account code says until when it is good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.db import Tx
from app.base.errors import Conflict, Invalid
from app.base.queue import defer
from app.codes.making import CodePage, Owner, complete, open_scenes, renew
from wechat.mini_program import MiniProgram
from wechat.official_account import OfficialAccount

MOST_STORES = 5000
# A ticket that ends within this is renewed; the job runs every hour, so WeChat may be away for days.
RENEW_BEFORE = timedelta(days=5)

_ADD = text(
    """
    insert into campaign (code, name, starts_at, ends_at, created_by, created_at)
    values (:code, :name, :starts_at, :ends_at, :by, :now) on conflict (code) do nothing returning id
    """
)
_STORES = text("select id, code from store where code = any(:codes) and status <> 'CLOSED' order by id")
_PENDING = text(
    """
    select array_agg(id) as ids from qr_code
    where campaign_id = :campaign_id and revoked_at is null and (expires_at is null or expires_at > :now)
    group by store_id having bool_or(url is null and image is null) order by store_id
    """
)
_ENDING = text(
    """
    select id from qr_code where kind = 'CAMPAIGN_OA' and revoked_at is null and ticket_expires_at <= :before
      and expires_at > :now and ticket_expires_at < expires_at order by ticket_expires_at limit :limit
    """
)
_PAGE = text(
    """
    select c.id as row_id, c.code, c.name, c.starts_at, c.ends_at, c.created_by,
           (select count(*) from qr_code q where q.campaign_id = c.id and q.kind = 'CAMPAIGN_OA') as stores
    from campaign c where c.id < :before order by c.id desc limit :limit
    """
)


_SHOWN = text(
    "select url from qr_code where scene = :scene and kind = 'CAMPAIGN_OA' and revoked_at is null"
    " and expires_at > :now and ticket_expires_at > :now"
)


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """What is asked for. Scans do not count after ``ends_at``; ``starts_at`` is for people and reports."""

    code: str
    name: str
    starts_at: datetime
    ends_at: datetime
    stores: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as it is listed."""

    row_id: int
    code: str
    name: str
    starts_at: datetime
    ends_at: datetime
    created_by: str
    stores: int


def create(session: Session, new: NewCampaign, *, by: str, now: datetime) -> int:
    """Write a campaign and open two codes for each of its stores; WeChat makes them after commit (job).

    Refuses a taken code, an end that is not after the start and after now, and unknown or closed stores.
    """
    if new.ends_at <= max(new.starts_at, now):
        raise Invalid("It ends before it begins.", fields={"ends_at": "after starts_at and after now"})
    found = {row.code: row.id for row in session.execute(_STORES, {"codes": list(new.stores)})}
    missing = sorted(set(new.stores) - found.keys())
    if missing or not found:
        raise Invalid("No such stores.", fields={"stores": f"unknown or closed: {', '.join(missing)}"})
    facts = {"code": new.code, "name": new.name, "starts_at": new.starts_at, "ends_at": new.ends_at}
    campaign_id = session.execute(_ADD, {**facts, "by": by, "now": now}).scalar()
    if campaign_id is None:
        raise Conflict("CODE_TAKEN", f"There is a campaign {new.code} already.")
    for store_id in found.values():
        owner = Owner("CAMPAIGN", store_id, campaign_id=campaign_id, label=new.name, expires_at=new.ends_at)
        open_scenes(session, owner, now=now)
    audit.note(
        session,
        actor=by,
        action="campaign.create",
        subject=f"campaign:{new.code}",
        before=None,
        after={"name": new.name, "stores": len(found)},
        why=new.name,
        at=now,
    )
    defer(session, "make_campaign_codes", campaign_id=campaign_id)
    return int(campaign_id)


def make_codes(
    tx: Tx,
    official_account: OfficialAccount,
    mini_program: MiniProgram,
    *,
    campaign_id: int,
    page: CodePage,
    now: datetime,
) -> int:
    """Have WeChat make what a campaign's codes lack (job ``make_campaign_codes``); answers for how many stores.

    Raises WeChatError: the job is tried again and asks only for the rest.
    """
    with tx() as session:
        pending = session.execute(_PENDING, {"campaign_id": campaign_id, "now": now}).scalars().all()
    for ids in pending:
        complete(tx, official_account, mini_program, ids=list(ids), page=page, now=now)
    return len(pending)


def renew_due(tx: Tx, official_account: OfficialAccount, *, now: datetime, limit: int = 500) -> int:
    """Renew the tickets that end within five days while their campaign goes on; answers how many.

    Raises WeChatError at the first that WeChat refuses: the next hour goes on with the rest.
    """
    facts = {"before": now + RENEW_BEFORE, "now": now, "limit": limit}
    with tx() as session:
        due: Sequence[int] = session.execute(_ENDING, facts).scalars().all()
    for code_id in due:
        renew(tx, official_account, code_id=code_id, now=now)
    return len(due)


def page(session: Session | Connection, *, before: int, limit: int) -> list[Campaign]:
    """Campaigns, youngest first, older than row ``before``."""
    rows = session.execute(_PAGE, {"before": before, "limit": limit})
    return [Campaign(**row._mapping) for row in rows]


def find_shown(session: Session | Connection, scene: str, *, now: datetime) -> str | None:
    """What the picture of a campaign's official-account code says today; None when it has ended or is unknown."""
    url: str | None = session.execute(_SHOWN, {"scene": scene[:32], "now": now}).scalar()
    return url
