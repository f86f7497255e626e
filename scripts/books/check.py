"""What an invariant is."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Check:
    """``sql`` answers the rows that break the sentence ``meaning``; ``:at`` is the moment of the question.

    ``watch``: true a while after every change (something is late), not in every committed state.
    """

    id: str
    meaning: str
    sql: str
    watch: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that does not hold, with the first rows that break it; ``more``: there are others."""

    id: str
    meaning: str
    rows: list[dict[str, Any]]
    more: bool
