"""Shipping information: WeChat keeps the money of an order until it knows how the goods reach the shopper."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import IntEnum
from typing import Any

from wechat.errors import Refused
from wechat.fields import count_of, moment_of, part_of, parts_of, text_of
from wechat.platform import Family, Repeat

_CHINA = timezone(timedelta(hours=8))
_BASE = "wxa/sec/order"


class Logistics(IntEnum):
    """How the goods reach the shopper."""

    EXPRESS = 1  # settled 10 days after shipping, when nobody confirms
    SAME_CITY = 2  # settled after 2 days, as the two below
    VIRTUAL = 3  # nothing to carry
    PICKUP = 4  # the shopper collects


class ShippingState(IntEnum):
    """Where an order stands in WeChat's books."""

    UNKNOWN = 0  # a number that we do not know
    TO_SHIP = 1  # paid
    SHIPPED = 2  # all of it
    RECEIVED = 3  # the shopper confirmed
    COMPLETED = 4  # settled
    REFUNDED = 5  # paid back
    SETTLING = 6  # the money is on its way


@dataclass(frozen=True)
class PaidOrder:
    """An order of WeChat Pay: by its transaction number, or by the merchant's two numbers."""

    transaction_id: str = ""
    mchid: str = ""
    out_trade_no: str = ""


@dataclass(frozen=True)
class Parcel:
    """One parcel. `item`: what is in it (1..120 characters). Express needs `number` and `company` (an id of
    `delivery_companies`); SF Express also a masked `receiver` or `sender` (189****1234)."""

    item: str
    number: str = ""
    company: str = ""
    receiver: str = field(default="", repr=False)
    sender: str = field(default="", repr=False)


@dataclass(frozen=True)
class Shipment:
    """What is told about one order. More than one parcel, or not all of it yet, is a split delivery."""

    order: PaidOrder
    logistics: Logistics
    parcels: tuple[Parcel, ...]
    is_all: bool = True


@dataclass(frozen=True)
class ShippingOrder:
    """An order as WeChat has it. `parcels` is empty before shipping; `uploads`: 0 none, 1 uploaded, 2 the one
    correction used up."""

    transaction_id: str
    mchid: str
    out_trade_no: str
    paid_fen: int
    openid: str = field(repr=False)
    paid_at: datetime | None
    state: ShippingState
    in_complaint: bool
    logistics: int
    is_all: bool
    uploads: int
    parcels: tuple[Parcel, ...]


@dataclass(frozen=True)
class ShippingPage:
    """Up to 100 orders; `after` is where the next page begins, None when this was the last."""

    orders: tuple[ShippingOrder, ...]
    after: str | None


class Shipping(Family):
    """Tells WeChat what was shipped, and asks what it knows. Writes that may have been done raise Unknown: ask
    with `shipping_order` before repeating. An order that was paid a moment ago may be unknown (Unavailable
    10060001)."""

    def upload_shipping(self, shipment: Shipment, *, openid: str, now: datetime) -> None:
        """Tells how one paid order was shipped; each can be corrected once (10060003 after that)."""
        api = f"{_BASE}/upload_shipping_info"
        self._write(api, _shipment(api, shipment) | _told(openid, now))

    def upload_combined_shipping(
        self, order: PaidOrder, shipments: Sequence[Shipment], *, openid: str, now: datetime
    ) -> None:
        """The same for the parts of an order that was paid together with others."""
        api = f"{_BASE}/upload_combined_shipping_info"
        parts = [_shipment(api, one) for one in shipments]
        self._write(api, {"order_key": _key(api, order), "sub_orders": parts} | _told(openid, now))

    def shipping_order(self, order: PaidOrder) -> ShippingOrder:
        """What WeChat knows about an order."""
        api = f"{_BASE}/get_order"
        return _order(part_of(self.platform.post(api, _query(api, order), Repeat.HARMLESS), "order"))

    def shipping_orders(
        self,
        *,
        state: ShippingState | None = None,
        paid_from: datetime | None = None,
        paid_until: datetime | None = None,
        openid: str = "",
        after: str = "",
    ) -> ShippingPage:
        """A page of orders, filtered."""
        times = {"begin_time": paid_from, "end_time": paid_until}
        span = {name: int(at.timestamp()) for name, at in times.items() if at is not None}
        wishes = {
            "pay_time_range": span,
            "order_state": int(state) if state else None,
            "openid": openid,
            "last_index": after,
        }
        body = {name: wish for name, wish in wishes.items() if wish} | {"page_size": 100}
        fields = self.platform.post(f"{_BASE}/get_order_list", body, Repeat.HARMLESS)
        orders = tuple(_order(row) for row in parts_of(fields, "order_list"))
        more = fields.get("has_more") is True
        return ShippingPage(orders, text_of(fields, "last_index") if more else None)

    def remind_of_receipt(self, order: PaidOrder, *, received_at: datetime) -> None:
        """Asks the shopper, once per order, to confirm an express delivery that arrived (10060030: already
        asked; 10060032: not express)."""
        api = f"{_BASE}/notify_confirm_receive"
        body = _query(api, order) | {"received_time": int(received_at.timestamp())}
        self._write(api, body)

    def is_trade_managed(self) -> bool:
        """Tells whether WeChat keeps this mini-program's money until shipping."""
        body = {"appid": self.platform.appid}
        fields = self.platform.post(f"{_BASE}/is_trade_managed", body, Repeat.HARMLESS)
        return fields.get("is_trade_managed") is True

    def set_message_page(self, path: str) -> None:
        """Which page WeChat's shipping messages open; it adds transaction_id, merchant_id and
        merchant_trade_no to the query."""
        self.platform.post(f"{_BASE}/set_msg_jump_path", {"path": path}, Repeat.HARMLESS)

    def delivery_companies(self) -> dict[str, str]:
        """Carrier's id -> name, about 1400 of them."""
        api = "cgi-bin/express/delivery/open_msg/get_delivery_list"
        rows = parts_of(self.platform.post(api, {}, Repeat.HARMLESS), "delivery_list")
        return {text_of(row, "delivery_id"): text_of(row, "delivery_name") for row in rows}

    def _write(self, api: str, body: dict[str, Any]) -> None:
        try:
            self.platform.post(api, body, Repeat.HARMFUL)
        except Refused as error:
            if error.code != "10060023":  # nothing changed: what we wanted to tell is known already
                raise


def _told(openid: str, now: datetime) -> dict[str, Any]:
    at = now.astimezone(_CHINA).isoformat(timespec="milliseconds")
    return {"upload_time": at, "payer": {"openid": openid}}


def _key(api: str, order: PaidOrder) -> dict[str, Any]:
    if order.transaction_id:
        return {"order_number_type": 2, "transaction_id": order.transaction_id}
    if not order.mchid or not order.out_trade_no:
        raise Refused(api, "268485195", "an order needs its transaction number or the merchant's numbers")
    return {"order_number_type": 1, "mchid": order.mchid, "out_trade_no": order.out_trade_no}


def _query(api: str, order: PaidOrder) -> dict[str, Any]:
    # The same facts have other names here than in uploads.
    key = _key(api, order)
    if "transaction_id" in key:
        return {"transaction_id": key["transaction_id"]}
    return {"merchant_id": key["mchid"], "merchant_trade_no": key["out_trade_no"]}


def _shipment(api: str, shipment: Shipment) -> dict[str, Any]:
    parcels, express = shipment.parcels, shipment.logistics is Logistics.EXPRESS
    split = len(parcels) > 1 or not shipment.is_all
    if split and not express:
        raise Refused(api, "10060006", "only express can be split")
    if not 1 <= len(parcels) <= 15:
        raise Refused(api, "10060024", "1 to 15 parcels")
    fields = {
        "order_key": _key(api, shipment.order),
        "logistics_type": int(shipment.logistics),
        "delivery_mode": 2 if split else 1,
        "shipping_list": [_parcel(api, parcel, express) for parcel in parcels],
    }
    return fields | ({"is_all_delivered": shipment.is_all} if split else {})


def _parcel(api: str, parcel: Parcel, express: bool) -> dict[str, Any]:
    if not 1 <= len(parcel.item) <= 120:
        raise Refused(api, "10060009" if parcel.item else "10060008", "an item of 1 to 120 characters")
    if express and not parcel.number:
        raise Refused(api, "268485226", "express needs a tracking number")
    if express and not parcel.company:
        raise Refused(api, "268485227", "express needs the carrier's id")
    if len(parcel.number) > 128 or len(parcel.company) > 128:
        raise Refused(api, "10060026", "a number or carrier's id has at most 128 characters")
    row: dict[str, Any] = {"item_desc": parcel.item}
    if express:
        row |= {"tracking_no": parcel.number, "express_company": parcel.company}
    people = {"receiver_contact": parcel.receiver, "consignor_contact": parcel.sender}
    known = {name: masked for name, masked in people.items() if masked}
    return row | ({"contact": known} if known else {})


def _order(row: dict[str, Any]) -> ShippingOrder:
    shipping = part_of(row, "shipping")
    state = count_of(row, "order_state")
    return ShippingOrder(
        transaction_id=text_of(row, "transaction_id"),
        mchid=text_of(row, "merchant_id"),
        out_trade_no=text_of(row, "merchant_trade_no"),
        paid_fen=count_of(row, "paid_amount"),
        openid=text_of(row, "openid"),
        paid_at=moment_of(row, "pay_time"),
        state=ShippingState(state) if state in set(ShippingState) else ShippingState.UNKNOWN,
        in_complaint=row.get("in_complaint") is True,
        logistics=count_of(shipping, "logistics_type"),
        is_all=shipping.get("finish_shipping") is True,
        uploads=count_of(shipping, "finish_shipping_count"),
        parcels=tuple(_known_parcel(one) for one in parts_of(shipping, "shipping_list")),
    )


def _known_parcel(row: dict[str, Any]) -> Parcel:
    contact = part_of(row, "contact")
    return Parcel(
        item=text_of(row, "goods_desc"),
        number=text_of(row, "tracking_no"),
        company=text_of(row, "express_company"),
        receiver=text_of(contact, "receiver_contact"),
        sender=text_of(contact, "consignor_contact"),
    )
