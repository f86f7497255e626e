"""Everything the box has to deliver, kept until it is delivered: pushes and payment notices with all their
attempts."""

import json
import sqlite3
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from wechat.box.fault_payloads import bent
from wechat.box.fault_rules import DELIVERY_KINDS, strikes
from wechat.box.inside import Box, iso_utc


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    DUE = "due"  # goes out at next_at
    SENDING = "sending"  # somebody is carrying it now; after a crash it becomes due again
    DONE = "done"  # the callback has taken it
    FAILED = "failed"  # every attempt was in vain, or the answer was a fault
    DROPPED = "dropped"  # a fault swallowed it before the first attempt
    NO_CALLBACK = "no_callback"  # nobody told the box where to send it


# How long a delay lasts, and how long a delivery waits for the one that overtakes it, unless the rule says it.
_WAITS_S = {"delay": 5.0, "reorder": 3.0}


@dataclass
class Fate:
    """What becomes of a new delivery: how it starts, when, how often, and with which faults."""

    state: DeliveryState
    delay_s: float = 0.0
    copies: int = 1
    marks: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Attempt:
    """One try: what came back, what it means, and whether it was the end (``settled``) or worth another
    try."""

    status: int | None
    answer: str
    verdict: str
    took_ms: int
    taken: bool
    settled: bool


def put(
    box: Box, kind: str, what: str, url: str | None, payload: Any, *, person: str | None, at_once: bool
) -> int:
    """Put a delivery in the outbox, with the faults that strike it; answers its id. ``at_once`` means that the
    caller carries the first attempt itself (``courier.carry_first``), so that the courier keeps its hands
    off."""
    fate = _fate(box, kind, what, url, at_once=at_once)
    text = json.dumps(bent(payload, fate.marks), ensure_ascii=False)
    with box.store.write() as db:
        ids = []
        for copy in range(fate.copies):
            state = DeliveryState.DUE if copy and fate.state == DeliveryState.SENDING else fate.state
            made = db.execute(
                "INSERT INTO deliveries (kind, what, person, url, payload, state, next_at, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (kind, what, person, url or "", text, state, box.now() + fate.delay_s, box.now()),
            )
            ids.append(int(made.lastrowid or 0))
            for mark in fate.marks:
                db.execute("INSERT INTO marks VALUES (?, ?)", (made.lastrowid, mark))
    box.wake.set()
    return ids[0]


def _fate(box: Box, kind: str, what: str, url: str | None, *, at_once: bool) -> Fate:
    """What becomes of a new delivery: the simple faults of the settings, then those by rule."""
    fate = Fate(DeliveryState.SENDING if at_once else DeliveryState.DUE)
    if not url:
        return Fate(DeliveryState.NO_CALLBACK)
    if kind == "notice":
        if box.fault("drop_notices"):
            fate.state = DeliveryState.DROPPED
        elif (delay := box.fault("delay_notices_s")) is not None:
            fate.state, fate.delay_s = DeliveryState.DUE, float(delay)
    if box.fault("duplicate_pushes" if kind == "push" else "duplicate_notices"):
        fate.copies = 2
    for strike in strikes(box, DELIVERY_KINDS, urlsplit(url).path, what):
        if strike.kind == "drop":
            fate.state = DeliveryState.DROPPED
        elif strike.kind == "duplicate":
            fate.copies += int(strike.value or 1)
        elif strike.kind in ("delay", "reorder"):
            wait_s = _WAITS_S[strike.kind] if strike.value is None else strike.value
            fate.delay_s = max(fate.delay_s, wait_s)
            if fate.state == DeliveryState.SENDING:
                fate.state = DeliveryState.DUE
            if strike.kind == "reorder":
                fate.marks.add("held")
        else:
            fate.marks.add(strike.kind)
    return fate


def release_held(box: Box, delivery: int) -> None:
    """A delivery has gone out: what a reorder fault held back for the same address goes now, after it."""
    held = box.store.rows(
        "SELECT id FROM deliveries JOIN marks ON delivery = id AND mark = 'held' WHERE state = ? AND id != ?"
        " AND url = (SELECT url FROM deliveries WHERE id = ?)",
        DeliveryState.DUE,
        delivery,
        delivery,
    )
    for one in held:
        box.store.run("UPDATE deliveries SET next_at = ? WHERE id = ?", box.now(), one["id"])
        box.store.run("DELETE FROM marks WHERE mark = 'held' AND delivery = ?", one["id"])


def is_marked(box: Box, delivery: int, mark: str) -> bool:
    """Whether a fault has left this mark on the delivery."""
    return box.store.row("SELECT 1 FROM marks WHERE delivery = ? AND mark = ?", delivery, mark) is not None


def get(box: Box, delivery: int) -> sqlite3.Row | None:
    """The delivery, or None."""
    return box.store.row("SELECT * FROM deliveries WHERE id = ?", delivery)


def claim(box: Box, delivery: int, *, among: tuple[DeliveryState, ...]) -> bool:
    """Take the delivery in hand if it is in one of these states; only one caller wins."""
    marks = ", ".join("?" for _ in among)
    taken = box.store.run(
        f"UPDATE deliveries SET state = ? WHERE id = ? AND state IN ({marks})",
        DeliveryState.SENDING,
        delivery,
        *among,
    )
    return taken == 1


def due(box: Box, most: int) -> list[int]:
    """The ids of what is due now, oldest first."""
    rows = box.store.rows(
        "SELECT id FROM deliveries WHERE state = ? AND next_at <= ? ORDER BY next_at, id LIMIT ?",
        DeliveryState.DUE,
        box.now(),
        most,
    )
    return [int(row["id"]) for row in rows]


def next_due(box: Box) -> float | None:
    """When the next delivery is due, on the box's clock; None when nothing waits."""
    found = box.store.row("SELECT min(next_at) AS at FROM deliveries WHERE state = ?", DeliveryState.DUE)
    assert found is not None
    return None if found["at"] is None else float(found["at"])


def record(box: Box, delivery: int, attempt: Attempt) -> None:
    """Write down one try."""
    with box.store.write() as db:
        db.execute(
            "INSERT INTO attempts (delivery, at, status, answer, verdict, took_ms) VALUES (?, ?, ?, ?, ?, ?)",
            (delivery, box.now(), attempt.status, attempt.answer, attempt.verdict, attempt.took_ms),
        )
        db.execute("UPDATE deliveries SET tries = tries + 1 WHERE id = ?", (delivery,))


def leave(box: Box, delivery: int, state: DeliveryState, *, wait_s: float = 0) -> None:
    """Put the delivery out of hand in this state; a DUE one goes out again in ``wait_s``."""
    box.store.run(
        "UPDATE deliveries SET state = ?, next_at = ? WHERE id = ?", state, box.now() + wait_s, delivery
    )


def resume(box: Box) -> None:
    """After a start: whatever was being carried when the box died goes out again."""
    box.store.run(
        "UPDATE deliveries SET state = ?, next_at = ? WHERE state = ?",
        DeliveryState.DUE,
        box.now(),
        DeliveryState.SENDING,
    )


def as_json(box: Box, delivery: sqlite3.Row) -> dict[str, Any]:
    """A delivery as the control API shows it; ``status`` and ``answer`` are those of the last attempt."""
    tries = box.store.rows("SELECT * FROM attempts WHERE delivery = ? ORDER BY id", delivery["id"])
    attempts = [
        {
            "at": iso_utc(one["at"]),
            "status": one["status"],
            "answer": one["answer"],
            "verdict": one["verdict"],
            "took_ms": one["took_ms"],
        }
        for one in tries
    ]
    last = attempts[-1] if attempts else {"status": None, "answer": None, "verdict": None}
    return {
        "id": delivery["id"],
        "kind": delivery["kind"],
        "what": delivery["what"],
        "person": delivery["person"],
        "url": delivery["url"],
        "state": delivery["state"],
        "status": last["status"],
        "answer": last["answer"],
        "verdict": last["verdict"],
        "attempts": attempts,
        "created_at": iso_utc(delivery["created_at"]),
        "next_at": iso_utc(delivery["next_at"]) if delivery["state"] == DeliveryState.DUE else None,
    }


def latest(box: Box, *, most: int, kind: str | None, person: str | None) -> list[dict[str, Any]]:
    """The youngest deliveries first, perhaps only one kind or one person's."""
    rows = box.store.rows(
        "SELECT * FROM deliveries WHERE (? IS NULL OR kind = ?) AND (? IS NULL OR person = ?)"
        " ORDER BY id DESC LIMIT ?",
        kind,
        kind,
        person,
        person,
        most,
    )
    return [as_json(box, row) for row in rows]
