"""Ready answers in process memory: bounded in number and bytes, hard to flood, filled by one at a time."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from flask import request

# A change must be visible within a second on every worker, whether or not anybody can push it.
ALONE_S = 0.9
MAX_ANSWERS = 2000
MAX_BYTES = 16 * 1024 * 1024
MAX_ONE = 128 * 1024


@dataclass(frozen=True, slots=True)
class Keep:
    """What a view says about its own answer: it depends on these topics and the caller's language only.

    ``for_s`` is how long it may serve while changes are being pushed to us; without the push it
    serves ``ALONE_S`` at most.
    """

    topics: tuple[str, ...]
    for_s: float


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer as it goes over the wire."""

    route: str
    headers: tuple[tuple[str, str], ...]
    unchanged: tuple[tuple[str, str], ...]
    body: tuple[bytes]
    etag: str
    topics: tuple[str, ...]
    versions: tuple[int, ...]
    until: float
    alone_until: float


def keep(*topics: str, for_s: float) -> None:
    """Let the answer of this request be kept. Only for views that never look at who asks."""
    request.environ["lianke.keep"] = Keep(topics, for_s)


class Shelf:
    """Answers by key. A key has to be asked for twice before it can push out one that was (segmented LRU).

    So a flood of made-up queries only churns the smaller segment: memory stays bounded and what many
    people ask for stays.
    """

    def __init__(self, *, max_answers: int = MAX_ANSWERS, max_bytes: int = MAX_BYTES) -> None:
        self._new: OrderedDict[Hashable, Kept] = OrderedDict()
        self._proven: OrderedDict[Hashable, Kept] = OrderedDict()
        self._max_new = max(1, max_answers // 4)
        self._max_proven = max_answers - self._max_new
        self._max_bytes = max_bytes
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._new) + len(self._proven)

    @property
    def held_bytes(self) -> int:
        """Bytes of all bodies held."""
        return self._bytes

    def get(self, key: Hashable) -> Kept | None:
        """The answer of a key, fresh or not; asking proves the key."""
        with self._lock:
            found = self._proven.get(key)
            if found is not None:
                self._proven.move_to_end(key)
                return found
            found = self._new.pop(key, None)
            if found is not None:
                self._proven[key] = found
                self._shrink()
            return found

    def put(self, key: Hashable, kept: Kept) -> None:
        """Keep an answer, replacing an older one of the same key. Too large ones are not kept."""
        if len(kept.body[0]) > MAX_ONE:
            return
        with self._lock:
            segment = self._proven if key in self._proven else self._new
            older = segment.get(key)
            self._bytes += len(kept.body[0]) - (len(older.body[0]) if older else 0)
            segment[key] = kept
            segment.move_to_end(key)
            self._shrink()

    def _shrink(self) -> None:
        while len(self._proven) > self._max_proven:
            key, kept = self._proven.popitem(last=False)
            self._new[key] = kept
        while self._new and (len(self._new) > self._max_new or self._bytes > self._max_bytes):
            self._bytes -= len(self._new.popitem(last=False)[1].body[0])
        while self._bytes > self._max_bytes and self._proven:
            self._bytes -= len(self._proven.popitem(last=False)[1].body[0])


class Flight:
    """One filling in progress; whoever asks for the same key meanwhile waits for its result."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.result: Kept | None = None
