"""How an order is meant to be paid: in WeChat (JSAPI), by a code on a screen (NATIVE), from a browser (H5, which
WeChat calls MWEB) or from an app of one's own (APP). Orders of the last three know their payer only when paid."""

import sqlite3
from enum import StrEnum

from wechat.box.inside import Box, letters


class TradeKind(StrEnum):
    """``trade_type`` of an order."""

    JSAPI = "JSAPI"  # a page in WeChat, or a mini-program
    NATIVE = "NATIVE"  # a code_url, shown as a QR code
    MWEB = "MWEB"  # an h5_url, opened in a telephone's browser
    APP = "APP"  # a prepay_id, handed to WeChat's SDK


H5_LIFE_S = 5 * 60
_ADDRESSES = {
    TradeKind.NATIVE: "weixin://wxpay/bizpayurl?pr={pr}",
    TradeKind.MWEB: "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id={prepay_id}&package={pr}",
}


def remember(box: Box, out_trade_no: str, kind: TradeKind) -> None:
    """Write down how a new order is to be paid."""
    box.store.run("INSERT INTO trade_kinds VALUES (?, ?)", out_trade_no, kind)


def of(box: Box, out_trade_no: str) -> TradeKind:
    """How an order is to be paid; JSAPI when nothing else was said."""
    found = box.store.row("SELECT kind FROM trade_kinds WHERE out_trade_no = ?", out_trade_no)
    return TradeKind.JSAPI if found is None else TradeKind(found["kind"])


def new_address(box: Box, kind: TradeKind, prepay_id: str) -> str:
    """The code_url or h5_url that leads to a prepay_id."""
    address = _ADDRESSES[kind].format(prepay_id=prepay_id, pr=letters(9))
    life_s = H5_LIFE_S if kind is TradeKind.MWEB else None
    until = None if life_s is None else box.now() + life_s
    box.store.run("INSERT INTO pay_addresses VALUES (?, ?, ?)", address, prepay_id, until)
    return address


def behind(box: Box, address: str) -> sqlite3.Row | None:
    """The row of an address with its prepay_id and until when it leads there (null: as long as that lives)."""
    return box.store.row("SELECT * FROM pay_addresses WHERE address = ?", address)
