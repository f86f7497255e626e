"""What all doors share about shapes: strict models, plain types, pages, answers, languages."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

import orjson
from flask import Response, request
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

MAX_PAGE = 50
_SCHEMAS: dict[type, dict[str, Any]] = {}


class ApiModel(BaseModel):
    """Parent of every input and output model: unknown fields are refused, nothing is coerced silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The JSON schema; computed once per class, because flask-openapi3 asks for it on every request."""
        if args or kwargs:
            return super().model_json_schema(*args, **kwargs)
        found = _SCHEMAS.get(cls)
        if found is None:
            found = _SCHEMAS[cls] = super().model_json_schema()
        return found


def _whole(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int):
        raise ValueError("must be a whole number")
    return value


def _from_query(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip("-").isdecimal() and value.isascii() and len(value) <= 18:
        return int(value)
    return _whole(value)


def _clean(value: str) -> str:
    if any(char < " " and char not in "\n\t" for char in value) or "\x7f" in value:
        raise ValueError("must not contain control characters")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("must not contain lone surrogates")
    return value


# JSON integers only: true, "1" and 1.5 are refused, 1.0 is the integer that JSON Schema says it is.
Int = Annotated[int, BeforeValidator(_whole)]
# The same in a query string, where everything arrives as text.
QueryInt = Annotated[int, BeforeValidator(_from_query)]
# Text without control characters (PostgreSQL refuses NUL) or lone surrogates.
Text = Annotated[str, AfterValidator(_clean)]
Code = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9-]+$")]
# A code that WeChat gives a phone, good once.
WxCode = Annotated[Text, Field(min_length=1, max_length=128, description="From wx.login or the phone button")]
Fen = Annotated[int, Field(description="Amount in fen (1/100 CNY)", examples=[29900])]


def _within_calendars(moment: datetime) -> datetime:
    # Near the ends of the calendar a change of zone leaves it: what was stored could not be read again.
    if not 2000 <= moment.year <= 2100:
        raise ValueError("a year from 2000 to 2100")
    return moment


# A moment with its offset, in years in which every calendar works.
Moment = Annotated[AwareDatetime, AfterValidator(_within_calendars)]


class PageQuery(ApiModel):
    """Keyset paging: pass ``next`` of the last answer as ``cursor``."""

    cursor: Annotated[Text | None, Field(default=None, max_length=200)]
    limit: Annotated[QueryInt, Field(default=20, ge=1, le=MAX_PAGE)]


def answer(body: BaseModel | Mapping[str, Any] | list[Any], status: int = 200) -> Response:
    """A JSON answer as bytes, UTF-8, never cached by anybody in between."""
    payload = body.model_dump(mode="json") if isinstance(body, BaseModel) else body
    response = Response(orjson.dumps(payload), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def language() -> str:
    """``en`` when the caller prefers English, else ``zh``: Chinese first."""
    return prefers(request.headers.get("Accept-Language", ""))


@lru_cache(maxsize=256)
def prefers(header: str) -> str:
    """The language of an Accept-Language header, normalised to ``zh`` or ``en``."""
    best = ("zh", 0.0)
    for part in header[:200].split(","):
        tag, _, weight = part.strip().lower().partition(";q=")
        name = tag.split("-")[0]
        if name in ("zh", "en"):
            try:
                quality = float(weight) if weight else 1.0
            except ValueError:
                quality = 0.0
            if quality > best[1]:
                best = (name, quality)
    return best[0]
