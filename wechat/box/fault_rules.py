"""Faults by rule: what goes wrong, where, how often. A rule decides by its seed and by how many calls it has seen,
so the same seed and the same calls give the same run."""

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from wechat.box.errmsgs import TEXTS
from wechat.box.inside import Box, Unknown
from wechat.box.pay_tampering import OF_ANSWERS, OF_NOTICES

CALL_KINDS = frozenset(
    {"5xx", "html", "empty", "cut", "slow", "token_invalidated", "wrong_answer_signature", *OF_ANSWERS}
) | {str(errcode) for errcode in TEXTS}
DELIVERY_KINDS = frozenset(
    {"duplicate", "delay", "reorder", "drop", "wrong_signature", "signtest", "wrong_amount", "foreign_appid"}
) | set(OF_NOTICES)
_FIELDS = {"kind", "path", "what", "share", "count", "seed", "value", "after"}
_WHOLE = 2**64


@dataclass(frozen=True)
class Strike:
    """One fault that strikes now. ``value`` is the rule's, None when it says none; ``after`` means that the call
    is carried out first."""

    kind: str
    value: float | None
    after: bool


def add(box: Box, asked: dict[str, Any]) -> dict[str, Any]:
    """Put a rule in force; answers it. Raises Unknown for a rule that makes no sense."""
    strange = set(asked) - _FIELDS
    if strange:
        raise Unknown(f"a rule has no {', '.join(sorted(strange))}; it has {', '.join(sorted(_FIELDS))}")
    kind = str(asked.get("kind"))
    if kind not in CALL_KINDS | DELIVERY_KINDS:
        words = sorted(word for word in CALL_KINDS | DELIVERY_KINDS if not word.lstrip("-").isdigit())
        raise Unknown(f"no such kind: {kind}; there are {', '.join(words)} and the errcodes")
    share, count, seed = asked.get("share", 1), asked.get("count"), asked.get("seed")
    value, path, what = asked.get("value"), asked.get("path", "*"), asked.get("what", "*")
    if not _number(share) or not 0 < share <= 1:
        raise Unknown("share is more than 0 and at most 1")
    if count is not None and (type(count) is not int or count < 1):
        raise Unknown("count is a whole number, 1 or more")
    if seed is not None and (type(seed) is not int or not 0 <= seed < 2**53):
        raise Unknown("seed is a whole number, 0 or more")
    if value is not None and (not _number(value) or not 0 <= value <= 10**9):
        raise Unknown("value is a number, 0 to 10^9")
    if not isinstance(path, str) or not isinstance(what, str):
        raise Unknown("path and what are patterns as file names have them: /v3/*, TRANSACTION.*")
    if type(asked.get("after", False)) is not bool:
        raise Unknown("after is true or false")
    seed = secrets.randbelow(10**6) if seed is None else seed
    with box.store.write() as db:
        made = db.execute(
            "INSERT INTO fault_rules (kind, path, what, share, seed, most, value, after)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (kind, path, what, share, seed, count, value, asked.get("after", False)),
        )
        return next(rule for rule in everything(box) if rule["id"] == made.lastrowid)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def everything(box: Box) -> list[dict[str, Any]]:
    """The rules in force, oldest first, with how many calls each has seen and struck."""
    return [
        {
            "id": rule["id"],
            "kind": rule["kind"],
            "path": rule["path"],
            "what": rule["what"],
            "share": rule["share"],
            "count": rule["most"],
            "seed": rule["seed"],
            "value": rule["value"],
            "after": bool(rule["after"]),
            "seen": rule["seen"],
            "struck": rule["struck"],
        }
        for rule in box.store.rows("SELECT * FROM fault_rules ORDER BY id")
    ]


def lift(box: Box, rule: int | None) -> int:
    """Lift one rule, or all of them; answers how many there were."""
    return box.store.run("DELETE FROM fault_rules WHERE ? IS NULL OR id = ?", rule, rule)


def strikes(box: Box, kinds: frozenset[str], path: str, what: str = "") -> list[Strike]:
    """What strikes this call (or delivery) now; every rule that matches has seen one more."""
    if not box.store.rows("SELECT id FROM fault_rules LIMIT 1"):
        return []
    found = []
    with box.store.write() as db:
        for rule in box.store.rows("SELECT * FROM fault_rules ORDER BY id"):
            if rule["kind"] not in kinds or not _matches(rule, path, what):
                continue
            hit = (rule["most"] is None or rule["struck"] < rule["most"]) and _falls(rule)
            db.execute(
                "UPDATE fault_rules SET seen = seen + 1, struck = struck + ? WHERE id = ?", (hit, rule["id"])
            )
            if hit:
                found.append(Strike(rule["kind"], rule["value"], bool(rule["after"])))
    return found


def _matches(rule: sqlite3.Row, path: str, what: str) -> bool:
    return fnmatchcase(path, str(rule["path"])) and fnmatchcase(what, str(rule["what"]))


def _falls(rule: sqlite3.Row) -> bool:
    drawn = hashlib.sha256(f"{rule['seed']}:{rule['seen']}".encode()).digest()[:8]
    return int.from_bytes(drawn) < float(rule["share"]) * _WHOLE
