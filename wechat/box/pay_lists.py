"""Every order and every fen in the box, to look at: the youngest first, columns as they are kept."""

import json
import sqlite3
from typing import Any

from wechat.box import orders, transfers
from wechat.box.inside import Box, iso_utc

TABLES = {
    "orders": "SELECT * FROM orders ORDER BY created_at DESC, rowid DESC",
    "combined": "SELECT * FROM combined ORDER BY created_at DESC, rowid DESC",
    "refunds": "SELECT * FROM refunds ORDER BY created_at DESC, rowid DESC",
    "receivers": "SELECT * FROM receivers ORDER BY rowid DESC",
    "splits": "SELECT * FROM splits ORDER BY created_at DESC, rowid DESC",
    "returns": "SELECT * FROM split_returns ORDER BY created_at DESC, rowid DESC",
    "transfers": "SELECT * FROM transfers ORDER BY created_at DESC, rowid DESC",
    "funds": "SELECT * FROM funds ORDER BY id DESC",
}


def counts(box: Box) -> dict[str, int]:
    """How many there are of each."""
    told = {}
    for name, sql in TABLES.items():
        found = box.store.row(f"SELECT count(*) AS n FROM ({sql})")
        assert found is not None
        told[name] = int(found["n"])
    return told


def rows(box: Box, what: str, most: int) -> list[dict[str, Any]] | None:
    """The youngest of these; None for what there is not."""
    if what not in TABLES:
        return None
    if what == "orders":
        _age(box)
    found = [_shown(row) for row in box.store.rows(TABLES[what] + " LIMIT ?", most)]
    if what == "splits":
        for one in found:
            one["parts"] = [
                _shown(part)
                for part in box.store.rows(
                    "SELECT * FROM split_parts WHERE out_order_no = ? ORDER BY position", one["out_order_no"]
                )
            ]
    return found


def _age(box: Box) -> None:
    late = box.store.rows(
        "SELECT out_trade_no FROM orders WHERE state = 'NOTPAY' AND expires_at <= ?", box.now()
    )
    for one in late:
        orders.find(box, one["out_trade_no"])


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name in row.keys():  # noqa: SIM118 - a Row iterates over its values
        value = row[name]
        if name == "asked":
            value = json.loads(value)
        elif value is not None and (name == "at" or name.endswith("_at")):
            value = iso_utc(value)
        told[name] = value
    return told


def transfers_for(box: Box, person: sqlite3.Row) -> list[dict[str, Any]]:
    """What merchants want to pay this person, as her phone shows it, with the package to confirm it by."""
    found = box.store.rows(
        "SELECT * FROM transfers WHERE openid IN (?, ?) ORDER BY created_at DESC, rowid DESC LIMIT 50",
        person["oa_openid"],
        person["mp_openid"],
    )
    return [transfers.as_json(box, one) | {"package": one["package_info"]} for one in found]
