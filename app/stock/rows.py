"""What an import hands to this room: plain values, already checked for form, named by business codes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocationRow:
    """One warehouse. A store is a location by itself and needs no row here."""

    code: str
    name: str
    entity: str
    lat: float | None
    lng: float | None
    daily_capacity: int | None


@dataclass(frozen=True, slots=True)
class OpeningRow:
    """Opening stock of one SKU at one location, in pieces."""

    sku: str
    location: str
    on_hand: int
    safety: int
