"""Stores near a position: one in-memory index per process, its answers put together from ready bytes.

The position is used for this one answer and kept nowhere (CNS-3): not in a log, not in a cache.
"""

import re
import threading
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl

import orjson
from flask import Flask

from app.api.shelf import ALONE_S
from app.base.freshness import STORES, Freshness, listen
from app.stores.directory import StorePage, all_pages
from app.stores.nearby import Place, StoreIndex
from app.wiring import Parts

DEFAULT_RADIUS_M, MAX_RADIUS_M = 50_000, 500_000
DEFAULT_LIMIT, MAX_LIMIT = 20, 50
# Somebody may have changed the table by hand, without a word to us.
MAX_AGE_S = 60.0
_LANGUAGES = ("zh", "en")
_DEGREES = re.compile(r"-?\d{1,3}(\.\d{1,12})?", re.ASCII)
_WHOLE = re.compile(r"[1-9]\d{0,5}", re.ASCII)
_SERVICE = re.compile(r"[a-z][a-z_]{0,31}", re.ASCII)
_OPEN = {True: b"true", False: b"false", None: b"null"}


@dataclass(frozen=True, slots=True)
class Wish:
    """A checked question for stores nearby."""

    lat: float
    lng: float
    radius_m: int = DEFAULT_RADIUS_M
    limit: int = DEFAULT_LIMIT
    service: str | None = None
    open_now: bool = False


class StoreMap:
    """The index of a process, built when first needed and again when stores have changed."""

    def __init__(self) -> None:
        self._index: StoreIndex | None = None
        self._versions: tuple[int, ...] = ()
        self._built_at = 0.0
        self._took_s = 0.0
        self._building = threading.Lock()

    def ready(self, fresh: Freshness) -> StoreIndex | None:
        """The index if it is up to date, without any I/O."""
        age = time.monotonic() - self._built_at
        # Without news of changes it is rebuilt often, but never for more than a twentieth of the time.
        most = max(MAX_AGE_S if fresh.live() else ALONE_S, 20 * self._took_s)
        if self._index is None or age > most or self._versions != fresh.versions((STORES,)):
            return None
        return self._index

    def get(self, parts: Parts, fresh: Freshness) -> StoreIndex:
        """The index, built anew when out of date. Only one thread builds, the others use the old one."""
        found = self.ready(fresh)
        if found is not None:
            return found
        old = self._index
        if not self._building.acquire(blocking=old is None):
            assert old is not None
            return old
        try:
            return self.ready(fresh) or self._build(parts, fresh)
        finally:
            self._building.release()

    def _build(self, parts: Parts, fresh: Freshness) -> StoreIndex:
        versions, started = fresh.versions((STORES,)), time.monotonic()
        with parts.read() as connection:
            index = StoreIndex(
                _place(page) for page in all_pages(connection, now=parts.now()) if _mapped(page)
            )
        self._index, self._versions = index, versions
        self._built_at, self._took_s = started, time.monotonic() - started
        return index


def map_of(app: Flask) -> StoreMap:
    """The store map of an app in this process."""
    found: StoreMap = app.extensions.setdefault("lianke.store_map", StoreMap())
    return found


def answer_nearby(app: Flask, wish: Wish, language: str) -> bytes:
    """The JSON answer to a wish; rebuilds the index from the database when stores have changed."""
    parts: Parts = app.extensions["lianke.parts"]
    index = map_of(app).get(parts, listen(parts.settings.database_url))
    return _written(index, parts, wish, language)


def quick_nearby(app: Flask, query: str, language: str) -> bytes | None:
    """The same from a raw query string without any I/O, or None: then the slow way answers or refuses."""
    wish = read_wish(query)
    if wish is None:
        return None
    parts: Parts = app.extensions["lianke.parts"]
    index = map_of(app).ready(listen(parts.settings.database_url))
    return None if index is None else _written(index, parts, wish, language)


def read_wish(query: str) -> Wish | None:
    """A query string as a wish when it is plainly right; None when anything about it needs a closer look."""
    if len(query) > 300:
        return None
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs) or not given.keys() <= {
        "lat",
        "lng",
        "radius_m",
        "limit",
        "service",
        "open_now",
    }:
        return None
    lat, lng = given.get("lat", ""), given.get("lng", "")
    radius_m = given.get("radius_m", str(DEFAULT_RADIUS_M))
    limit, service = given.get("limit", str(DEFAULT_LIMIT)), given.get("service")
    shaped = _DEGREES.fullmatch(lat) and _DEGREES.fullmatch(lng)
    shaped = shaped and _WHOLE.fullmatch(radius_m) and _WHOLE.fullmatch(limit)
    if not shaped or (service is not None and not _SERVICE.fullmatch(service)):
        return None
    wish = Wish(float(lat), float(lng), int(radius_m), int(limit), service, given.get("open_now") == "true")
    inside = abs(wish.lat) <= 90 and abs(wish.lng) <= 180
    inside = inside and wish.radius_m <= MAX_RADIUS_M and wish.limit <= MAX_LIMIT
    return wish if inside and given.get("open_now", "false") in ("true", "false") else None


def _written(index: StoreIndex, parts: Parts, wish: Wish, language: str) -> bytes:
    found = index.nearest(
        wish.lat,
        wish.lng,
        radius_m=wish.radius_m,
        limit=wish.limit,
        now=parts.now(),
        service=wish.service,
        open_only=wish.open_now,
    )
    name = _LANGUAGES.index(language)
    items = [
        b'{"name":%b,%b,"open_now":%b,"distance_m":%d}'
        % (index.piece(near.place, name), index.piece(near.place, 2), _OPEN[near.open_now], near.distance_m)
        for near in found
    ]
    return b'{"items":[' + b",".join(items) + b"]}"


def _mapped(page: StorePage) -> bool:
    return page.lat is not None


def _place(page: StorePage) -> Place:
    assert page.lat is not None
    assert page.lng is not None
    rest = {
        "code": page.code,
        "city": page.city,
        "address": page.address,
        "phone": page.phone,
        "lat": page.lat,
        "lng": page.lng,
        "services": page.services,
        "status": page.status,
    }
    pieces = (orjson.dumps(page.name), orjson.dumps(page.name_en or page.name), orjson.dumps(rest)[1:-1])
    return Place(page.lat, page.lng, page.services, page.week, pieces)
