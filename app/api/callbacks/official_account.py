"""The official account's message push: proven, heard in one short transaction, answered within 3 s."""

from datetime import datetime

import structlog
from flask import Blueprint, Response, current_app, request
from psycopg.errors import LockNotAvailable, QueryCanceled
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.api.guard import parts
from app.base.freshness import listen
from app.conversation.hearing import hear, hear_quickly, put_off
from app.conversation.known import Known
from wechat.errors import BadSignature, Malformed
from wechat.events import Clicked, Event, Reply, Said

log = structlog.get_logger()
bp = Blueprint("callbacks_official_account", __name__, url_prefix="/callbacks/wechat")
MAX_PUSH_BYTES = 64 * 1024


@bp.get("/oa")
def verify() -> Response:
    """The console checks our address: the echostr back, exactly and alone."""
    try:
        echo = parts().wechat.oa.verify_url(request.args)
    except BadSignature as error:
        return _refuse(403, "push_address_check_refused", error.reason)
    return Response(echo, content_type="text/plain; charset=utf-8")


@bp.post("/oa")
def push() -> Response:
    """A push: the same one again gets the same answer and does nothing (TCH-2).

    A question whose answer takes too long is answered later, by a message of its own. When the database
    does not take the push, 503: WeChat sends it again, and nothing is said to have happened that did not.
    """
    request.max_content_length = MAX_PUSH_BYTES
    p = parts()
    try:
        opened = p.wechat.oa.open(request.args, request.get_data())
    except BadSignature as error:
        return _refuse(403, "push_refused", error.reason)
    except Malformed as error:
        return _refuse(400, "push_malformed", error.reason)
    now = p.now()
    try:
        reply = _hear(opened.event, now)
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        late = _put_off(opened.event, error, now)
        if late is None:
            return _refuse(503, "push_not_taken", type(error).__name__)
        reply = late
    body = p.wechat.oa.answer(opened, reply, now=now)
    kind = "text/plain" if body == b"success" else "application/xml"
    return Response(body, content_type=f"{kind}; charset=utf-8")


def _hear(event: Event, now: datetime) -> Reply:
    p, known = parts(), _known()
    quick = hear_quickly(p.callback_stroke, event, now=now, known=known)
    if quick is not None:
        return quick
    with p.callback_tx() as session:
        return hear(session, event, brand=p.settings.brand_name, now=now, known=known)


def _put_off(event: Event, error: Exception, now: datetime) -> Reply | None:
    """What to answer when the answer was not found in time; None when the push cannot be taken at all.

    A place is written nowhere (CNS-3), so it cannot wait for a later answer.
    """
    slow = isinstance(getattr(error, "orig", None), QueryCanceled | LockNotAvailable)
    if not slow or not isinstance(event, Said | Clicked):
        return None
    try:
        with parts().callback_tx() as session:
            return put_off(session, event, now=now)
    except (OperationalError, InterfaceError, PoolTimeout):
        return None


def _known() -> Known:
    found: Known | None = current_app.extensions.get("lianke.known")
    if found is None:
        found = current_app.extensions["lianke.known"] = Known(listen(parts().settings.database_url))
    return found


def _refuse(status: int, event: str, reason: str) -> Response:
    log.warning(event, reason=reason)
    return Response(status=status)
