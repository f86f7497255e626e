"""What an import hands to this room: plain values, already checked for form, named by business codes."""

from dataclasses import dataclass
from datetime import date, time


@dataclass(frozen=True, slots=True)
class EntityRow:
    """One legal entity; ``kind`` is a value of ``EntityKind``."""

    code: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One store. The same hours every day, local time; both None = no counter hours (an online store)."""

    code: str
    name: str
    name_en: str
    entity: str
    ownership: str
    city: str | None
    address: str | None
    phone: str | None
    lat: float | None
    lng: float | None
    services: tuple[str, ...]
    delivery_radius_m: int | None
    opens: time | None
    closes: time | None
    status: str
    closing_on: date | None
    successor: str | None
    default_landing: bool


@dataclass(frozen=True, slots=True)
class ClerkRow:
    """One clerk, manager or team account. ``phone`` is in clear here and nowhere else."""

    code: str
    name: str
    store: str
    role: str
    status: str
    last_day: date | None
    phone: str | None
    monthly_target_fen: int | None

    def __repr__(self) -> str:
        return f"ClerkRow(code={self.code!r})"
