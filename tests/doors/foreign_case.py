"""What a case of somebody else's things says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from tests.doors.cast import Cast

Params = dict[str, str]


@dataclass(frozen=True)
class Foreign:
    """``who`` (of the cast) asks ``route`` for what ``made`` makes, which is somebody else's.

    Where the answer is 404 it must be the very answer that ``missing`` gets: nobody learns that there is
    such a thing. What is made is put in place of "<name>" in the path and in ``body``. ``unchanged`` are
    tables in which no row may differ afterwards.
    """

    route: str
    who: str
    made: Callable[[Session, Cast], Params]
    missing: Params
    status: int = 404
    body: Any = None
    unchanged: tuple[str, ...] = field(default=("orders", "order_event", "audit_entry"))

    def __str__(self) -> str:
        return f"{self.who}: {self.route}"


@dataclass(frozen=True)
class Unseen:
    """A list that ``who`` reads must not name what ``made`` makes, which is somebody else's; ``seer`` sees it."""

    route: str
    who: str
    made: Callable[[Session, Cast], Params]
    seer: str = ""

    def __str__(self) -> str:
        return f"{self.who}: {self.route}"
