"""The few stores closest to a place, for whoever asks seldom; the nearby page has its own index in memory."""

from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.stores.directory import StorePage, get_page
from app.stores.nearby import distance_m

# Flat distance sorts well enough within a country; the distance that is told is the exact one.
_CLOSEST = text(
    """
    select code from store where status = 'OPEN' and lat is not null
    order by (lat - :lat) ^ 2 + ((lng - :lng) * cos(radians(:lat))) ^ 2, code limit :limit
    """
)


def closest(
    session: Session | Connection, *, lat: float, lng: float, limit: int, now: datetime
) -> list[tuple[int, StorePage]]:
    """Up to ``limit`` open stores with their distance in metres, nearest first. Nothing is kept (CNS-3)."""
    codes = session.execute(_CLOSEST, {"lat": lat, "lng": lng, "limit": limit}).scalars().all()
    pages = [get_page(session, code, now=now) for code in codes]
    found = [(distance_m(lat, lng, page.lat or 0.0, page.lng or 0.0), page) for page in pages]
    return sorted(found, key=lambda item: (item[0], item[1].code))
