"""The printed things: a poster, a badge (胸牌), a shelf card (货架卡). They promise service and nothing else.

WeChat forbids rewarding people for following, so no word here speaks of a gift.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from PIL import Image, UnidentifiedImageError

from app.posters.poster import CALL
from app.posters.qr import QUIET_MODULES, modules
from app.posters.shapes import (
    BAND,
    BLEED_MM,
    DPI,
    GOLD,
    GREY,
    INK,
    LIGHT,
    MM_PER_INCH,
    PAPER,
    WHITE,
    Box,
    Design,
    Modules,
    Picture,
    Shape,
    lines,
)

LARGEST_PX = 4096


class Material(StrEnum):
    """What is printed."""

    POSTER = "poster"  # A4, for a wall or a window
    SHELF_CARD = "shelf_card"  # A6, beside the goods
    BADGE = "badge"  # 86 x 54 mm, worn


@dataclass(frozen=True, slots=True)
class Facts:
    """What a thing says. Exactly one of ``url`` (drawn as vectors) and ``image`` (WeChat's picture) is its code.

    ``name`` stands large: a clerk, or what the code is for; ``title`` small beside it, ``note`` at the foot.
    """

    brand: str
    slogan: str
    name: str
    store: str
    title: str = ""
    call: str = CALL
    note: str = ""
    url: str | None = None
    image: bytes | None = None


def draw(material: Material, facts: Facts) -> Design:
    """The design of a thing. ValueError when the code is none: an empty or endless url, no PNG or JPEG."""
    return _DESIGNS[material](facts)


def _poster(facts: Facts) -> Design:
    w, h, middle = 210.0, 297.0, 105.0
    shapes: list[Shape] = [_ground(w, h)]
    shapes += _brand(facts.brand, middle, 52, widest_mm=170, large_mm=20)
    shapes.append(Box(middle - 9, 64, 18, 0.6, GOLD))
    shapes += lines(facts.slogan, x=middle, y=76, widest_mm=170, sizes_mm=(7.2, 4), ink=GREY, tracking=0.1)
    shapes += _card(facts, middle, 88, card_mm=112, code_mm=92)
    shapes += lines(facts.name, x=middle, y=221, widest_mm=170, sizes_mm=(16, 8), ink=INK, tracking=0.08)
    shapes += lines(
        facts.store, x=middle, y=235, widest_mm=170, sizes_mm=(7.6, 4.5), ink=GREY, most=2, tracking=0.04
    )
    return Design(w, h, (*shapes, *_foot(facts, w, h, band_mm=36, size_mm=8)))


def _shelf_card(facts: Facts) -> Design:
    w, h, middle = 105.0, 148.0, 52.5
    shapes: list[Shape] = [_ground(w, h)]
    shapes += _brand(facts.brand, middle, 21, widest_mm=88, large_mm=9.5)
    shapes.append(Box(middle - 5, 27, 10, 0.4, GOLD))
    shapes += lines(facts.slogan, x=middle, y=34, widest_mm=88, sizes_mm=(3.8, 2.4), ink=GREY, tracking=0.1)
    shapes += _card(facts, middle, 40, card_mm=60, code_mm=49)
    shapes += lines(facts.name, x=middle, y=112, widest_mm=88, sizes_mm=(8, 4), ink=INK, tracking=0.06)
    shapes += lines(
        facts.store, x=middle, y=120, widest_mm=88, sizes_mm=(4, 2.6), ink=GREY, most=2, tracking=0.03
    )
    return Design(w, h, (*shapes, *_foot(facts, w, h, band_mm=19, size_mm=4.4)))


def _badge(facts: Facts) -> Design:
    w, h, left = 86.0, 54.0, 6.0
    shapes: list[Shape] = [_ground(w, h), Box(-BLEED_MM, -BLEED_MM, w + 2 * BLEED_MM, BLEED_MM + 12, BAND)]
    shapes += lines(
        facts.brand, x=left, y=8.1, widest_mm=72, sizes_mm=(4.6, 2.6), ink=LIGHT, tracking=0.16, centred=False
    )
    beside = partial(lines, x=left, widest_mm=41, centred=False)
    shapes += beside(facts.name, y=28, sizes_mm=(9, 4), ink=INK, tracking=0.06)
    shapes += beside(facts.title, y=35, sizes_mm=(3.6, 2.4), ink=GOLD, tracking=0.1)
    shapes += beside(facts.store, y=42.5, sizes_mm=(3.1, 2.2), ink=GREY, most=2)
    shapes += _card(facts, 66, 15, card_mm=33, code_mm=27.5)
    shapes += lines(facts.note, x=66, y=51.5, widest_mm=34, sizes_mm=(2, 1.6), ink=GREY)
    return Design(w, h, tuple(shapes))


_DESIGNS: dict[Material, Callable[[Facts], Design]] = {
    Material.POSTER: _poster,
    Material.SHELF_CARD: _shelf_card,
    Material.BADGE: _badge,
}


def _ground(w: float, h: float) -> Box:
    return Box(-BLEED_MM, -BLEED_MM, w + 2 * BLEED_MM, h + 2 * BLEED_MM, PAPER)


def _brand(brand: str, x: float, y: float, *, widest_mm: float, large_mm: float) -> list[Shape]:
    return list(
        lines(
            brand,
            x=x,
            y=y,
            widest_mm=widest_mm,
            sizes_mm=(large_mm, large_mm / 3),
            ink=INK,
            tracking=0.14,
        )
    )


def _foot(facts: Facts, w: float, h: float, *, band_mm: float, size_mm: float) -> list[Shape]:
    top = h - band_mm
    middle = top + band_mm / 2 + size_mm * 0.36
    call_at = middle - size_mm * 0.55 if facts.note else middle
    shapes: list[Shape] = [Box(-BLEED_MM, top, w + 2 * BLEED_MM, band_mm + BLEED_MM, BAND)]
    sizes = (size_mm, size_mm / 2)
    shapes += lines(
        facts.call, x=w / 2, y=call_at, widest_mm=w * 0.86, sizes_mm=sizes, ink=LIGHT, tracking=0.1
    )
    small = (size_mm * 0.5, size_mm * 0.35)
    shapes += lines(
        facts.note, x=w / 2, y=call_at + size_mm * 1.2, widest_mm=w * 0.86, sizes_mm=small, ink=LIGHT
    )
    return shapes


def _card(facts: Facts, x: float, y: float, *, card_mm: float, code_mm: float) -> list[Shape]:
    """A white card with the code in its middle; around the code stays white what readers need."""
    card = Box(x - card_mm / 2, y, card_mm, card_mm, WHITE, round_mm=card_mm * 0.05)
    if (facts.url is None) == (facts.image is None):
        raise ValueError("a thing has one code")
    if facts.url is not None:
        rows = modules(facts.url)
        # Four modules of quiet, inside the card.
        size = min(code_mm, card_mm * len(rows) / (len(rows) + 2 * QUIET_MODULES))
        edge = (card_mm - size) / 2
        return [card, Modules(x - size / 2, y + edge, size, rows)]
    picture, size = _printable(facts.image or b"", code_mm)
    return [card, Picture(x - size / 2, y + (card_mm - size) / 2, size, picture)]


def _printable(image: bytes, widest_mm: float) -> tuple[bytes, float]:
    """WeChat's picture and how large it may be printed: never below 300 dots per inch."""
    try:
        with Image.open(io.BytesIO(image), formats=("PNG", "JPEG")) as picture:
            if max(picture.size) > LARGEST_PX:
                raise ValueError(f"a code of {picture.width} x {picture.height} pixels is too large")
            picture.load()
            dots = min(picture.size)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError("the code is not a PNG or JPEG picture") from error
    return image, min(widest_mm, dots * MM_PER_INCH / DPI)
