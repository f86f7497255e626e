"""The clerk who is logged in, and logging out."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, clerk, clerks_only, end_login
from app.api.schema import ApiModel, answer

bp = APIBlueprint(
    "clerk_me",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: me", description="Who serves")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403),
)
bp.before_request(clerks_only)


class ClerkView(ApiModel):
    """The clerk who is logged in."""

    clerk: str = Field(examples=["C-SZFT-01"])
    name: str = Field(examples=["林晓雨"])
    role: str = Field(examples=["CLERK"])
    store: str = Field(examples=["SZ-FT"])


@bp.post("/logout", responses={"204": {"description": "Logged out"}})
def log_me_out() -> Response:
    """End this login; the token is dead everywhere within 5 seconds."""
    end_login(clerk())
    return Response(status=204)


@bp.get("/me", responses={"200": ClerkView})
def me() -> Response:
    """The clerk behind the token."""
    caller = clerk()
    return answer(
        {
            "clerk": caller.clerk_code,
            "name": caller.clerk_name,
            "role": caller.clerk_role,
            "store": caller.store_code,
        }
    )
