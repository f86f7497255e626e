"""What is printed of a code: poster, badge, shelf card; one, a sheet of many, or a whole brand as a ZIP."""

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base.clock import local_day
from app.base.errors import Conflict, Invalid, NotFound
from app.base.scope import Scope
from app.posters.designs import Facts, Material, draw
from app.posters.picturing import png
from app.posters.poster import CALL
from app.posters.printing import Sheet, pdf
from models.attribution import CodeKind
from models.stores import ClerkRole

TITLES = {ClerkRole.CLERK: "专属导购", ClerkRole.MANAGER: "店长", ClerkRole.TEAM: "在线顾问"}
STORE_CALL = "扫码关注 · 门店为您服务"
_PAGE = 25

_COLUMNS = """
    select q.scene, q.kind, q.url, q.image, q.ticket_expires_at, q.label, s.code as store, s.name as store_name,
           e.code as entity, c.code as clerk, c.name as clerk_name, c.role
    from qr_code q join store s on s.id = q.store_id join legal_entity e on e.id = s.entity_id
    left join clerk c on c.id = q.clerk_id
    """
_BY_SCENE = text(f"{_COLUMNS} where q.scene = any(:scenes) and q.revoked_at is null")
_OF_BATCH = text(
    f"""
    {_COLUMNS} join code_batch_item i on i.store_id = s.id and i.clerk_id is not distinct from q.clerk_id
    where i.batch_id = :batch_id and i.state = 'DONE' and i.position > :after and i.position <= :to
      and q.revoked_at is null and q.kind in (:app_clerk, :app_store)
    order by i.position
    """
)


@dataclass(frozen=True, slots=True)
class Brand:
    """What stands on everything that is printed."""

    name: str
    slogan: str


@dataclass(frozen=True, slots=True)
class Wish:
    """Which thing, as a picture or as a PDF on sheets."""

    material: Material
    form: str
    sheet: Sheet = Sheet.SINGLE


def printed(
    session: Session | Connection,
    *,
    scenes: Sequence[str],
    wish: Wish,
    brand: Brand,
    scope: Scope,
    now: datetime,
) -> bytes:
    """The thing of a code as a PNG, or of some codes as one PDF, in the order asked for.

    Refuses (NotFound) a code that is withdrawn or out of sight, CODE_NOT_MADE while WeChat has not made it, and a
    poster on an A4 sheet, which has no room for its bleed.
    """
    rows = {row.scene: row for row in session.execute(_BY_SCENE, {"scenes": list(scenes)})}
    for scene in scenes:
        if scene not in rows:
            raise NotFound("NOT_FOUND", "No such code.")
        scope.require(entity=rows[scene].entity, store=rows[scene].store, detail="No such code.")
    if wish.form == "pdf" and wish.material is Material.POSTER and wish.sheet is Sheet.A4:
        raise Invalid("With bleed and marks it needs more than A4.", fields={"sheet": "single for a poster"})
    designs = [draw(wish.material, facts_of(rows[scene], brand)) for scene in scenes]
    if wish.form == "png":
        return png(designs[0])
    return pdf(designs, sheet=wish.sheet, made_at=now, title=brand.name)


def facts_of(row: Row[Any], brand: Brand) -> Facts:
    """What a code's print says. Refuses CODE_NOT_MADE."""
    official = CodeKind(row.kind).value.endswith("_OA")
    if (row.url if official else row.image) is None:
        raise Conflict("CODE_NOT_MADE", "WeChat has not made this code yet.")
    until = f"有效期至 {local_day(row.ticket_expires_at):%Y-%m-%d}" if row.ticket_expires_at else ""
    store_only = row.clerk is None
    return Facts(
        brand=brand.name,
        slogan=brand.slogan,
        name=(row.label or row.store_name) if store_only else row.clerk_name,
        store=row.store_name if not store_only or row.label else "",
        title="" if store_only else TITLES[ClerkRole(row.role)],
        call=STORE_CALL if store_only else CALL,
        note=until,
        url=row.url if official else None,
        image=None if official else bytes(row.image),
    )


def zipped(
    read: Callable[[], AbstractContextManager[Connection]],
    *,
    batch_id: int,
    total: int,
    app: str,
    wish: Wish,
    brand: Brand,
    now: datetime,
) -> Iterator[bytes]:
    """All things of a batch as a ZIP, piece by piece: never more than a few drawings in memory.

    ``app``: OA or MP. Files are named ``<store>/<clerk>.png``; a store's own is ``<store>/<store>.png``.
    """
    out = _Pieces()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for after in range(0, total, _PAGE):
            facts = {"batch_id": batch_id, "after": after, "to": after + _PAGE}
            with read() as connection:
                kinds = {"app_clerk": f"CLERK_{app}", "app_store": f"STORE_{app}"}
                rows = connection.execute(_OF_BATCH, {**facts, **kinds}).all()
            for row in rows:
                design = draw(wish.material, facts_of(row, brand))
                made = png(design) if wish.form == "png" else pdf([design], sheet=wish.sheet, made_at=now)
                name = f"{row.store}/{row.clerk or row.store}.{wish.form}"
                stamp = zipfile.ZipInfo(name, date_time=now.timetuple()[:6])
                archive.writestr(stamp, made)
                yield out.take()
    yield out.take()


class _Pieces(io.RawIOBase):
    """A file that is read while it is written: the archive writes, the answer takes."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        """Whether one may write: yes, and nothing else."""
        return True

    def write(self, data: Any) -> int:
        """Keep a piece until it is taken."""
        self._held += data
        return len(data)

    def take(self) -> bytes:
        """What has been written since the last time."""
        taken, self._held = bytes(self._held), bytearray()
        return taken
