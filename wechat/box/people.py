"""The people in the box: who they are for each app, whom they follow, what was said, and who may still write
to them."""

import base64
import json
import secrets
import sqlite3
from typing import Any

from wechat.box.inside import Box, iso_utc, letters

_OA_PREFIX, _MP_PREFIX, _UNION_PREFIX = "oA0Lk", "oM5Lk", "oU7Lk"
# What an act of the fan opens for the account: messages, seconds (WECHAT.md 7.1).
_OPENS = {
    "message": (5, 48 * 3600),
    "click": (3, 60),
    "follow": (3, 60),
    "scan": (3, 60),
    "contact": (2, 60),
}


class NoSuchPerson(LookupError):
    """Nobody in the box has this id, name, openid or unionid."""


def welcome(box: Box, name: str, phone: str | None) -> sqlite3.Row:
    """A new person with her own openid per app and one unionid. ``phone`` is digits; without a country code
    it is 86."""
    with box.store.write() as db:
        person = f"p{box.store.next_number('person')}"
        db.execute(
            "INSERT INTO persons (id, name, phone, oa_openid, mp_openid, unionid, session_key, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                person,
                name,
                phone,
                _OA_PREFIX + letters(23),
                _MP_PREFIX + letters(23),
                _UNION_PREFIX + letters(23),
                base64.b64encode(secrets.token_bytes(16)).decode(),
                int(box.now()),
            ),
        )
        return get(box, person)


def get(box: Box, key: str) -> sqlite3.Row:
    """The person with this id, openid, unionid or (if only one has it) name; raises NoSuchPerson."""
    found = box.store.row("SELECT * FROM persons WHERE ? IN (id, oa_openid, mp_openid, unionid)", key)
    if found is None:
        named = box.store.rows("SELECT * FROM persons WHERE name = ? LIMIT 2", key)
        if len(named) != 1:
            raise NoSuchPerson(key)
        found = named[0]
    return found


def everyone(box: Box) -> list[sqlite3.Row]:
    """Everybody, oldest first."""
    return box.store.rows("SELECT * FROM persons ORDER BY created_at, rowid")


def as_json(person: sqlite3.Row) -> dict[str, Any]:
    """A person as the control API shows her."""
    return {
        "id": person["id"],
        "name": person["name"],
        "phone": person["phone"],
        "oa_openid": person["oa_openid"],
        "mp_openid": person["mp_openid"],
        "unionid": person["unionid"],
        "subscribed": bool(person["subscribed"]),
        "subscribed_at": None if person["subscribe_at"] is None else iso_utc(person["subscribe_at"]),
        "pending_ticket": person["pending_ticket"],
    }


def openid_under(box: Box, person: sqlite3.Row, appid: str) -> str | None:
    """Her openid under one of the two apps; None for an app that is not in the box."""
    if appid == box.credentials.oa.appid:
        return str(person["oa_openid"])
    return str(person["mp_openid"]) if appid == box.credentials.mp.appid else None


def by_openid(box: Box, appid: str, openid: str) -> sqlite3.Row | None:
    """The person whom this app knows by this openid, or None (also for another app's openid)."""
    column = "oa_openid" if appid == box.credentials.oa.appid else "mp_openid"
    return box.store.row(f"SELECT * FROM persons WHERE {column} = ?", openid)


def note(
    box: Box, person: str, sender: str, kind: str, text: str, *, via: str | None = None, extra: Any = None
) -> None:
    """Put a line in the chat. ``sender`` is fan, account or wechat; ``via`` is reply or customer for the
    account."""
    box.store.run(
        "INSERT INTO chats (person, sender, type, text, via, extra, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        person,
        sender,
        kind,
        text,
        via,
        json.dumps(extra or {}, ensure_ascii=False),
        int(box.now()),
    )


def chat(box: Box, person: str, after: int = 0) -> list[dict[str, Any]]:
    """The chat, oldest first, from the line after ``after``."""
    lines = box.store.rows("SELECT * FROM chats WHERE person = ? AND id > ? ORDER BY id", person, after)
    return [
        {
            "id": line["id"],
            "from": line["sender"],
            "type": line["type"],
            "text": line["text"],
            "at": iso_utc(line["at"]),
            "via": line["via"],
            **json.loads(line["extra"]),
        }
        for line in lines
    ]


def open_window(box: Box, openid: str, opened_by: str) -> None:
    """The fan acted: the account may write again. Opening anew fills up to the maximum and never adds."""
    count, seconds = _OPENS[opened_by]
    box.store.run(
        "INSERT INTO windows VALUES (?, ?, ?, ?) ON CONFLICT (openid, opened_by)"
        " DO UPDATE SET until = excluded.until, left = excluded.left",
        openid,
        opened_by,
        box.now() + seconds,
        count,
    )


def use_window(box: Box, openid: str) -> int:
    """Spend one message, which counts in every open window: they are not added up, so that the fan gets as many
    as the widest of them allows. 0, 45015 (none open) or 45047 (all spent)."""
    with box.store.write() as db:
        windows = box.store.rows("SELECT * FROM windows WHERE openid = ? AND until > ?", openid, box.now())
        if not windows:
            return 45015
        if not any(window["left"] > 0 for window in windows):
            return 45047
        db.execute(
            "UPDATE windows SET left = left - 1 WHERE openid = ? AND until > ? AND left > 0",
            (openid, box.now()),
        )
        return 0


def has_window(box: Box, openid: str) -> bool:
    """Whether any window is open, spent or not."""
    return bool(box.store.rows("SELECT 1 FROM windows WHERE openid = ? AND until > ?", openid, box.now()))


def close_windows(box: Box, openid: str) -> None:
    """The fan left: nothing may be written to her any more."""
    box.store.run("DELETE FROM windows WHERE openid = ?", openid)
