"""The operator who is logged in, and logging out."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, callers, operator, operators_even_new, parts
from app.api.schema import ApiModel, answer
from app.base.clock import iso
from app.operators.logins import log_out

bp = APIBlueprint(
    "backoffice_me",
    __name__,
    url_prefix="/api/backoffice",
    abp_tags=[Tag(name="Back office: me", description="The own account")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403),
)
bp.before_request(operators_even_new)


class OperatorMe(ApiModel):
    """The operator who is logged in. Both `entity` and `store` null: the whole brand."""

    code: str = Field(examples=["O-SZFT"])
    name: str = Field(examples=["黄丽娜"])
    role: str = Field(examples=["STORE_MANAGER"])
    entity: str | None = Field(description="The legal entity to which everything is narrowed")
    store: str | None = Field(description="The store to which everything is narrowed", examples=["SZ-FT"])
    has_totp: bool
    password_is_initial: bool
    expires_at: str


@bp.get("/me", responses={"200": OperatorMe})
def me() -> Response:
    """The operator behind the token."""
    caller = operator()
    return answer(
        {
            "code": caller.code,
            "name": caller.name,
            "role": caller.role,
            "entity": caller.entity_code,
            "store": caller.store_code,
            "has_totp": caller.has_totp,
            "password_is_initial": caller.password_is_initial,
            "expires_at": iso(caller.expires_at),
        }
    )


@bp.post("/logout", responses={"204": {"description": "Logged out"}})
def log_me_out() -> Response:
    """End this login; the token is dead everywhere within two seconds."""
    caller, p = operator(), parts()
    with p.tx() as session:
        log_out(session, token_hash=caller.token_hash, now=p.now())
    callers().forget(caller.token_hash)
    return Response(status=204)
