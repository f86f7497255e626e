"""What WeChat Pay calls: notices of payments and refunds. 2xx only after commit; anything unproven gets 401."""

import orjson
import structlog
from flask import Blueprint, Response, request

from app.api.guard import parts
from app.base import inbox
from app.payments.accepting import accept_paid
from app.payments.refunding import accept_refund
from wechat.errors import BadSignature, Malformed
from wechat.pay import Notice, Paid, Refunded

log = structlog.get_logger()
bp = Blueprint("callbacks_pay", __name__, url_prefix="/callbacks/wechat/pay")
SOURCE = "pay"
MAX_NOTICE_BYTES = 64 * 1024


@bp.post("/paid")
def paid() -> Response:
    """A payment arrived. Repeats, parallel copies and late ones all end in the same single effect."""
    return _receive()


@bp.post("/refunded")
def refunded() -> Response:
    """A refund ended."""
    return _receive()


def _receive() -> Response:
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
    _accept(notice)
    return Response(status=204)


def _accept(notice: Notice) -> None:
    """Record the arrival once, by what it is about, and act on it in the same transaction."""
    p = parts()
    now = p.now()
    with p.callback_tx() as session:
        if isinstance(notice, Paid):
            key = f"{notice.trade.out_trade_no}:{notice.trade.transaction_id}:{notice.trade.state}"
            if inbox.claim(session, SOURCE, key, kind=notice.event_type):
                outcome = accept_paid(session, notice.trade, vault=p.vault, now=now)
                inbox.keep_answer(session, SOURCE, key, str(outcome))
        elif isinstance(notice, Refunded):
            key = f"{notice.out_refund_no}:{notice.status}"
            if inbox.claim(session, SOURCE, key, kind=notice.event_type):
                state = accept_refund(
                    session,
                    out_refund_no=notice.out_refund_no,
                    refund_id=notice.refund_id,
                    status=notice.status,
                    refund_fen=notice.refund_fen,
                    now=now,
                )
                inbox.keep_answer(session, SOURCE, key, str(state or "UNMATCHED"))
        else:
            inbox.claim(
                session,
                SOURCE,
                f"other:{notice.event_type}:{request.headers.get('Wechatpay-Nonce', '')[:64]}",
                kind=notice.event_type[:32],
            )


def _fail(status: int, what: str) -> Response:
    body = orjson.dumps({"code": "FAIL", "message": what})
    return Response(body, status=status, content_type="application/json")
