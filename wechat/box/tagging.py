"""Tags of fans: which there are, who has which (WECHAT.md 3.3)."""

import sqlite3

from wechat.box.inside import Box

# The account has these from its first day; they cannot be changed.
SYSTEM = {1: "黑名单", 2: "星标组"}
FIRST_OWN = 100


def create(box: Box, name: str) -> int:
    """A new tag; answers its id. Raises sqlite3.IntegrityError for a name that is taken."""
    with box.store.write() as db:
        found = box.store.row("SELECT max(id) AS most FROM tags")
        number = max(FIRST_OWN, 1 + int((found["most"] if found else 0) or 0))
        db.execute("INSERT INTO tags VALUES (?, ?)", (number, name))
        return number


def everything(box: Box) -> list[sqlite3.Row]:
    """The account's own tags, each with how many fans have it."""
    return box.store.rows(
        "SELECT id, name, (SELECT count(*) FROM tagged WHERE tag = id) AS count FROM tags ORDER BY id"
    )


def exists(box: Box, tag: object) -> bool:
    """Whether the account has a tag of this id, its own or the system's."""
    if type(tag) is not int or not 0 < tag < 2**31:
        return False
    return tag in SYSTEM or box.store.row("SELECT 1 FROM tags WHERE id = ?", tag) is not None


def rename(box: Box, tag: int, name: str) -> None:
    """Give a tag another name. Raises sqlite3.IntegrityError for a name that is taken."""
    box.store.run("UPDATE tags SET name = ? WHERE id = ?", name, tag)


def delete(box: Box, tag: int) -> None:
    """Delete a tag; nobody has it any more."""
    with box.store.write() as db:
        db.execute("DELETE FROM tagged WHERE tag = ?", (tag,))
        db.execute("DELETE FROM tags WHERE id = ?", (tag,))


def of(box: Box, openid: str) -> list[int]:
    """The tags of a fan, in the order in which she got them."""
    rows = box.store.rows("SELECT tag FROM tagged WHERE openid = ? ORDER BY number", openid)
    return [int(row["tag"]) for row in rows]


def who_has(box: Box, tag: int) -> list[str]:
    """The fans that have a tag, in the order in which they got it."""
    rows = box.store.rows("SELECT openid FROM tagged WHERE tag = ? ORDER BY number", tag)
    return [row["openid"] for row in rows]


def put(box: Box, tag: int, openid: str) -> None:
    """Give a fan a tag; she keeps one, however often."""
    box.store.run("INSERT OR IGNORE INTO tagged (tag, openid) VALUES (?, ?)", tag, openid)


def take(box: Box, tag: int, openid: str) -> None:
    """Take a tag from a fan."""
    box.store.run("DELETE FROM tagged WHERE tag = ? AND openid = ?", tag, openid)
