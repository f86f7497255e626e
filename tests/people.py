"""Builders: fans, scans and codes on the small shop of ``tests.make``."""

from datetime import UTC, datetime
from itertools import count

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution.touches import NewTouch, Recorded, record
from app.members.meeting import Met, meet
from models.attribution import TouchKind
from models.members import AppKind

NOON = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
OA, MP = "wx-oa", "wx-mp"
_keys = count(1)


def a_code(
    session: Session, clerk: str | None = "C-SZFT-01", *, store: str = "SZ-FT", scene: str = ""
) -> str:
    """A code of a clerk, or of a store when ``clerk`` is None; its scene."""
    scene = scene or f"c-{(clerk or store).lower()}"
    session.execute(
        text(
            "insert into qr_code (scene, kind, clerk_id, store_id)"
            " select :scene, case when c.id is null then 'STORE_OA' else 'CLERK_OA' end, c.id,"
            " coalesce(c.store_id, s.id) from store s left join clerk c on c.code = cast(:clerk as text)"
            " where s.code = :store"
        ),
        {"scene": scene, "clerk": clerk, "store": store},
    )
    return scene


def a_fan(session: Session, openid: str = "fan-1", *, now: datetime = NOON) -> Met:
    """Somebody whom the official account knows."""
    return meet(session, app=AppKind.OA, appid=OA, openid=openid, followed=True, now=now)


def a_scan(
    session: Session,
    met: Met,
    scene: str | None,
    *,
    at: datetime = NOON,
    received_at: datetime | None = None,
    kind: TouchKind = TouchKind.SCAN,
    key: str = "",
    clerk_id: int | None = None,
) -> Recorded:
    """A touch as a push would bring it."""
    return record(
        session,
        NewTouch(
            member_id=met.member_id,
            identity_id=met.identity_id,
            kind=kind,
            occurred_at=at,
            raw_key=key or f"key-{next(_keys)}",
            scene=scene,
            clerk_id=clerk_id,
            received_at=received_at,
        ),
    )


def id_of(session: Session, table: str, code: str) -> int:
    """The row id of a clerk or store."""
    return int(
        session.execute(text(f"select id from {table} where code = :code"), {"code": code}).scalar_one()
    )


def set_clerk(session: Session, code: str, **given: object) -> None:
    """Change facts of a clerk."""
    changes = ", ".join(f"{name} = :{name}" for name in given)
    session.execute(text(f"update clerk set {changes} where code = :code"), {"code": code, **given})


def set_store(session: Session, code: str, **given: object) -> None:
    """Change facts of a store."""
    changes = ", ".join(f"{name} = :{name}" for name in given)
    session.execute(text(f"update store set {changes} where code = :code"), {"code": code, **given})
