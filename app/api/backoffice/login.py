"""An operator logs in: code, password and, where one is set up, the code of the authenticator."""

from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.errors import problems
from app.api.guard import parts
from app.api.schema import ApiModel, Text, answer
from app.base.clock import iso
from app.operators.logins import log_in

bp = APIBlueprint(
    "backoffice_login",
    __name__,
    url_prefix="/api/backoffice",
    abp_tags=[Tag(name="Back office: login", description="Who runs the shop")],
    abp_responses=problems(401, 422, 429),
)

OperatorCode = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Password = Annotated[Text, Field(min_length=1, max_length=128, examples=["fjord-lantern-42-plum"])]
OneTimeCode = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=20,
        description="Six digits of the authenticator, or a recovery code",
        examples=["492039"],
    ),
]


class OperatorLoginBody(ApiModel):
    """`totp` is needed where an authenticator is set up, and ignored where none is."""

    code: OperatorCode
    password: Password
    totp: OneTimeCode | None = None


class OperatorLoginAnswer(ApiModel):
    """The token goes into ``Authorization: Bearer``; it is told once."""

    token: str = Field(examples=["op.hQ3..."])
    expires_at: str = Field(description="At the latest; half an hour without a request ends it sooner")
    password_is_initial: bool = Field(description="Nothing but /api/backoffice/me opens before it is changed")


@bp.post("/login", responses={"200": OperatorLoginAnswer})
def log_operator_in(body: OperatorLoginBody) -> Response:
    """Log in. `LOGIN_REFUSED` tells nothing more; `LOGIN_LOCKED` says in `Retry-After` when to come back."""
    p = parts()
    opened = log_in(p.tx, p.vault, code=body.code, password=body.password, given=body.totp, now=p.now())
    return answer(
        OperatorLoginAnswer(
            token=opened.token,
            expires_at=iso(opened.expires_at),
            password_is_initial=opened.password_is_initial,
        )
    )
