"""Once per Idempotency-Key: the answer is stored in the transaction that does the work.

Same caller, key and input: the same answer again. Other input: 422. Still being worked on: 409.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Annotated, Any

import orjson
from flask import Response, request
from psycopg.errors import DeadlockDetected, UniqueViolation
from pydantic import ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.api.schema import ApiModel
from app.base.db import Tx
from app.base.errors import Conflict, Invalid

HEADER = "Idempotency-Key"


class IdempotencyHeader(ApiModel):
    """The header of every POST that moves money or stock."""

    model_config = ConfigDict(extra="ignore")

    idempotency_key: Annotated[
        str | None,
        Field(
            default=None,
            alias=HEADER,
            description="8-64 characters, chosen and kept by the caller before sending; required.",
        ),
    ]


TRIES = 3
_KEY = re.compile(r"[A-Za-z0-9_\-:.]{8,64}")
_PRIMARY_KEY = "pk_idempotent_answer"

# The row is read as of the statement's begin, the lock is taken within it: whoever had the lock may have
# committed between the two. Then keeping our answer meets theirs, and the next try finds it.
_LOOK = text(
    "select pg_try_advisory_xact_lock(hashtextextended(:lock, 0)) as mine, a.operation, a.input_hash, a.status,"
    " a.body from (select 1) one left join idempotent_answer a on a.caller = :caller and a.key = :key"
)
_KEEP = text(
    "insert into idempotent_answer (caller, key, operation, input_hash, status, body)"
    " values (:caller, :key, :operation, :input_hash, :status, :body)"
)


def once(
    tx: Tx, *, caller: str, operation: str, given: Any, act: Callable[[Session], tuple[Any, int]]
) -> Response:
    """Run ``act(session) -> (answer, status)`` at most once for the request's Idempotency-Key.

    ``caller`` names who asks (keys of different callers never meet), ``given`` is the input that the
    key stands for. A refusal raised by ``act`` is not stored: nothing was done, so trying again with
    the same key is allowed. A deadlock or a lost connection is tried again, at most three times in all.
    """
    key = request.headers.get(HEADER, "")
    if not _KEY.fullmatch(key):
        detail = f"{HEADER} must have 8-64 characters of A-Z a-z 0-9 _ - : ."
        raise Invalid(detail, fields={HEADER: "missing or malformed"}, code="IDEMPOTENCY_KEY_REQUIRED")
    input_hash = hashlib.sha256(orjson.dumps([operation, given], option=orjson.OPT_SORT_KEYS)).hexdigest()
    facts = {"caller": caller, "key": key, "operation": operation, "input_hash": input_hash}
    for attempt in range(TRIES):
        try:
            with tx() as session:
                return _once(session, facts, act)
        except DBAPIError as error:
            if not _is_passing(error) or attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _is_passing(error: DBAPIError) -> bool:
    # A lost connection leaves open whether the commit arrived; the key makes asking again safe.
    orig = error.orig
    kept_by_another = isinstance(orig, UniqueViolation) and orig.diag.constraint_name == _PRIMARY_KEY
    return error.connection_invalidated or isinstance(orig, DeadlockDetected) or kept_by_another


def _once(session: Session, facts: dict[str, Any], act: Callable[[Session], tuple[Any, int]]) -> Response:
    caller, key = facts["caller"], facts["key"]
    found = session.execute(_LOOK, {"lock": f"idem {caller} {key}", "caller": caller, "key": key}).one()
    if not found.mine:
        raise Conflict("IN_FLIGHT", "The same key is being worked on.")
    if found.operation is None:
        body, status = act(session)
        payload = orjson.dumps(body)
        session.execute(_KEEP, {**facts, "status": status, "body": payload})
        return _respond(payload, status, again=False)
    if (found.operation, found.input_hash) != (facts["operation"], facts["input_hash"]):
        raise Invalid(
            "The key was used for another request.",
            fields={HEADER: "used before"},
            code="IDEMPOTENCY_KEY_REUSED",
        )
    return _respond(bytes(found.body), found.status, again=True)


def _respond(payload: bytes, status: int, *, again: bool) -> Response:
    response = Response(payload, status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Idempotent-Replay"] = "true" if again else "false"
    return response
