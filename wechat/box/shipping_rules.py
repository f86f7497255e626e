"""Which shipping uploads WeChat takes: fields, lengths, and the one chance to ship again (WECHAT.md 8.2)."""

import json
import re
import sqlite3
from datetime import datetime
from typing import Any

from wechat.box import shipping
from wechat.box.answers import Refusal
from wechat.box.inside import Box
from wechat.box.shipping import ShippingState

_UNIFIED, _SPLIT = 1, 2
_MOST_PACKAGES = 15
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})")


def order_of(box: Box, key: object) -> sqlite3.Row:
    """The paid order that an ``order_key`` names. Raises Refusal 10060001 and 268485194 to 268485197."""
    if not isinstance(key, dict):
        raise Refusal(10060014)
    number_type = key.get("order_number_type")
    if number_type not in (1, 2) or type(number_type) is not int:
        raise Refusal(268485194)
    if number_type == 2:
        if not key.get("transaction_id"):
            raise Refusal(268485195)
        order = shipping.find_order(box, transaction_id=str(key["transaction_id"]))
    else:
        for name, errcode in (("mchid", 268485196), ("out_trade_no", 268485197)):
            if not key.get(name):
                raise Refusal(errcode)
        ours = key["mchid"] == box.credentials.pay.mchid
        order = shipping.find_order(box, out_trade_no=str(key["out_trade_no"])) if ours else None
    if order is None:
        raise Refusal(10060001)
    return order


def check_payer(asked: dict[str, Any], order: sqlite3.Row) -> None:
    """Raises Refusal 10060014 without a payer, 10060031 for another one."""
    payer = asked.get("payer")
    if not isinstance(payer, dict) or not payer.get("openid"):
        raise Refusal(10060014)
    if payer["openid"] != order["openid"]:
        raise Refusal(10060031)


def check_stamp(text: object) -> datetime:
    """``upload_time`` as RFC 3339 with an offset. Raises Refusal 268485216."""
    if not isinstance(text, str) or not _STAMP.fullmatch(text):
        raise Refusal(268485216)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(268485216) from None


def accept(box: Box, order: sqlite3.Row, upload: dict[str, Any], upload_time: object) -> None:
    """Check one order's upload and keep it. Raises the Refusals of WECHAT.md 8.2."""
    stamp = check_stamp(upload_time)
    kind, mode = upload.get("logistics_type"), upload.get("delivery_mode")
    if type(kind) is not int or kind not in (1, 2, 3, 4):
        raise Refusal(10060005)
    if mode not in (_UNIFIED, _SPLIT, "UNIFIED_DELIVERY", "SPLIT_DELIVERY") or isinstance(mode, bool):
        raise Refusal(268485224)
    mode = {"UNIFIED_DELIVERY": _UNIFIED, "SPLIT_DELIVERY": _SPLIT}.get(str(mode), mode)
    if mode == _SPLIT and kind != shipping.EXPRESS:
        raise Refusal(10060006)
    finish = True
    if mode == _SPLIT:
        if type(upload.get("is_all_delivered")) is not bool:
            raise Refusal(10060007)
        finish = upload["is_all_delivered"]
    packages = _packages(kind, mode, upload.get("shipping_list"))
    with box.store.write():
        packages = _check_moment(box, order, (kind, mode), packages, stamp, finish=finish)
        kept = {"logistics_type": kind, "delivery_mode": mode, "upload_time": str(upload_time)}
        shipping.keep(box, order, kept, packages, finish=finish)


def _check_moment(
    box: Box,
    order: sqlite3.Row,
    how: tuple[int, int],
    packages: list[dict[str, Any]],
    stamp: datetime,
    *,
    finish: bool,
) -> list[dict[str, Any]]:
    """The packages to keep: those of before beside the new ones while a split delivery goes on. Raises Refusal
    10060004 (too late), 10060014 (older than the last upload), 10060023 (nothing new), 10060003 (twice)."""
    now = shipping.state(box, order)
    if now not in (ShippingState.TO_SHIP, ShippingState.SHIPPED):
        raise Refusal(10060004)
    before = shipping.of(box, order["transaction_id"])
    if before is None:
        return packages
    known = json.loads(before["packages"])
    if now == ShippingState.TO_SHIP and how == (before["logistics_type"], before["delivery_mode"]) == (
        1,
        _SPLIT,
    ):
        packages = known + [one for one in packages if one not in known]
        if len(packages) > _MOST_PACKAGES:
            raise Refusal(10060024)
    same = packages == known and how == (before["logistics_type"], before["delivery_mode"])
    if same and finish == (before["shipped_at"] is not None):
        raise Refusal(10060023)
    if before["finish_count"] >= 2:
        raise Refusal(10060003)
    if stamp <= check_stamp(before["upload_time"]):
        raise Refusal(10060014)
    return packages


def _packages(kind: int, mode: int, given: object) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not given:
        raise Refusal(10060014)
    if len(given) > _MOST_PACKAGES:
        raise Refusal(10060024)
    if mode == _UNIFIED and len(given) != 1:
        raise Refusal(268485228)
    for one in given:
        if not isinstance(one, dict):
            raise Refusal(10060014)
        _check_package(kind, one)
    return given


def _check_package(kind: int, one: dict[str, Any]) -> None:
    desc = one.get("item_desc")
    if not isinstance(desc, str) or not desc:
        raise Refusal(10060008)
    if len(desc) > 120:
        raise Refusal(10060009)
    tracking, company = one.get("tracking_no", ""), one.get("express_company", "")
    if kind == shipping.EXPRESS and not tracking:
        raise Refusal(268485226)
    if kind == shipping.EXPRESS and not company:
        raise Refusal(268485227)
    if len(str(company)) > 128:
        raise Refusal(10060025)
    if len(str(tracking)) > 128:
        raise Refusal(10060026)
    contact = one.get("contact")
    if company == "SF" and not (isinstance(contact, dict) and any(contact.values())):
        raise Refusal(10060014)
