"""The own account: another password, the authenticator, recovery codes."""

from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.backoffice.login import OneTimeCode, Password
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, callers, operator, operators_even_new, parts
from app.api.schema import ApiModel, answer
from app.operators import proving

bp = APIBlueprint(
    "backoffice_account",
    __name__,
    url_prefix="/api/backoffice/me",
    abp_tags=[Tag(name="Back office: me", description="The own account")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(operators_even_new)


class PasswordBody(ApiModel):
    """At least 12 characters; no rule about digits and signs."""

    old: Password
    new: Password


class ConfirmBody(ApiModel):
    """The six digits that the authenticator shows now."""

    totp: OneTimeCode


class ShowPassword(ApiModel):
    """The password, again: an unlocked screen is not enough."""

    password: Password


class ShowBoth(ApiModel):
    """The password and a one-time or recovery code, again."""

    password: Password
    totp: OneTimeCode


class EnrolmentOut(ApiModel):
    """Told once. `address` goes into a QR code that the authenticator reads; `secret` is for typing."""

    secret: str = Field(examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])
    address: str = Field(examples=["otpauth://totp/LANXU:O-OWNER?secret=JBSWY3DPEHPK3PXP&issuer=LANXU"])


class RecoveryOut(ApiModel):
    """Ten codes, told once; each stands in for the authenticator once."""

    recovery_codes: Annotated[list[str], Field(examples=[["7KQ2M-9XTPA"]])]


@bp.put("/password", responses={"204": {"description": "Changed"}, **problems(429)})
def change_my_password(body: PasswordBody) -> Response:
    """Change the password; every other login of the account ends within two seconds."""
    p = parts()
    proving.change_password(p.tx, p.vault, caller=operator(), old=body.old, new=body.new, now=p.now())
    callers().forget_operators()
    return Response(status=204)


@bp.post("/totp", responses={"200": EnrolmentOut, **problems(409, 429)})
def begin_my_totp(body: ShowPassword) -> Response:
    """Draw a secret for an authenticator (RFC 6238). It counts once `POST /me/totp/confirm` has seen a code."""
    p = parts()
    drawn = proving.begin_totp(
        p.tx, p.vault, caller=operator(), password=body.password, issuer=p.settings.brand_name, now=p.now()
    )
    return answer(EnrolmentOut(secret=drawn.secret, address=drawn.address))


@bp.post("/totp/confirm", responses={"200": RecoveryOut, **problems(409)})
def confirm_my_totp(body: ConfirmBody) -> Response:
    """From now on every login needs the authenticator; logins that were opened without it end."""
    p = parts()
    with p.tx() as session:
        codes = proving.confirm_totp(session, p.vault, caller=operator(), given=body.totp, now=p.now())
    callers().forget_operators()
    return answer(RecoveryOut(recovery_codes=codes))


@bp.post("/totp/remove", responses={"204": {"description": "Removed"}, **problems(409, 429)})
def remove_my_totp(body: ShowBoth) -> Response:
    """Log in without an authenticator again."""
    p = parts()
    proving.remove_totp(
        p.tx, p.vault, caller=operator(), password=body.password, given=body.totp, now=p.now()
    )
    callers().forget_operators()
    return Response(status=204)


@bp.post("/totp/recovery-codes", responses={"200": RecoveryOut, **problems(409, 429)})
def renew_my_recovery_codes(body: ShowBoth) -> Response:
    """Ten new recovery codes; the old ones are void."""
    p = parts()
    codes = proving.renew_recovery_codes(
        p.tx, p.vault, caller=operator(), password=body.password, given=body.totp, now=p.now()
    )
    return answer(RecoveryOut(recovery_codes=codes))
