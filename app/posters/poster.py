"""The poster of a clerk: brand, name, store and code on one calm sheet, ready for print.

1200 x 1800 pixels at 300 dpi: 4 x 6 inches, a common photo size. It promises service and nothing else,
because WeChat forbids rewarding people for following. Everything is drawn in palette numbers from the start:
a sheet made once per process, inks as ramps between two colours. Turning a full-colour picture into a
palette afterwards would cost more than all the drawing.
"""

import io
import math
from functools import cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter, UnidentifiedImageError

from app.posters.lettering import Setting, fit, is_latin, mask, plain
from app.posters.shapes import BAND, GOLD, GREY, INK, LIGHT, PAPER, WHITE, Colour

WIDTH_PX, HEIGHT_PX = 1200, 1800
CODE_PX = 500
CALL = "扫码关注 · 专属导购为您服务"

LINE: Colour = (226, 217, 203)

CARD = (290, 500, 910, 1120)
BAND_TOP = 1590
TEXT_PX = 960
MOST_CODE_PX = 4096

# The palette: the sheet's own colours, then one ramp per ink, then the colours of the code.
_SHEET_COLOURS = 96
_RAMP = 24
_INKS = ((PAPER, INK), (PAPER, GREY), (PAPER, GOLD), (BAND, LIGHT))
_CODE_AT = _SHEET_COLOURS + _RAMP * len(_INKS)
_CODE_COLOURS = 256 - _CODE_AT


def draw(*, brand: str, clerk_name: str, store_name: str, slogan: str, code_image: bytes) -> bytes:
    """Answer the poster as a PNG of 1200 x 1800 pixels, the same bytes for the same facts.

    Any text is accepted: long ones shrink, wrap, and are cut with … at last; a character that the font lacks
    becomes a box. ``code_image`` is a PNG or JPEG of a dark code on white; ValueError if it is not.
    """
    code, code_palette = _code(code_image)
    sheet, sheet_palette = _sheet()
    poster = sheet.copy()
    _brand(poster, brand)
    _centred(
        poster, fit(slogan, widest_px=TEXT_PX, sizes_px=range(38, 23, -2), lines=1, tracking=0.1), 420, 1
    )
    left, top = (CARD[0] + CARD[2] - code.width) // 2, (CARD[1] + CARD[3] - code.height) // 2
    poster.paste(code, (left, top))
    name = fit(clerk_name, widest_px=TEXT_PX, sizes_px=range(92, 43, -4), lines=1, tracking=0.08)
    _centred(poster, name, 1275, 0)
    store = fit(store_name, widest_px=TEXT_PX, sizes_px=range(44, 27, -2), lines=2, tracking=0.04)
    _centred(poster, store, 1365, 1)
    call = fit(CALL, widest_px=TEXT_PX, sizes_px=range(44, 29, -2), lines=1, tracking=0.1)
    _centred(poster, call, 1710, 3)
    poster.putpalette(sheet_palette + _ramps() + code_palette)
    out = io.BytesIO()
    poster.save(out, "PNG", dpi=(300, 300), compress_level=6)
    return out.getvalue()


def _brand(poster: Image.Image, brand: str) -> None:
    """A brand written "澜序 LANXU" stands on two lines: the Chinese large, the Latin small beneath."""
    words = plain(brand)
    chinese, _, latin = words.partition(" ")
    if not latin or not is_latin(latin) or is_latin(chinese):
        chinese, latin = words, ""
    air = 0.06 if is_latin(chinese) else 0.22
    large = fit(chinese, widest_px=TEXT_PX, sizes_px=range(108, 39, -4), lines=1, tracking=air)
    _centred(poster, large, 240 if latin else 270, 0)
    if latin:
        small = fit(latin, widest_px=TEXT_PX, sizes_px=range(36, 19, -2), lines=1, tracking=0.5)
        _centred(poster, small, 310, 2)


def _centred(poster: Image.Image, setting: Setting, baseline: int, ink: int) -> None:
    """Draw the lines, the first on ``baseline``, the others beneath it, in the given ink."""
    first = _SHEET_COLOURS + _RAMP * ink
    ramp = [first + level * (_RAMP - 1) // 255 for level in range(256)]
    for number, line in enumerate(setting.lines):
        letters = mask(line, setting.size_px, setting.tracking_px)
        top = round(baseline + number * setting.size_px * 1.45 - setting.size_px * 1.15)
        place = ((WIDTH_PX - letters.width) // 2, top)
        poster.paste(letters.point(ramp), place, letters.point([0] + [255] * 255))


def _code(code_image: bytes) -> tuple[Image.Image, list[int]]:
    """The code as palette numbers, fitted into ``CODE_PX``, with the palette of these numbers."""
    picture = _fitted(_opened(code_image))
    red, green, blue = picture.split()
    if ImageChops.difference(red, green).getbbox() or ImageChops.difference(green, blue).getbbox():
        few = picture.quantize(_CODE_COLOURS, dither=Image.Dither.NONE)
        numbers = Image.frombytes("L", few.size, few.tobytes())
        colours = (few.getpalette() or [])[: _CODE_COLOURS * 3]
        return numbers.point([min(255, _CODE_AT + n) for n in range(256)]), colours
    top = _CODE_COLOURS - 1
    greys = [level * 255 // top for level in range(_CODE_COLOURS) for _ in range(3)]
    return red.point([_CODE_AT + round(level * top / 255) for level in range(256)]), greys


def _opened(code_image: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(code_image), formats=("PNG", "JPEG")) as picture:
            if max(picture.size) > MOST_CODE_PX:
                raise ValueError(f"a code of {picture.width} x {picture.height} pixels is too large")
            whole = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError("the code is not a PNG or JPEG picture") from error
    paper = Image.new("RGBA", whole.size, (*WHITE, 255))
    return Image.alpha_composite(paper, whole).convert("RGB")


def _fitted(picture: Image.Image) -> Image.Image:
    # The card is the quiet margin: 60 pixels on each side, four modules of a code of 33.
    dark = picture.convert("L").point([255] * 200 + [0] * 56).getbbox()
    picture = picture.crop(dark) if dark else picture
    scale = CODE_PX / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    if scale > 1:
        # Enlarged to a whole multiple first, so that the edges of a small code stay sharp.
        whole = math.ceil(scale)
        sharp = (picture.width * whole, picture.height * whole)
        picture = picture.resize(sharp, Image.Resampling.NEAREST)
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


@cache
def _ramps() -> list[int]:
    steps = range(_RAMP)
    return [
        low + (high - low) * step // (_RAMP - 1)
        for paper, ink in _INKS
        for step in steps
        for low, high in zip(paper, ink, strict=True)
    ]


@cache
def _sheet() -> tuple[Image.Image, list[int]]:
    """What every poster shares, as palette numbers with its palette: paper, waves, card, band."""
    twice = Image.new("RGB", (WIDTH_PX * 2, HEIGHT_PX * 2), PAPER)
    pen = ImageDraw.Draw(twice)
    _waves(pen)
    pen.rectangle((0, BAND_TOP * 2, WIDTH_PX * 2, HEIGHT_PX * 2), fill=BAND)
    pen.rectangle((WIDTH_PX - 50, 350 * 2, WIDTH_PX + 50, 350 * 2 + 3), fill=GOLD)
    shadow = Image.new("L", (WIDTH_PX // 2, HEIGHT_PX // 2))
    ImageDraw.Draw(shadow).rounded_rectangle([edge // 2 for edge in CARD], 18, fill=46)
    shadow = ImageChops.offset(shadow.filter(ImageFilter.GaussianBlur(14)), 0, 8).resize(twice.size)
    twice.paste(Image.new("RGB", twice.size, GREY), mask=shadow)
    pen.rounded_rectangle([edge * 2 for edge in CARD], 72, fill=WHITE)
    sheet = twice.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BOX)
    few = sheet.quantize(_SHEET_COLOURS, dither=Image.Dither.NONE)
    palette = (few.getpalette() or []) + [0] * (_SHEET_COLOURS * 3)
    return Image.frombytes("L", few.size, few.tobytes()), palette[: _SHEET_COLOURS * 3]


def _waves(pen: ImageDraw.ImageDraw) -> None:
    """Hairlines like slow water above the band."""
    for row in range(7):
        base = (BAND_TOP - 12 - row * 17) * 2
        points = [
            (x, base - 26 * math.sin(x / 2 / 190 + row * 0.55) * (1 - row / 9))
            for x in range(0, WIDTH_PX * 2 + 1, 8)
        ]
        pen.line(points, fill=LINE, width=3)
