"""Who shops in a measurement: fans whom a clerk brought, logged in to the mini-program, among many others."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.attribution.touches import NewTouch, record
from app.base.clock import utc_now
from app.base.db import open_tx
from app.members.logins import open_login
from app.members.meeting import meet
from models.attribution import TouchKind
from models.members import AppKind, Audience
from scripts.bench_brand import STORES
from wechat.box.credentials import Credentials

MEMBERS = 400
# Members who do nothing in the run. Without them the tables are so small that PostgreSQL uses no index.
OTHERS = 20_000
LOGIN_TTL_S = 86_400
_CODES = text(
    """
    insert into qr_code (scene, kind, clerk_id, store_id)
    select 'c-' || lower(c.code), 'CLERK_OA', c.id, c.store_id from clerk c join store s on s.id = c.store_id
    where c.status = 'ACTIVE' and s.code = any(:stores)
    returning scene
    """
)
_OTHERS = text(
    """
    with code as (
        select array_agg(c.id) as clerks, array_agg(c.store_id) as stores, count(*) as n
        from clerk c join qr_code q on q.clerk_id = c.id),
    m as (
        insert into member (number, created_at)
        select 'MBENCH' || g, :at from generate_series(1, :count) g returning id),
    i as (
        insert into identity (member_id, app, appid, openid, followed, created_at)
        select id, 'OA', :appid, 'oa-openid-of-other-member-' || id, true, :at from m returning id, member_id),
    t as (
        insert into touch (member_id, identity_id, kind, clerk_id, store_id, occurred_at, received_at, raw_key,
                           valid, result)
        select i.member_id, i.id, 'SCAN', code.clerks[1 + i.id % n], code.stores[1 + i.id % n], :at, :at,
               'bench-other-' || i.id, true, 'ACQUIRED'
        from i, code returning id, member_id, clerk_id, store_id),
    a as (
        insert into acquisition (member_id, kind, clerk_id, store_id, touch_id, acquired_at)
        select member_id, 'ACQUISITION', clerk_id, store_id, id, :at from t)
    insert into service_binding (member_id, clerk_id, store_id, touch_id, valid_from, reason, actor)
    select member_id, clerk_id, store_id, id, :at, 'ACQUIRED', 'touch' from t
    """
)


@dataclass(frozen=True)
class Shopper:
    """One member: the login token, and the openids in both apps."""

    token: str
    oa_openid: str
    mp_openid: str


def gather(engine: Engine, credentials: Credentials) -> list[Shopper]:
    """Make the members: each followed through a clerk's code yesterday and is logged in now."""
    now = utc_now()
    with open_tx(engine)() as session:
        scenes = sorted(session.execute(_CODES, {"stores": list(STORES)}).scalars())
        others = {"count": OTHERS, "appid": credentials.oa.appid, "at": now - timedelta(days=100)}
        session.execute(_OTHERS, others)
        cast = [_come(session, credentials, n, scenes[n % len(scenes)], now) for n in range(MEMBERS)]
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("vacuum analyze")
    return cast


def _come(session: Session, credentials: Credentials, n: int, scene: str, now: datetime) -> Shopper:
    shopper = (f"oa-openid-of-bench-member-{n:05}", f"mp-openid-of-bench-member-{n:05}")
    unionid = f"unionid-of-bench-member-{n:05}"
    came_at = now - timedelta(days=1)
    fan = meet(
        session,
        app=AppKind.OA,
        appid=credentials.oa.appid,
        openid=shopper[0],
        unionid=unionid,
        followed=True,
        at=came_at,
        now=came_at,
    )
    touch = NewTouch(
        member_id=fan.member_id,
        identity_id=fan.identity_id,
        kind=TouchKind.SUBSCRIBE_SCAN,
        occurred_at=came_at,
        raw_key=f"bench-{n}",
        scene=scene,
        received_at=came_at,
    )
    record(session, touch)
    visitor = meet(
        session,
        app=AppKind.MP,
        appid=credentials.mp.appid,
        openid=shopper[1],
        unionid=unionid,
        now=now,
    )
    opened = open_login(
        session,
        visitor,
        openid=shopper[1],
        audience=Audience.SHOPPER,
        clerk_id=None,
        now=now,
        ttl_s=LOGIN_TTL_S,
    )
    return Shopper(opened.token, *shopper)
