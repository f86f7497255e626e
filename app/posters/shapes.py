"""What a printed thing consists of, in millimetres from the upper left corner of its trim: the same for PDF and PNG."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.posters.lettering import fit

Colour = tuple[int, int, int]
PAPER: Colour = (247, 243, 236)
INK: Colour = (38, 44, 46)
GREY: Colour = (122, 114, 103)
GOLD: Colour = (160, 124, 74)
BAND: Colour = (34, 48, 52)
LIGHT: Colour = (240, 230, 212)
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)

# What is cut off: colour that ends at the trim would show a white hair where the knife is a little off.
BLEED_MM = 3.0
# Letters are fitted in tenths of a millimetre.
_TENTH = 10
DPI = 300
MM_PER_INCH = 25.4


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; ``round_mm`` rounds its corners."""

    x: float
    y: float
    w: float
    h: float
    ink: Colour
    round_mm: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of letters, with the middle of its baseline (or its start) at x, y. ``tracking_mm`` apart."""

    x: float
    y: float
    words: str
    size_mm: float
    ink: Colour
    tracking_mm: float = 0.0
    centred: bool = True


@dataclass(frozen=True, slots=True)
class Modules:
    """A QR code as vectors: dark modules in a square of ``size`` without margin."""

    x: float
    y: float
    size: float
    rows: Sequence[Sequence[bool]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG or JPEG in a square of ``size``."""

    x: float
    y: float
    size: float
    data: bytes


Shape = Box | Line | Modules | Picture


@dataclass(frozen=True, slots=True)
class Design:
    """One printed thing, cut to ``w`` x ``h`` mm. Shapes may reach ``BLEED_MM`` beyond the trim, not further."""

    w: float
    h: float
    shapes: tuple[Shape, ...] = field(default_factory=tuple)


def lines(
    words: str,
    *,
    x: float,
    y: float,
    widest_mm: float,
    sizes_mm: tuple[float, float],
    ink: Colour,
    most: int = 1,
    tracking: float = 0.0,
    centred: bool = True,
) -> list[Line]:
    """Words set as large as they fit (largest and smallest size given) on at most ``most`` lines, the first at y.

    What fits at no size ends in …. ``tracking`` is a share of the size.
    """
    largest, smallest = (round(size * _TENTH) for size in sizes_mm)
    sizes = range(largest, smallest - 1, -1)
    setting = fit(words, widest_px=int(widest_mm * _TENTH), sizes_px=sizes, lines=most, tracking=tracking)
    size_mm, air_mm = setting.size_px / _TENTH, setting.tracking_px / _TENTH
    return [
        Line(x, y + number * size_mm * 1.4, line, size_mm, ink, air_mm, centred)
        for number, line in enumerate(setting.lines)
        if line
    ]
