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
from math import asin, cos, pi, radians, sin, sqrt
from typing import Any, NamedTuple

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


class Near(NamedTuple):
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
        columns = _Columns()
        for place in places:
            columns.add(place)
        self._root = columns.grow()
        self._columns = columns
        self._pieces = bytes(columns.pieces)
        columns.pieces.clear()
        self._open_at: tuple[int, list[bool | None]] = (-1, [])

    def __len__(self) -> int:
        return len(self._columns.kinds)

    def piece(self, place: int, number: int) -> bytes:
        """One of the pieces given with a place."""
        at = place * self._columns.per_place + number
        ends = self._columns.ends
        return self._pieces[ends[at] : ends[at + 1]]

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
        columns = self._columns
        # A touch too far, so that rounding of the chord loses nobody; whole metres decide.
        reach = 2 * sin(min((radius_m + 0.5) / EARTH_M, pi) / 2) * (1 + 1e-12)
        found = [
            Near(place, round(2 * EARTH_M * asin(min(1.0, sqrt(chord) / 2))), opened[columns.kinds[i]])
            for chord, place, i in self._search(_on_sphere(lat, lng), reach * reach, limit, flags)
        ]
        return [near for near in found if near.distance_m <= radius_m]

    def _opened(self, now: datetime) -> list[bool | None]:
        minute = int(now.timestamp()) // 60
        known = self._open_at
        if known[0] != minute:
            local = now.astimezone(SHANGHAI)
            known = self._open_at = (minute, [is_open(week, local) for _, week in self._columns.kind_list])
        return known[1]

    def _flags(self, service: str | None, opened: Sequence[bool | None] | None) -> bytes:
        kinds = self._columns.kind_list
        if service is None and opened is None:
            return b"\1" * len(kinds)
        return bytes(
            (service is None or service in services) and (opened is None or opened[kind] is True)
            for kind, (services, _) in enumerate(kinds)
        )

    def _search(
        self, point: tuple[float, float, float], reach: float, limit: int, flags: bytes
    ) -> list[tuple[float, int, int]]:
        x, y, z = point
        columns = self._columns
        xs, ys, zs, kind_of, given = columns.xs, columns.ys, columns.zs, columns.kinds, columns.given
        mask = EVERY_KIND if all(flags) else _mask(kind for kind, wanted in enumerate(flags) if wanted)
        best: list[tuple[float, int, int]] = []
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
                east, north, up = xs[i] - x, ys[i] - y, zs[i] - z
                chord = east * east + north * north + up * up
                if chord <= reach and flags[kind_of[i]]:
                    insort(best, (chord, given[i], i))
                    if len(best) >= limit:
                        del best[limit:]
                        reach = best[-1][0]
        return best


class _Columns:
    """The stores in columns: a hundred thousand of them as objects would not fit into a small worker."""

    def __init__(self) -> None:
        self.xs, self.ys, self.zs = array("d"), array("d"), array("d")
        self.kinds = array("I")
        self.given = array("I")
        self.kind_list: list[tuple[tuple[str, ...], tuple[DayHours, ...]]] = []
        self._kind_numbers: dict[tuple[tuple[str, ...], tuple[DayHours, ...]], int] = {}
        self.pieces, self.ends = bytearray(), array("Q", [0])
        self.per_place = 0

    def add(self, place: Place) -> None:
        """Take one more store."""
        kind = (place.services, place.week)
        number = self._kind_numbers.setdefault(kind, len(self.kind_list))
        if number == len(self.kind_list):
            self.kind_list.append(kind)
        x, y, z = _on_sphere(place.lat, place.lng)
        self.xs.append(x)
        self.ys.append(y)
        self.zs.append(z)
        self.kinds.append(number)
        self.per_place = len(place.pieces)
        for piece in place.pieces:
            self.pieces += piece
            self.ends.append(len(self.pieces))

    def grow(self) -> Node:
        """Make the tree and put the columns into the order of its leaves; ``given`` keeps the old numbers."""
        root = self._branch(list(range(len(self.kinds))))
        for name in ("xs", "ys", "zs", "kinds"):
            column = getattr(self, name)
            setattr(self, name, array(column.typecode, [column[i] for i in self.given]))
        return root

    def _branch(self, members: list[int]) -> Node:
        if len(members) <= LEAF:
            start = len(self.given)
            self.given.extend(members)
            return -1, 0.0, start, len(self.given), _mask(self.kinds[member] for member in members)
        axes = (self.xs, self.ys, self.zs)
        spread = [max(column[m] for m in members) - min(column[m] for m in members) for column in axes]
        axis = spread.index(max(spread))
        members.sort(key=axes[axis].__getitem__)
        half = len(members) // 2
        split = axes[axis][members[half]]
        lower, upper = self._branch(members[:half]), self._branch(members[half:])
        return axis, split, lower, upper, lower[4] | upper[4]


def _mask(kinds: Iterable[int]) -> int:
    mask = 0
    for kind in kinds:
        mask |= 1 << kind % BITS
    return mask
