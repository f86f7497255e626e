"""What both doors of message pushes do alike: prove, take in, answer in WeChat's own words."""

from collections.abc import Callable
from datetime import datetime

import structlog
from flask import Response, request
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from wechat.errors import BadSignature, Malformed
from wechat.events import Event, Reply
from wechat.pushing import Pushes

log = structlog.get_logger()
MAX_PUSH_BYTES = 64 * 1024
# What a database says that is away, busy or too slow.
AWAY = (OperationalError, InterfaceError, PoolTimeout)


def greet(pushes: Pushes) -> Response:
    """The console checks our address: the echostr back, exactly and alone."""
    try:
        echo = pushes.verify_url(request.args)
    except BadSignature as error:
        return refuse(403, "push_address_check_refused", error.reason)
    return Response(echo, content_type="text/plain; charset=utf-8")


def take_push(
    pushes: Pushes,
    hear: Callable[[Event], Reply],
    *,
    now: datetime,
    late: Callable[[Event, Exception], Reply | None] = lambda event, error: None,
) -> Response:
    """Prove and open the request's push, ``hear`` it and answer. ``late``: what to answer when the database
    failed to take it in; None is a 503, and WeChat sends it again."""
    request.max_content_length = MAX_PUSH_BYTES
    try:
        opened = pushes.open(request.args, request.get_data())
    except BadSignature as error:
        return refuse(403, "push_refused", error.reason)
    except Malformed as error:
        return refuse(400, "push_malformed", error.reason)
    try:
        reply = hear(opened.event)
    except AWAY as error:
        put_off = late(opened.event, error)
        if put_off is None:
            return refuse(503, "push_not_taken", type(error).__name__)
        reply = put_off
    body = pushes.answer(opened, reply, now=now)
    kind = "text/plain" if body == b"success" else "application/json" if opened.json else "application/xml"
    return Response(body, content_type=f"{kind}; charset=utf-8")


def refuse(status: int, event: str, reason: str) -> Response:
    """An empty answer with this status, and a line in the log."""
    log.warning(event, reason=reason)
    return Response(status=status)
