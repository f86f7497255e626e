"""Designs as PNG pictures of 300 dots per inch, cut to the trim: for screens and office printers."""

import io

from PIL import Image, ImageDraw

from app.posters.lettering import mask
from app.posters.shapes import BLACK, DPI, MM_PER_INCH, Box, Design, Line, Modules, Picture

DOTS_PER_MM = DPI / MM_PER_INCH


def png(design: Design) -> bytes:
    """The design as a PNG; the same design gives the same bytes."""
    size = (round(design.w * DOTS_PER_MM), round(design.h * DOTS_PER_MM))
    sheet = Image.new("RGB", size, (255, 255, 255))
    pen = ImageDraw.Draw(sheet)
    for shape in design.shapes:
        match shape:
            case Box():
                _box(pen, shape)
            case Line():
                _letters(sheet, shape)
            case Modules():
                _modules(sheet, shape)
            case Picture():
                _picture(sheet, shape)
    out = io.BytesIO()
    sheet.save(out, "PNG", dpi=(DPI, DPI), compress_level=6)
    return out.getvalue()


def _dots(mm: float) -> int:
    return round(mm * DOTS_PER_MM)


def _box(pen: ImageDraw.ImageDraw, box: Box) -> None:
    corners = (_dots(box.x), _dots(box.y), _dots(box.x + box.w) - 1, _dots(box.y + box.h) - 1)
    pen.rounded_rectangle(corners, _dots(box.round_mm), fill=box.ink)


def _letters(sheet: Image.Image, line: Line) -> None:
    size_px = max(1, _dots(line.size_mm))
    letters = mask(line.words, size_px, _dots(line.tracking_mm))
    left = _dots(line.x) - (letters.width // 2 if line.centred else 0)
    # The baseline of a mask lies at 1.15 times its size.
    top = _dots(line.y) - round(size_px * 1.15)
    sheet.paste(Image.new("RGB", letters.size, line.ink), (left, top), letters)


def _modules(sheet: Image.Image, code: Modules) -> None:
    """Whole dots per module, so that every module has the same size; centred in its square."""
    count = len(code.rows)
    scale = max(1, _dots(code.size) // count)
    dots = Image.frombytes(
        "L", (count, count), bytes(255 if dark else 0 for row in code.rows for dark in row)
    )
    dots = dots.resize((count * scale, count * scale), Image.Resampling.NEAREST)
    spare = (_dots(code.size) - dots.width) // 2
    place = (_dots(code.x) + spare, _dots(code.y) + spare)
    sheet.paste(Image.new("RGB", dots.size, BLACK), place, dots)


def _picture(sheet: Image.Image, picture: Picture) -> None:
    with Image.open(io.BytesIO(picture.data)) as opened:
        whole = opened.convert("RGBA")
    side = _dots(picture.size)
    whole = whole.resize((side, side), Image.Resampling.LANCZOS)
    sheet.paste(whole, (_dots(picture.x), _dots(picture.y)), whole)
