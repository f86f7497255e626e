"""One notice of payment as WeChat Pay sends it, made with the box's own code, which is not the house's."""

import json
import random
import uuid
from datetime import datetime

from app.base.clock import SHANGHAI, iso, utc_now
from wechat.box.credentials import Merchant
from wechat.box.pay_signing import Signer, platform_headers, sealed


def notice(
    merchant: Merchant, appid: str, out_trade_no: str, openid: str, amount_fen: int
) -> tuple[dict[str, str], bytes]:
    """(headers, body) of TRANSACTION.SUCCESS for one payment, signed at this moment.

    Underscores stand for dashes in the names of the headers.
    """
    now = utc_now()
    trade = _trade(merchant, appid, out_trade_no, openid, amount_fen, now)
    envelope = {
        "id": str(uuid.uuid4()),
        "create_time": iso(now),
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": sealed(merchant, trade, "transaction"),
    }
    body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
    headers = platform_headers(Signer(merchant.platform_key_id, merchant.platform_key), body)
    return {name.replace("-", "_"): value for name, value in headers.items()}, body


def _trade(
    merchant: Merchant, appid: str, out_trade_no: str, openid: str, amount_fen: int, now: datetime
) -> dict[str, object]:
    amount = {"total": amount_fen, "payer_total": amount_fen, "currency": "CNY", "payer_currency": "CNY"}
    return {
        "mchid": merchant.mchid,
        "appid": appid,
        "out_trade_no": out_trade_no,
        "transaction_id": f"42000{now.astimezone(SHANGHAI):%Y%m%d}{random.randrange(10**15):015}",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": iso(now),
        "payer": {"openid": openid},
        "amount": amount,
    }
