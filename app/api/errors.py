"""Refusals become HTTP here and nowhere else: kind -> status, problem+json in the caller's language."""

from http import HTTPStatus
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.api.schema import language
from app.api.words import title_of
from app.base import errors

log = structlog.get_logger()

STATUS: dict[type[errors.Refusal], int] = {
    errors.Invalid: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooMany: 429,
    errors.Unreachable: 503,
}
RETRY_AFTER_S = 2
# What flask-openapi3 takes as the answers of an operation, in its own words.
Responses = dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None]


class FieldProblem(BaseModel):
    """One wrong field."""

    field: str = Field(examples=["lines.0.qty"])
    reason: str = Field(examples=["Input should be greater than or equal to 1"])


class Problem(BaseModel):
    """RFC 9457 problem details: every refusal of every operation has this shape."""

    model_config = ConfigDict(title="Problem")

    type: str = Field("about:blank", description="Always about:blank; branch on code.")
    status: int = Field(examples=[409])
    code: str = Field(description="Stable, machine-readable", examples=["OUT_OF_STOCK"])
    title: str = Field(description="For people, in Chinese or English", examples=["库存不足"])
    detail: str = Field("", description="For developers, in English", examples=["AP-1002-M"])
    errors: list[FieldProblem] = []
    facts: dict[str, Any] = {}
    request_id: str = ""


def problems(*statuses: int) -> Responses:
    """The ``responses`` of an operation that may answer these problem statuses."""
    return {str(status): Problem for status in statuses}


def problem(status: int, code: str, detail: str = "", **more: Any) -> Response:
    """One problem+json answer with the request's id."""
    body = {
        "type": "about:blank",
        "status": status,
        "code": code,
        "title": title_of(code, status, language()),
        "detail": detail,
        "errors": more.get("errors", []),
        "facts": more.get("facts", {}),
        "request_id": request.environ.get("lianke.request_id", ""),
    }
    response = Response(
        orjson.dumps(body, default=str), status=status, content_type="application/problem+json"
    )
    response.headers["Cache-Control"] = "no-store"
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        response.headers["Retry-After"] = str(more.get("retry_after_s", RETRY_AFTER_S))
    return response


def on_validation_error(error: ValidationError) -> Response:
    """What flask-openapi3 calls when an input does not fit its model: 422 naming each field."""
    found = [
        {"field": ".".join(str(part) for part in item["loc"]) or "body", "reason": item["msg"]}
        for item in error.errors(include_url=False, include_context=False, include_input=False)[:20]
    ]
    return problem(422, "INVALID", "The input does not fit.", errors=found)


def _on_refusal(error: errors.Refusal) -> Response:
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    more: dict[str, Any] = {"facts": error.facts}
    if isinstance(error, errors.Invalid):
        more["errors"] = [{"field": name, "reason": reason} for name, reason in error.fields.items()]
    if isinstance(error, errors.TooMany):
        more["retry_after_s"] = error.retry_after_s
    return problem(status, error.code, error.detail, **more)


def _on_http(error: HTTPException) -> Response:
    status = error.code or 500
    names = {
        400: "BAD_REQUEST",
        404: "NOT_FOUND",
        405: "METHOD_NOT_ALLOWED",
        413: "TOO_LARGE",
        415: "NOT_JSON",
    }
    response = problem(status, names.get(status, f"HTTP_{status}"))
    if error.get_response().headers.get("Allow"):
        response.headers["Allow"] = error.get_response().headers["Allow"]
    return response


def _on_database(error: DBAPIError) -> Response:
    # A value that PostgreSQL cannot hold came from the caller; anything operational may pass by itself.
    if isinstance(error, DataError):
        return problem(422, "INVALID", "A value cannot be stored.")
    if isinstance(error, OperationalError) or error.connection_invalidated:
        log.warning("database_unavailable", error=type(error.orig).__name__)
        return problem(503, "DATABASE_UNAVAILABLE")
    return _on_fault(error)


def _on_pool(error: PoolTimeout) -> Response:
    log.warning("database_pool_exhausted")
    return problem(503, "BUSY")


def _on_fault(error: Exception) -> Response:
    # The type and the place, never the text: SQL parameters and inputs are in the text.
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else ""
    log.error(
        "fault", error=type(error).__name__, where=where, request_id=request.environ.get("lianke.request_id")
    )
    g.fault = type(error).__name__
    return problem(500, "FAULT")


def register(app: Flask) -> None:
    """Hang the mapping into the app. The most specific class wins."""
    app.register_error_handler(errors.Refusal, _on_refusal)
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(DBAPIError, _on_database)
    app.register_error_handler(PoolTimeout, _on_pool)
    app.register_error_handler(Exception, _on_fault)
