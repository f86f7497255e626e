"""The mini-program's message push, when it is switched on: what WeChat tells about orders, checks and consent."""

from flask import Blueprint, Response

from app.api.callbacks.answering import greet, take_push
from app.api.guard import parts
from app.conversation.overhearing import overhear
from wechat.events import Event, Reply
from wechat.pushing import Pushes

bp = Blueprint("callbacks_mini_program", __name__, url_prefix="/callbacks/wechat")


@bp.get("/mp")
def verify() -> Response:
    """The console checks our address: the echostr back, exactly and alone. 404 when no push is configured."""
    pushes = _pushes()
    return _absent() if pushes is None else greet(pushes)


@bp.post("/mp")
def push() -> Response:
    """A push in XML or JSON: recorded once (TCH-2), 503 when the database does not take it. 404 as above."""
    pushes = _pushes()
    return _absent() if pushes is None else take_push(pushes, _hear, now=parts().now())


def _hear(event: Event) -> Reply:
    with parts().callback_tx() as session:
        return overhear(session, event)


def _pushes() -> Pushes | None:
    return parts().wechat.mp.pushes


def _absent() -> Response:
    words = "No message push is configured for the mini-program: MP_TOKEN is not set.\n"
    return Response(words, status=404, content_type="text/plain; charset=utf-8")
