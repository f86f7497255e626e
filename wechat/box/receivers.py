"""Who may get a part of an order: receivers, added before the first split (WECHAT_PAY.md 8)."""

import sqlite3
from typing import Any

from wechat.box import people
from wechat.box.inside import Box
from wechat.box.pay_signing import PayRefusal

MERCHANT, PERSON = "MERCHANT_ID", "PERSONAL_OPENID"
_MOST = 20_000


def find(box: Box, kind: str, account: str) -> sqlite3.Row | None:
    """The receiver, or None."""
    return box.store.row("SELECT * FROM receivers WHERE type = ? AND account = ?", kind, account)


def check_name(box: Box, appid: str, kind: str, account: str, name: str | None) -> None:
    """Does the name belong to the account? A merchant's must be given; a person's only counts if it is. Raises
    PayRefusal."""
    if kind == MERCHANT:
        if not name:
            raise PayRefusal(400, "PARAM_ERROR", "分账接收方类型为MERCHANT_ID时，name必填")
        return
    person = people.by_openid(box, appid, account)
    if person is None:
        raise PayRefusal(400, "INVALID_REQUEST", "分账接收方账号不存在，openid与appid不匹配")
    if name is not None and name != person["name"]:
        raise PayRefusal(400, "INVALID_REQUEST", "分账接收方姓名与微信实名不一致")


def add(box: Box, asked: dict[str, Any], name: str | None) -> None:
    """Add a receiver; one that is there already stays as it is. ``name`` is the opened one. Raises
    PayRefusal."""
    check_name(box, asked["appid"], asked["type"], asked["account"], name)
    if (asked["relation_type"] == "CUSTOM") != ("custom_relation" in asked):
        raise PayRefusal(400, "PARAM_ERROR", "custom_relation仅在relation_type为CUSTOM时填写，且必填")
    count = box.store.row("SELECT count(*) AS n FROM receivers")
    assert count is not None
    if count["n"] >= _MOST:
        raise PayRefusal(400, "INVALID_REQUEST", "分账接收方个数超过限制")
    box.store.run(
        "INSERT INTO receivers (type, account, appid, name, relation_type, custom_relation)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        asked["type"],
        asked["account"],
        asked["appid"],
        name,
        asked["relation_type"],
        asked.get("custom_relation"),
    )


def delete(box: Box, kind: str, account: str) -> None:
    """Delete a receiver; one that is not there is deleted already."""
    box.store.run("DELETE FROM receivers WHERE type = ? AND account = ?", kind, account)


def let_fail(box: Box, account: str, split: str | None, returned: str | None) -> bool:
    """From now on parts for this receiver (and returns from it) fail with these reasons; None lets them
    succeed. False when there is no such receiver."""
    changed = box.store.run(
        "UPDATE receivers SET split_fails = ?, return_fails = ? WHERE account = ?", split, returned, account
    )
    return changed > 0
