"""Keys of tills: made, replaced, revoked. A secret is shown once, in the answer that makes it."""

from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, operator, parts, roles_only
from app.api.schema import ApiModel, Code, Int, PageQuery, Text, answer
from app.base.clock import iso
from app.tills import keys
from models.operators import OperatorRole

NEWEST = 2**63 - 1

bp = APIBlueprint(
    "backoffice_pos_keys",
    __name__,
    url_prefix="/api/backoffice",
    abp_tags=[Tag(name="Back office: POS keys", description="What tills sign with")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 404, 409, 422),
)
bp.before_request(roles_only(OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE))


class KeyPath(ApiModel):
    """A key by its code."""

    code: Code


class NewKeyBody(ApiModel):
    """A key for the tills of one store; `label` says which till or system holds it."""

    store: Annotated[Code, Field(examples=["WF-YQ"])]
    label: Annotated[Text, Field(min_length=1, max_length=80, examples=["一号收银台"])]


class RotateBody(ApiModel):
    """For how long the old key stays good beside the new one; 0 ends it at once."""

    overlap_s: Annotated[Int, Field(default=86400, ge=0, le=14 * 86400)]


class RevokeBody(ApiModel):
    """Why; it is written into the audit log."""

    why: Annotated[Text, Field(min_length=1, max_length=200, examples=["收银机失窃"])]


class ShownKey(ApiModel):
    """A key with its secret. Note it now: it is never shown again."""

    key: Annotated[str, Field(examples=["PK2607099A7M2QX9"])]
    secret: str
    store: str


class KeyOut(ApiModel):
    """A key, without its secret."""

    key: str
    label: str
    store: str
    created_by: str
    created_at: str
    ends_at: Annotated[str | None, Field(description="Replaced; good until then")]
    revoked_at: str | None


class KeysOut(ApiModel):
    """A page of keys, youngest first."""

    items: list[KeyOut]
    next: str | None


@bp.get("/pos-keys", responses={"200": KeysOut})
def pos_keys(query: PageQuery) -> Response:
    """The keys of the stores in my sight, youngest first."""
    before = read_cursor("pos-keys", query.cursor) if query.cursor else NEWEST
    with parts().read() as connection:
        found = keys.page(connection, scope=operator().scope, before=before, limit=query.limit + 1)
    shown = found[: query.limit]
    items = [
        KeyOut(
            key=key.code,
            label=key.label,
            store=key.store,
            created_by=key.created_by,
            created_at=iso(key.created_at),
            ends_at=iso(key.ends_at) if key.ends_at else None,
            revoked_at=iso(key.revoked_at) if key.revoked_at else None,
        )
        for key in shown
    ]
    following = write_cursor("pos-keys", shown[-1].row_id) if len(found) > query.limit else None
    return answer(KeysOut(items=items, next=following))


@bp.post("/pos-keys", responses={"201": ShownKey})
def make_pos_key(body: NewKeyBody) -> Response:
    """Make a key for a store in my sight."""
    p, caller = parts(), operator()
    with p.tx() as session:
        made = keys.make(
            session,
            p.vault,
            store=body.store,
            label=body.label,
            scope=caller.scope,
            by=caller.actor,
            now=p.now(),
        )
    return _shown(made)


@bp.post("/pos-keys/<code>/rotate", responses={"201": ShownKey})
def rotate_pos_key(path: KeyPath, body: RotateBody) -> Response:
    """Replace a key; both are good until the overlap is over."""
    p, caller = parts(), operator()
    with p.tx() as session:
        made = keys.rotate(
            session,
            p.vault,
            code=path.code,
            overlap_s=body.overlap_s,
            scope=caller.scope,
            by=caller.actor,
            now=p.now(),
        )
    return _shown(made)


@bp.post("/pos-keys/<code>/revoke", responses={"204": {"description": "Ended"}})
def revoke_pos_key(path: KeyPath, body: RevokeBody) -> Response:
    """End a key at once. Again changes nothing."""
    p, caller = parts(), operator()
    with p.tx() as session:
        keys.revoke(session, code=path.code, scope=caller.scope, by=caller.actor, why=body.why, now=p.now())
    return Response(status=204)


def _shown(made: keys.NewKey) -> Response:
    return answer(ShownKey(key=made.code, secret=made.secret, store=made.store), 201)
