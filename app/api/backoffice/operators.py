"""Head office keeps its operators: OWNER only, each change with its reason, all of it in the audit log."""

from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.backoffice.login import OperatorCode
from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, callers, operator, parts, roles_only
from app.api.schema import ApiModel, Code, PageQuery, Text, answer
from app.base.audit import MOST_WHY
from app.base.clock import iso
from app.operators import accounts, roster
from app.operators.accounts import Decision, NewOperator
from app.operators.passwords import hash_password, make_password
from app.operators.roster import NEWEST, OperatorRow
from models.operators import OperatorRole, OperatorStatus

bp = APIBlueprint(
    "backoffice_operators",
    __name__,
    url_prefix="/api/backoffice/operators",
    abp_tags=[Tag(name="Back office: operators", description="Who may do what (OWNER)")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(roles_only())
LIST = "operators"

Why = Annotated[
    Text,
    Field(min_length=1, max_length=MOST_WHY, description="Goes into the audit log", examples=["接任财务"]),
]
Name = Annotated[Text, Field(min_length=1, max_length=40, examples=["黄丽娜"])]
Entity = Annotated[Code | None, Field(default=None, description="FRANCHISEE only", examples=["E-WF1"])]
Store = Annotated[Code | None, Field(default=None, description="STORE_MANAGER only", examples=["SZ-FT"])]


class OperatorPath(ApiModel):
    """Which operator."""

    code: OperatorCode


class WhyBody(ApiModel):
    """The reason."""

    why: Why


class RoleBody(ApiModel):
    """Name, role and scope, as they shall be."""

    name: Name
    role: OperatorRole
    entity: Entity
    store: Store
    why: Why


class NewOperatorBody(RoleBody):
    """Somebody to let in. The password is drawn here."""

    code: OperatorCode


class OperatorOut(ApiModel):
    """One operator. `seen_at`: the last request, to the minute."""

    code: str
    name: str
    role: str
    entity: str | None
    store: str | None
    status: str
    has_totp: bool
    password_is_initial: bool
    created_at: str
    seen_at: str | None


class OperatorsOut(ApiModel):
    """A page of operators, newest first."""

    items: list[OperatorOut]
    next: str | None


class InitialPassword(ApiModel):
    """Told once. It opens nothing but `PUT /api/backoffice/me/password`."""

    code: str
    initial_password: str = Field(examples=["kq2mt-9xhpa-wz4nd-7rs3c"])


@bp.get("", responses={"200": OperatorsOut})
def list_all(query: PageQuery) -> Response:
    """All operators, the disabled too."""
    before = read_cursor(LIST, query.cursor) if query.cursor else NEWEST
    with parts().read() as connection:
        rows = roster.list_operators(connection, before=before, limit=query.limit + 1)
    more = rows[query.limit - 1].id if len(rows) > query.limit else None
    items = [_shown(row) for row in rows[: query.limit]]
    return answer(OperatorsOut(items=items, next=write_cursor(LIST, more) if more else None))


@bp.get("/<code>", responses={"200": OperatorOut, **problems(404)})
def show_one(path: OperatorPath) -> Response:
    """One operator."""
    with parts().read() as connection:
        return answer(_shown(roster.get_operator(connection, path.code)))


@bp.post("", responses={"201": InitialPassword, **problems(409)})
def let_in(body: NewOperatorBody) -> Response:
    """Let somebody in. The initial password is told once, here, and has to be changed at the first login."""
    password = make_password()
    new = NewOperator(body.code, body.name, body.role, body.entity, body.store, hash_password(password), True)
    with parts().tx() as session:
        accounts.let_in(session, new, _decided(body.why))
    return answer(InitialPassword(code=body.code, initial_password=password), 201)


@bp.put("/<code>/role", responses={"200": OperatorOut, **problems(404)})
def change_role(path: OperatorPath, body: RoleBody) -> Response:
    """Change name, role and scope. It counts from the next request on, everywhere within two seconds."""
    with parts().tx() as session:
        accounts.change_role(
            session,
            path.code,
            _decided(body.why),
            name=body.name,
            role=body.role,
            entity=body.entity,
            store=body.store,
        )
        shown = _shown(roster.get_operator(session, path.code))
    callers().forget_operators()
    return answer(shown)


@bp.post("/<code>/disable", responses={"200": OperatorOut, **problems(404)})
def disable(path: OperatorPath, body: WhyBody) -> Response:
    """Shut somebody out; the logins are dead everywhere within two seconds."""
    return _set_status(path.code, body.why, OperatorStatus.DISABLED)


@bp.post("/<code>/enable", responses={"200": OperatorOut, **problems(404)})
def enable(path: OperatorPath, body: WhyBody) -> Response:
    """Let somebody in again, with the old password and authenticator."""
    return _set_status(path.code, body.why, OperatorStatus.ACTIVE)


@bp.post("/<code>/reset-password", responses={"200": InitialPassword, **problems(404)})
def reset_password(path: OperatorPath, body: WhyBody) -> Response:
    """A new initial password, told once; logins end, a lock is lifted."""
    password, p = make_password(), parts()
    hashed = hash_password(password)
    with p.tx() as session:
        accounts.reset_password(
            session, p.vault, path.code, _decided(body.why), password_hash=hashed, is_initial=True
        )
    callers().forget_operators()
    return answer(InitialPassword(code=path.code, initial_password=password))


@bp.post("/<code>/reset-totp", responses={"200": OperatorOut, **problems(404)})
def reset_totp(path: OperatorPath, body: WhyBody) -> Response:
    """Take away an authenticator that was lost, with its recovery codes; logins end."""
    with parts().tx() as session:
        accounts.reset_totp(session, path.code, _decided(body.why))
        shown = _shown(roster.get_operator(session, path.code))
    callers().forget_operators()
    return answer(shown)


def _set_status(code: str, why: str, status: OperatorStatus) -> Response:
    with parts().tx() as session:
        accounts.set_status(session, code, _decided(why), status=status)
        shown = _shown(roster.get_operator(session, code))
    callers().forget_operators()
    return answer(shown)


def _decided(why: str) -> Decision:
    caller = operator()
    return Decision(caller.actor, why, parts().now(), caller)


def _shown(row: OperatorRow) -> OperatorOut:
    return OperatorOut(
        code=row.code,
        name=row.name,
        role=row.role,
        entity=row.entity,
        store=row.store,
        status=row.status,
        has_totp=row.has_totp,
        password_is_initial=row.password_is_initial,
        created_at=iso(row.created_at),
        seen_at=iso(row.seen_at) if row.seen_at else None,
    )
