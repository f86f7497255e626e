"""What a person does inside the mini-program, apart from logging in and paying."""

import sqlite3
from typing import Any

from wechat.box import acts, mp_links_api, people, pushing, shipping
from wechat.box.acts import Impossible
from wechat.box.inside import Box


def contact(box: Box, person: sqlite3.Row, session_from: str) -> dict[str, Any]:
    """She taps the contact button: user_enter_tempsession, two messages within a minute."""
    with box.store.write():
        people.open_window(box, person["mp_openid"], "contact")
        fields = {"MsgType": "event", "Event": "user_enter_tempsession", "SessionFrom": session_from}
        delivery = pushing.push_mp(box, person, fields)
    return acts.carried(box, delivery)


def say(box: Box, person: sqlite3.Row, text: str) -> dict[str, Any]:
    """She writes to the mini-program's customer service."""
    with box.store.write():
        people.open_window(box, person["mp_openid"], "message")
        people.note(box, person["id"], "fan", "text", text, extra={"appid": box.credentials.mp.appid})
        number = pushing.next_message_id(box)
        delivery = pushing.push_mp(box, person, {"MsgType": "text", "Content": text, "MsgId": number})
    return acts.carried(box, delivery) | {"message_id": str(number)}


def open_link(box: Box, link: str) -> dict[str, Any]:
    """She opens a scheme, URL link or short link. Raises Impossible for one that is none, or is over."""
    found = mp_links_api.find(box, link)
    if found is None:
        raise Impossible("NO_SUCH_LINK", "这不是盒子里的链接")
    if found["expires_at"] is not None and found["expires_at"] <= box.now():
        raise Impossible("LINK_EXPIRED", "链接已过期")
    launch = {"scheme": 1065, "url_link": 1194, "short": 1154}[found["kind"]]
    query = found["query"]
    if "cq=" in link:
        query = "&".join(part for part in (query, "cq=" + link.rpartition("cq=")[2]) if part)
    return {
        "page": found["path"],
        "query": query,
        "env_version": found["env_version"],
        "launch_scene": launch,
    }


def _own(box: Box, person: sqlite3.Row, number: str) -> sqlite3.Row:
    order = shipping.find_order(box, transaction_id=number, out_trade_no=number)
    if order is None or order["openid"] != person["mp_openid"]:
        raise Impossible("NO_SUCH_ORDER", "没有这笔已支付的订单")
    return order


def receive(box: Box, person: sqlite3.Row, number: str) -> dict[str, Any]:
    """She confirms that she has the goods. Raises Impossible for an order that is not on its way."""
    order = _own(box, person, number)
    if not shipping.confirm(box, order, 1):
        raise Impossible("NOT_SHIPPED", "订单不在待收货状态")
    return shipping.as_told(box, order)


def complain(box: Box, person: sqlite3.Row, number: str, *, ends: bool) -> dict[str, Any]:
    """She complains about an order, or ends her complaint."""
    order = _own(box, person, number)
    shipping.complain(box, order, begins=not ends)
    return shipping.as_told(box, order)


def shipments(box: Box, person: sqlite3.Row) -> list[dict[str, Any]]:
    """Her paid orders and where their goods are, the youngest first."""
    rows = box.store.rows(
        "SELECT * FROM orders WHERE openid = ? AND state IN ('SUCCESS', 'REFUND') ORDER BY success_at DESC, rowid DESC",
        person["mp_openid"],
    )
    return [shipping.as_told(box, row) for row in rows]
