"""The few facts of a store that every order needs, remembered by a process for at most a second.

A change that says so (freshness) is known at once; without that news nothing is remembered. So an order
may still be placed at a store in the moment in which it closes, and no later.
"""

import time

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.base.freshness import STORES, Freshness
from app.stores.directory import StoreRef, get_store

# Somebody may have changed a table by hand, without a word to us.
KEPT_S = 1.0
MOST_STORES = 1000


class RememberedStores:
    """The stores of one process. Thread-safe; losing them costs one query each."""

    def __init__(self, fresh: Freshness) -> None:
        self._fresh = fresh
        self._stores: dict[str, tuple[tuple[int, ...], float, StoreRef]] = {}

    def get(self, session: Session | Connection, code: str) -> StoreRef:
        """The store of a code in whatever state, as ``get_store`` answers it. Raises NotFound."""
        # Before the table is read: a change that commits meanwhile makes the answer stale at once.
        versions = self._fresh.versions((STORES,))
        kept = self._stores.get(code)
        if kept is not None and kept[0] == versions and time.monotonic() < kept[1] and self._fresh.live():
            return kept[2]
        until = time.monotonic() + KEPT_S
        store = get_store(session, code)
        if len(self._stores) >= MOST_STORES:
            self._stores.clear()
        self._stores[code] = (versions, until, store)
        return store
