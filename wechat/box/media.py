"""Pictures, voices and films that a program has uploaded: three days, or for good."""

import sqlite3

from wechat.box.inside import Box, letters

_LIFE_S = 3 * 86400


def keep(
    box: Box, appid: str, kind: str, filename: str, content: bytes, *, permanent: bool = False
) -> sqlite3.Row:
    """Keep a file for this account; answers it with its new media_id."""
    media_id = letters(64)
    now = int(box.now())
    box.store.run(
        "INSERT INTO media VALUES (?, ?, ?, ?, ?, ?, ?)",
        media_id,
        appid,
        kind,
        filename,
        content,
        now,
        None if permanent else now + _LIFE_S,
    )
    found = find(box, appid, media_id)
    assert found is not None
    return found


def find(box: Box, appid: str, media_id: str, *, types: tuple[str, ...] | None = None) -> sqlite3.Row | None:
    """The account's file of this id (and one of these types), or None; also when its three days are over."""
    found = box.store.row(
        "SELECT * FROM media WHERE media_id = ? AND appid = ? AND (expires_at IS NULL OR expires_at > ?)",
        media_id,
        appid,
        box.now(),
    )
    return found if found is None or types is None or found["type"] in types else None


def by_picture(box: Box, media_id: str) -> sqlite3.Row | None:
    """Any account's file of this id: pictures have an address that needs no token."""
    return box.store.row("SELECT * FROM media WHERE media_id = ?", media_id)


def count_kept(box: Box, appid: str, kind: str) -> int:
    """How many files of this kind the account keeps for good."""
    row = box.store.row(
        "SELECT count(*) AS number FROM media WHERE appid = ? AND type = ? AND expires_at IS NULL",
        appid,
        kind,
    )
    return int(row["number"]) if row is not None else 0


def page_kept(box: Box, appid: str, kind: str, *, offset: int, most: int) -> list[sqlite3.Row]:
    """At most so many of them from this place on, the newest first."""
    return box.store.rows(
        "SELECT media_id, type, filename, created_at FROM media"
        " WHERE appid = ? AND type = ? AND expires_at IS NULL ORDER BY rowid DESC LIMIT ? OFFSET ?",
        appid,
        kind,
        most,
        offset,
    )
