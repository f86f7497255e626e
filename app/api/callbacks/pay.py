"""What WeChat Pay calls: its notices. 2xx only after commit; anything unproven gets 401."""

import orjson
import structlog
from flask import Blueprint, Response, request

from app.api.guard import parts
from app.payments.noticing import take
from wechat.errors import BadSignature, Malformed

log = structlog.get_logger()
bp = Blueprint("callbacks_pay", __name__, url_prefix="/callbacks/wechat/pay")
MAX_NOTICE_BYTES = 64 * 1024


@bp.post("/paid")
def paid() -> Response:
    """A payment arrived. Repeats, parallel copies and late ones all end in the same single effect."""
    return _receive()


@bp.post("/refunded")
def refunded() -> Response:
    """A refund ended."""
    return _receive()


@bp.post("/transferred")
def transferred() -> Response:
    """A transfer to a person ended."""
    return _receive()


@bp.post("/shared")
def shared() -> Response:
    """We received a share as a merchant, or one came back to us."""
    return _receive()


@bp.post("/combined")
def combined() -> Response:
    """A combined payment arrived."""
    return _receive()


def _receive() -> Response:
    # A notice says itself what it is; the doors are several so that each has an address of its own.
    p = parts()
    request.max_content_length = MAX_NOTICE_BYTES
    try:
        notice = p.wechat.pay.open_notice(dict(request.headers), request.get_data(), now=p.now())
    except BadSignature as error:
        # WeChat probes this with WECHATPAY/SIGNTEST/ signatures and expects a refusal (WECHAT_PAY 3).
        log.warning("notice_refused", reason=error.reason)
        return _fail(401, "signature")
    except Malformed as error:
        log.warning("notice_malformed", reason=error.reason)
        return _fail(400, "content")
    with p.callback_tx() as session:
        take(session, notice, vault=p.vault, mchid=p.settings.pay_mchid, now=p.now())
    return Response(status=204)


def _fail(status: int, what: str) -> Response:
    body = orjson.dumps({"code": "FAIL", "message": what})
    return Response(body, status=status, content_type="application/json")
