"""Letters for posters: the bundled font, texts made safe and fitted into a width, drawn as grey masks."""

import math
import threading
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONT_FILE = Path(__file__).parent / "fonts" / "NotoSansSC-Lianke.otf"
LONGEST = 120
# A line must not begin with these (closing signs) and not break inside a Latin word if that can be helped.
_CLOSING = set("，。、；：！？）》」』】·,.;:!?)]}%…")

# An open size of this font costs 1.5 MB of memory: two are kept, and what lies between is scaled down.
_MASTERS_PX = (56, 112)
# FreeType faces are not safe to use from two threads at once.
_face_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Setting:
    """A text made to fit: its lines and their size in pixels. ``tracking`` is extra space between letters."""

    lines: tuple[str, ...]
    size_px: int
    tracking_px: int


def plain(text: str) -> str:
    """The text as it can be drawn: NFC, one line, no invisible or control characters, at most 120 long."""
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Zs") else c for c in _composed(text))
    words = "".join(c for c in kept if unicodedata.category(c) not in ("Cf", "Cs", "Mn", "Me")).split()
    joined = " ".join(words)
    return joined if len(joined) <= LONGEST else joined[: LONGEST - 1] + "…"


def fit(text: str, *, widest_px: int, sizes_px: range, lines: int, tracking: float = 0.0) -> Setting:
    """Set a text as large as fits into ``lines`` lines of ``widest_px``; if nothing does, cut its end with ….

    ``sizes_px`` goes from large to small. ``tracking`` is a share of the size.
    """
    words = plain(text)
    with _face_lock:
        for size in sizes_px:
            broken = _break(words, widest_px, size, int(size * tracking))
            if len(broken) <= lines:
                return Setting(tuple(broken), size, int(size * tracking))
        size = sizes_px[-1]
        space = int(size * tracking)
        kept = _break(words, widest_px, size, space)[:lines]
        kept[-1] = _shorten(kept[-1], widest_px, size, space)
        return Setting(tuple(kept), size, space)


def mask(line: str, size_px: int, tracking_px: int = 0) -> Image.Image:
    """One line as a grey picture (0 = paper, 255 = ink), as wide as the line, 1.5 times ``size_px`` high.

    The baseline lies at 1.15 times ``size_px``. A character that the font lacks is an empty box.
    """
    master = next((one for one in _MASTERS_PX if one >= size_px), _MASTERS_PX[-1])
    space = tracking_px * master / size_px
    with _face_lock:
        long = math.ceil(sum(_advance(letter) * master + space for letter in line) - space) + 1
        picture = Image.new("L", (max(1, long), master * 3 // 2))
        pen = ImageDraw.Draw(picture)
        at = 0.0
        for letter in line:
            pen.text((at, master * 1.15), letter, fill=255, font=_font(master), anchor="ls")
            at += _advance(letter) * master + space
    size = (max(1, round(picture.width * size_px / master)), size_px * 3 // 2)
    return picture if master == size_px else picture.resize(size, Image.Resampling.LANCZOS)


def is_latin(text: str) -> bool:
    """Whether every letter belongs to the Latin alphabets (an empty text does)."""
    return all(ord(letter) < 0x250 for letter in text)


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT_FILE, size_px, layout_engine=ImageFont.Layout.BASIC)


def _composed(text: str) -> str:
    # Cut before normalising: a hostile text of megabytes must not cost more than a long name.
    return unicodedata.normalize("NFC", text[: LONGEST * 8])


@lru_cache(maxsize=4096)
def _advance(letter: str) -> float:
    """Width of a letter as a share of the size. The font has no kerning, so a line is the sum of these."""
    return _font(_MASTERS_PX[-1]).getlength(letter) / _MASTERS_PX[-1]


def _width(line: str, size_px: int, tracking_px: int) -> int:
    letters = sum(map(_advance, line)) * size_px
    return math.ceil(letters) + tracking_px * max(0, len(line) - 1)


def _break(text: str, widest_px: int, size_px: int, tracking_px: int) -> list[str]:
    lines = [""]
    for piece in _pieces(text):
        if _width((lines[-1] + piece).rstrip(), size_px, tracking_px) <= widest_px:
            lines[-1] += piece
            continue
        if lines[-1]:
            lines.append("")
        for letter in piece.lstrip():
            if lines[-1] and _width(lines[-1] + letter, size_px, tracking_px) > widest_px:
                lines.append("")
            lines[-1] += letter
    return [line.strip() for line in lines]


def _pieces(text: str) -> list[str]:
    """Where a line may break: after a space, and on both sides of a letter that is not Latin."""
    pieces: list[str] = []
    for letter in text:
        latin_word = pieces and is_latin(pieces[-1][-1] + letter) and pieces[-1][-1] != " "
        if pieces and (latin_word or letter in _CLOSING):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def _shorten(line: str, widest_px: int, size_px: int, tracking_px: int) -> str:
    line = line.rstrip("… ")
    while line and _width(line + "…", size_px, tracking_px) > widest_px:
        line = line[:-1]
    return line + "…"
