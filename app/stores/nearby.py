"""Nearest stores, from memory: exact great-circle distances, no I/O per look-up, flat up to 100,000 stores.

A k-d tree over points on the unit sphere, in plain Python: a look-up costs less than one query of the
database. Every branch knows which kinds of stores lie below it, so that a rare service or an open
counter at night does not make a search walk the whole country. What an answer shows of a store lies
ready as bytes beside it.
"""

from array import array
from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import asin, cos, radians, sin, sqrt
from typing import Any

from app.base.clock import SHANGHAI
from app.stores.hours import DayHours, is_open

EARTH_M = 6_371_000
LEAF = 16
# Kinds are folded into so many bits: enough to prune by, a few bytes in each branch.
BITS = 256
EVERY_KIND = (1 << BITS) - 1

# A branch is (axis, split, lower, upper, kinds), a leaf (-1, 0.0, start, end, kinds): tuples, because a
# search takes dozens of them apart.
Node = tuple[int, float, Any, Any, int]


@dataclass(frozen=True, slots=True)
class Place:
    """One store to be found: where it is, what it offers and when, and the pieces of its answer as bytes.

    All places of an index have the same number of ``pieces``.
    """

    lat: float
    lng: float
    services: tuple[str, ...]
    week: tuple[DayHours, ...]
    pieces: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """One store found. ``place`` is its number in the order given; ``open_now`` None: no counter."""

    place: int
    distance_m: int
    open_now: bool | None


def distance_m(lat: float, lng: float, other_lat: float, other_lng: float) -> int:
    """Great-circle (haversine) distance between two points in degrees, in metres, rounded to the metre."""
    one, other = radians(lat), radians(other_lat)
    half = sin((other - one) / 2) ** 2 + cos(one) * cos(other) * sin(radians(other_lng - lng) / 2) ** 2
    return round(2 * EARTH_M * asin(min(1.0, sqrt(half))))


def _on_sphere(lat: float, lng: float) -> tuple[float, float, float]:
    north, east = radians(lat), radians(lng)
    return cos(north) * cos(east), cos(north) * sin(east), sin(north)


class StoreIndex:
    """An immutable set of stores to search from any thread. When stores change, build a new one."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = _Places()
        for place in places:
            self._places.add(place)
        self._root, self._order = self._places.grow()
        self._open_at: tuple[int, list[bool | None]] = (-1, [])

    def __len__(self) -> int:
        return len(self._places)

    def piece(self, place: int, number: int) -> bytes:
        """One of the pieces given with a place."""
        return self._places.piece(place, number)

    def nearest(
        self,
        lat: float,
        lng: float,
        *,
        radius_m: int,
        limit: int,
        now: datetime,
        service: str | None = None,
        open_only: bool = False,
    ) -> list[Near]:
        """Up to ``limit`` stores within ``radius_m`` inclusive, nearest first, equal ones in the order given.

        ``service``: only stores that offer it. ``open_only``: only stores whose counter is open at ``now``.
        """
        opened = self._opened(now)
        flags = self._flags(service, opened if open_only else None)
        if not any(flags):
            return []
        reach = 2 * sin(min((radius_m + 0.5) / EARTH_M, 3.14159) / 2) * (1 + 1e-12)
        places = self._places
        hits = self._search(_on_sphere(lat, lng), reach * reach, limit, flags)
        found = [
            Near(
                place,
                distance_m(lat, lng, places.lats[place], places.lngs[place]),
                opened[places.kinds[place]],
            )
            for place in hits
        ]
        return sorted(
            (near for near in found if near.distance_m <= radius_m),
            key=lambda near: (near.distance_m, near.place),
        )

    def _opened(self, now: datetime) -> list[bool | None]:
        minute = int(now.timestamp()) // 60
        known = self._open_at
        if known[0] != minute:
            local = now.astimezone(SHANGHAI)
            known = self._open_at = (minute, [is_open(week, local) for _, week in self._places.kind_list])
        return known[1]

    def _flags(self, service: str | None, opened: Sequence[bool | None] | None) -> bytearray:
        return bytearray(
            (service is None or service in services) and (opened is None or opened[kind] is True)
            for kind, (services, _) in enumerate(self._places.kind_list)
        )

    def _search(
        self, point: tuple[float, float, float], reach: float, limit: int, flags: bytearray
    ) -> list[int]:
        x, y, z = point
        mask = _mask(kind for kind, wanted in enumerate(flags) if wanted) if not all(flags) else EVERY_KIND
        places, order = self._places, self._order
        best: list[tuple[float, int]] = []
        stack: list[tuple[float, Node]] = [(0.0, self._root)]
        while stack:
            bound, (axis, split, lower, upper, kinds) = stack.pop()
            if bound > reach or not kinds & mask:
                continue
            if axis >= 0:
                aside = point[axis] - split
                near, far = (lower, upper) if aside < 0 else (upper, lower)
                stack.append((max(bound, aside * aside), far))
                stack.append((bound, near))
                continue
            for i in range(lower, upper):
                place = order[i]
                chord = (
                    (places.xs[place] - x) ** 2 + (places.ys[place] - y) ** 2 + (places.zs[place] - z) ** 2
                )
                if chord <= reach and flags[places.kinds[place]]:
                    insort(best, (chord, place))
                    if len(best) >= limit:
                        del best[limit:]
                        reach = best[-1][0]
        return [place for _, place in best]


class _Places:
    """The stores in columns: a hundred thousand of them as objects would not fit into a small worker."""

    def __init__(self) -> None:
        self.lats, self.lngs = array("d"), array("d")
        self.xs, self.ys, self.zs = array("d"), array("d"), array("d")
        self.kinds = array("I")
        self.kind_list: list[tuple[tuple[str, ...], tuple[DayHours, ...]]] = []
        self._kind_numbers: dict[tuple[tuple[str, ...], tuple[DayHours, ...]], int] = {}
        self._bytes, self._ends = bytearray(), array("Q", [0])
        self._per_place = 0

    def __len__(self) -> int:
        return len(self.kinds)

    def add(self, place: Place) -> None:
        self.lats.append(place.lat)
        self.lngs.append(place.lng)
        for column, value in zip((self.xs, self.ys, self.zs), _on_sphere(place.lat, place.lng), strict=True):
            column.append(value)
        kind = (place.services, place.week)
        number = self._kind_numbers.setdefault(kind, len(self.kind_list))
        if number == len(self.kind_list):
            self.kind_list.append(kind)
        self.kinds.append(number)
        self._per_place = len(place.pieces)
        for piece in place.pieces:
            self._bytes += piece
            self._ends.append(len(self._bytes))

    def piece(self, place: int, number: int) -> bytes:
        at = place * self._per_place + number
        return bytes(self._bytes[self._ends[at] : self._ends[at + 1]])

    def grow(self) -> tuple[Node, "array[int]"]:
        """The tree, and the places in the order of its leaves."""
        order = array("I")
        return self._branch(list(range(len(self))), order), order

    def _branch(self, members: list[int], order: "array[int]") -> Node:
        if len(members) <= LEAF:
            start = len(order)
            order.extend(members)
            return -1, 0.0, start, len(order), _mask(self.kinds[member] for member in members)
        axes = (self.xs, self.ys, self.zs)
        spread = [max(column[m] for m in members) - min(column[m] for m in members) for column in axes]
        axis = spread.index(max(spread))
        members.sort(key=axes[axis].__getitem__)
        half = len(members) // 2
        split = axes[axis][members[half]]
        lower, upper = self._branch(members[:half], order), self._branch(members[half:], order)
        return axis, split, lower, upper, lower[4] | upper[4]


def _mask(kinds: Iterable[int]) -> int:
    mask = 0
    for kind in kinds:
        mask |= 1 << kind % BITS
    return mask
