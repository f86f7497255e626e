"""The official account's message push: proven, heard in one short transaction, answered within 3 s."""

from datetime import datetime

from flask import Blueprint, Response, current_app
from psycopg.errors import LockNotAvailable, QueryCanceled

from app.api.callbacks.answering import AWAY, greet, take_push
from app.api.guard import parts
from app.base.freshness import listen
from app.conversation.hearing import hear, hear_quickly, put_off
from app.conversation.known import Known
from wechat.events import Clicked, Event, Reply, Said

bp = Blueprint("callbacks_official_account", __name__, url_prefix="/callbacks/wechat")


@bp.get("/oa")
def verify() -> Response:
    """The console checks our address: the echostr back, exactly and alone."""
    return greet(parts().wechat.oa)


@bp.post("/oa")
def push() -> Response:
    """A push: the same one again gets the same answer and does nothing (TCH-2).

    A question whose answer takes too long is answered later, by a message of its own. When the database
    does not take the push, 503: WeChat sends it again, and nothing is said to have happened that did not.
    """
    p = parts()
    now = p.now()
    return take_push(
        p.wechat.oa,
        lambda event: _hear(event, now),
        now=now,
        late=lambda event, error: _put_off(event, error, now),
    )


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
    except AWAY:
        return None


def _known() -> Known:
    found: Known | None = current_app.extensions.get("lianke.known")
    if found is None:
        found = current_app.extensions["lianke.known"] = Known(listen(parts().settings.database_url))
    return found
