"""Carries what is in the outbox, at its time, again and again; brings refunds to their end. One thread and
its hands."""

import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

from wechat.box import notices, open_due, outbox, pay_due, pushing
from wechat.box.inside import Box
from wechat.box.outbox import DeliveryState

_HANDS = 16
_LONGEST_SLEEP_S = 1.0


def carry_first(box: Box, delivery: int) -> None:
    """Carry the first attempt of a delivery that was put ``at_once``; does nothing for one that waits or was
    dropped."""
    row = outbox.get(box, delivery)
    if row is not None and row["state"] == DeliveryState.SENDING and row["tries"] == 0:
        _carry(box, delivery)


def carry_again(box: Box, delivery: int, *, times: int = 1) -> bool:
    """Send it again now, whatever became of it, ``times`` at the same moment as WeChat's two lines may do;
    False while another attempt is on its way."""
    among = tuple(state for state in DeliveryState if state != DeliveryState.SENDING)
    if not outbox.claim(box, delivery, among=among):
        return False
    row = outbox.get(box, delivery)
    if row is not None and not row["url"]:
        url = pushing.callback_of(box, row) if row["kind"] == "push" else None
        if url is None:
            outbox.leave(box, delivery, DeliveryState.NO_CALLBACK)
            return True
        box.store.run("UPDATE deliveries SET url = ? WHERE id = ?", url, delivery)
    _carry(box, delivery, times=times)
    return True


def _carry(box: Box, delivery: int, *, times: int = 1) -> None:
    """One attempt (or several at once) of a delivery that is in hand, and what follows from it."""
    row = outbox.get(box, delivery)
    if row is None:
        return
    send = pushing.send if row["kind"] == "push" else notices.send
    if times == 1:
        attempts = send(box, row)
    else:
        with ThreadPoolExecutor(max_workers=times) as hands:
            attempts = [
                attempt for sent in hands.map(lambda _: send(box, row), range(times)) for attempt in sent
            ]
    with box.store.write():
        for attempt in attempts:
            outbox.record(box, delivery, attempt)
        last = attempts[-1]
        # A probe is no try of the schedule: only the last one of this visit counts.
        wait_s = _wait_s(box, row["kind"], _tries(box, delivery))
        if last.settled or wait_s is None:
            outbox.leave(box, delivery, DeliveryState.DONE if last.taken else DeliveryState.FAILED)
        else:
            outbox.leave(box, delivery, DeliveryState.DUE, wait_s=wait_s)
        outbox.release_held(box, delivery)
    box.wake.set()


def _tries(box: Box, delivery: int) -> int:
    found = box.store.row(
        "SELECT count(*) AS n FROM attempts WHERE delivery = ? AND verdict NOT LIKE 'probe%'", delivery
    )
    assert found is not None
    return int(found["n"])


def _wait_s(box: Box, kind: str, tries: int) -> float | None:
    return notices.wait_s(box, tries) if kind == "notice" else float(box.settings()["push_retry_s"])


class Courier(threading.Thread):
    """The background thread. Daemonic: a kill at any moment loses nothing, the outbox is on disk."""

    def __init__(self, box: Box) -> None:
        """A courier for this box; ``start()`` it once."""
        super().__init__(name="courier", daemon=True)
        self._box = box
        self._hands = threading.BoundedSemaphore(_HANDS)
        self._over = threading.Event()

    def run(self) -> None:
        """Look what is due, carry it, sleep until the next thing is due or somebody calls."""
        while not self._over.is_set():
            try:
                self._round()
            except Exception:  # noqa: BLE001 - the courier must outlive any one bad delivery; the log has the trace
                traceback.print_exc(file=sys.stderr)
                self._over.wait(_LONGEST_SLEEP_S)

    def _round(self) -> None:
        pay_due.settle(self._box)
        open_due.settle(self._box)
        for delivery in outbox.due(self._box, _HANDS):
            if not self._hands.acquire(blocking=False):
                break
            if outbox.claim(self._box, delivery, among=(DeliveryState.DUE,)):
                threading.Thread(target=self._hand, args=(delivery,), daemon=True).start()
            else:
                self._hands.release()
        self._box.wake.wait(self._sleep_s())
        self._box.wake.clear()

    def _hand(self, delivery: int) -> None:
        try:
            _carry(self._box, delivery)
        finally:
            self._hands.release()

    def _sleep_s(self) -> float:
        waiting = (outbox.next_due(self._box), pay_due.next_due(self._box), open_due.next_due(self._box))
        soonest = min((at for at in waiting if at is not None), default=None)
        if soonest is None:
            return _LONGEST_SLEEP_S
        return min(max(soonest - self._box.now(), 0.01), _LONGEST_SLEEP_S)

    def stop(self) -> None:
        """Stop looking for work; attempts under way are taken up again at the next start."""
        self._over.set()
        self._box.wake.set()
