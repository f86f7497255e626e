"""Looking a member up at the till: is there one, and nothing that would tell who."""

from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field, model_validator

from app.api.errors import problems
from app.api.guard import parts
from app.api.pos.signed import NEEDS_SIGNATURE, Number, Phone, till, tills_only
from app.api.schema import ApiModel, answer
from app.base.clock import iso
from app.members.recognising import Named, masked

bp = APIBlueprint(
    "pos_members",
    __name__,
    url_prefix="/api/pos",
    abp_tags=[Tag(name="POS: members", description="Look a member up, masked")],
    abp_security=NEEDS_SIGNATURE,
    abp_responses=problems(401, 404, 422),
)
bp.before_request(tills_only)


class MemberQuery(ApiModel):
    """Exactly one: the verified phone number, or the number that the member's phone shows."""

    phone: Annotated[Phone | None, Field(default=None)]
    code: Annotated[Number | None, Field(default=None)]

    @model_validator(mode="after")
    def _one(self) -> "MemberQuery":
        if (self.phone is None) == (self.code is None):
            raise ValueError("send either phone or code")
        return self


class MaskedMember(ApiModel):
    """A member as a till may show one: no name, and of the phone only its last four digits."""

    number: Annotated[str, Field(examples=["M-0001"])]
    phone_tail: Annotated[str | None, Field(examples=["0001"])]
    customer_since: str | None
    served_here: Annotated[bool, Field(description="Whether this store serves the member")]


@bp.get("/members", responses={"200": MaskedMember})
def look_up(query: MemberQuery) -> Response:
    """The member with this phone or number, masked; 404 when there is none."""
    p = parts()
    with p.read() as connection:
        found = masked(connection, p.vault, Named(query.code, query.phone), store=till().store)
    since = iso(found.customer_since) if found.customer_since else None
    return answer(
        {
            "number": found.number,
            "phone_tail": found.phone_tail,
            "customer_since": since,
            "served_here": found.is_served_here,
        }
    )
