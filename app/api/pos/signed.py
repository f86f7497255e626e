"""The guard of the tills' doors: every request is signed by a key of one store, and counts once."""

from datetime import UTC, datetime
from typing import Annotated, Any

from flask import g, request
from pydantic import AfterValidator, Field, model_validator

from app.api.guard import parts
from app.api.schema import ApiModel, Text
from app.api.schema import Moment as AnyMoment
from app.members.recognising import PHONE, Named
from app.tills.letting_in import Asked, Till, let_in

# What a guarded blueprint says of itself in the API document.
NEEDS_SIGNATURE: list[dict[str, list[str]]] = [{"pos": []}]
MAX_BODY_BYTES = 256 * 1024


def tills_only() -> None:
    """Goes before every request of a blueprint. Refuses (401) what no live key has signed, in time and once."""
    request.max_content_length = MAX_BODY_BYTES
    asked = Asked(
        key=request.headers.get("Pos-Key", "")[:64],
        timestamp=request.headers.get("Pos-Timestamp", ""),
        nonce=request.headers.get("Pos-Nonce", ""),
        signature=request.headers.get("Pos-Signature", ""),
        method=request.method,
        target=_target(),
        body=request.get_data(),
    )
    p = parts()
    g.till = let_in(p.tx, p.vault, asked, now=p.now())


def till() -> Till:
    """The till that ``tills_only`` let in; a fault where it was not asked."""
    found: Till = g.till
    return found


def _target() -> str:
    # As the client wrote it: what is decoded and encoded again may differ. Servers that do not keep it are
    # not ours (gunicorn and the test client do).
    raw: Any = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path
    sent = str(raw)
    return "/" + sent.split("/", 3)[3] if sent.startswith(("http://", "https://")) else sent


def _phone(value: str) -> str:
    if not PHONE.fullmatch(value):
        raise ValueError("11 digits, or 00 with country code and number")
    return value


def _whole_second(moment: datetime) -> datetime:
    # Tills write seconds, and a repeat must say the same.
    return moment.astimezone(UTC).replace(microsecond=0)


Phone = Annotated[Text, Field(max_length=20, examples=["13800000001"]), AfterValidator(_phone)]
Number = Annotated[Text, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9-]+$", examples=["M-0001"])]
ReceiptNo = Annotated[
    Text, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$", examples=["WFYQ-20260709-0017"])
]
# RFC 3339 with an offset: a till's local time without one would be anybody's guess.
Moment = Annotated[AnyMoment, Field(examples=["2026-07-09T15:20:00+08:00"]), AfterValidator(_whole_second)]


class MemberIn(ApiModel):
    """Who it was: the number on the member's phone, or the verified phone number. Exactly one."""

    number: Annotated[Number | None, Field(default=None)]
    phone: Annotated[Phone | None, Field(default=None)]

    @model_validator(mode="after")
    def _one(self) -> "MemberIn":
        if (self.number is None) == (self.phone is None):
            raise ValueError("send either number or phone")
        return self

    def named(self) -> Named:
        """As the room takes it."""
        return Named(self.number, self.phone)
