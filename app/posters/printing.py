"""Designs as a PDF for a printing house: bleed, crop marks, codes and letters as vectors; one or many on a page."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fpdf import FPDF

from app.posters.lettering import FONT_FILE
from app.posters.shapes import BLACK, BLEED_MM, MM_PER_INCH, Box, Design, Line, Modules, Picture

FONT = "noto"
POINTS_PER_MM = 72 / MM_PER_INCH
MARK_MM = 5.0
HAIR_MM = 0.01
# Marks stand off, so that none is left on the cut thing.
MARK_GAP_MM = BLEED_MM + 0.5
MARGIN_MM = MARK_GAP_MM + MARK_MM + 1.5
A4 = (210.0, 297.0)


class Sheet(StrEnum):
    """How things lie on pages."""

    SINGLE = "single"  # one to a page, the page as large as thing, bleed and marks need
    A4 = "a4"  # as many to an A4 page as fit, upright or across


@dataclass(frozen=True, slots=True)
class _Layout:
    """The page and the upper left corners of the trims on it."""

    page: tuple[float, float]
    places: tuple[tuple[float, float], ...]


def pdf(designs: Sequence[Design], *, sheet: Sheet, made_at: datetime, title: str = "") -> bytes:
    """The designs, all of one size, as one PDF. ValueError when there is none, or none fits on the sheet.

    The same designs, made at the same moment, give the same bytes. Codes given as modules are vectors; the
    font is embedded, cut down to the letters in use.
    """
    if not designs:
        raise ValueError("nothing to print")
    layout = _layout(designs[0], sheet)
    paper = FPDF(unit="mm", format=layout.page)
    paper.set_creation_date(made_at)
    paper.set_title(title)
    paper.set_auto_page_break(False)
    paper.set_margin(0)
    paper.add_font(FONT, fname=str(FONT_FILE))
    for start in range(0, len(designs), len(layout.places)):
        paper.add_page()
        some = designs[start : start + len(layout.places)]
        used = layout.places[: len(some)]
        for design, (x, y) in zip(some, used, strict=True):
            _thing(paper, design, x, y)
        for x, y in layout.places:
            _marks(paper, designs[0], x, y, layout.places)
    return bytes(paper.output())


def per_page(design: Design, sheet: Sheet) -> int:
    """How many of a thing lie on one page."""
    return len(_layout(design, sheet).places)


def _layout(design: Design, sheet: Sheet) -> _Layout:
    if sheet is Sheet.SINGLE:
        page = (design.w + 2 * MARGIN_MM, design.h + 2 * MARGIN_MM)
        return _Layout(page, ((MARGIN_MM, MARGIN_MM),))
    upright, across = _grid(design, A4), _grid(design, (A4[1], A4[0]))
    best = max(upright, across, key=lambda layout: len(layout.places))
    if not best.places:
        raise ValueError("too large for the sheet")
    return best


def _grid(design: Design, page: tuple[float, float]) -> _Layout:
    # Neighbours keep both bleeds apart; marks only need room at the edges of the page.
    step_x, step_y = design.w + 2 * BLEED_MM, design.h + 2 * BLEED_MM
    columns = int((page[0] - 2 * MARGIN_MM + 2 * BLEED_MM) // step_x)
    rows = int((page[1] - 2 * MARGIN_MM + 2 * BLEED_MM) // step_y)
    left = (page[0] - columns * step_x) / 2 + BLEED_MM
    top = (page[1] - rows * step_y) / 2 + BLEED_MM
    places = tuple((left + c * step_x, top + r * step_y) for r in range(rows) for c in range(columns))
    return _Layout(page, places)


def _thing(paper: FPDF, design: Design, x: float, y: float) -> None:
    w, h = design.w + 2 * BLEED_MM, design.h + 2 * BLEED_MM
    with paper.rect_clip(x - BLEED_MM, y - BLEED_MM, w, h):
        for shape in design.shapes:
            match shape:
                case Box():
                    _box(paper, shape, x, y)
                case Line():
                    _letters(paper, shape, x, y)
                case Modules():
                    _modules(paper, shape, x, y)
                case Picture():
                    paper.image(io.BytesIO(shape.data), x + shape.x, y + shape.y, w=shape.size, h=shape.size)


def _box(paper: FPDF, box: Box, x: float, y: float) -> None:
    paper.set_fill_color(*box.ink)
    corners = box.round_mm > 0
    paper.rect(
        x + box.x,
        y + box.y,
        box.w,
        box.h,
        style="F",
        round_corners=corners,
        corner_radius=box.round_mm,
    )


def _letters(paper: FPDF, line: Line, x: float, y: float) -> None:
    paper.set_font(FONT, size=line.size_mm * POINTS_PER_MM)
    paper.set_text_color(*line.ink)
    paper.set_char_spacing(line.tracking_mm * POINTS_PER_MM)
    # The last letter's spacing is air, not width.
    width = paper.get_string_width(line.words) - line.tracking_mm if line.centred else 0.0
    paper.text(x + line.x - width / 2, y + line.y, line.words)
    paper.set_char_spacing(0)


def _modules(paper: FPDF, code: Modules, x: float, y: float) -> None:
    """Each row's dark runs as rectangles, a hair higher than their row: screens show no white between rows."""
    paper.set_fill_color(*BLACK)
    step = code.size / len(code.rows)
    for number, row in enumerate(code.rows):
        for first, length in _runs(row):
            left, top = x + code.x + first * step, y + code.y + number * step
            paper.rect(left, top, length * step, step + HAIR_MM, style="F")


def _runs(row: Sequence[bool]) -> Iterable[tuple[int, int]]:
    start: int | None = None
    for at, dark in enumerate((*row, False)):
        if dark and start is None:
            start = at
        elif not dark and start is not None:
            yield start, at - start
            start = None


def _marks(paper: FPDF, design: Design, x: float, y: float, others: Sequence[tuple[float, float]]) -> None:
    """Two strokes at each corner of the trim, left out where they would lie on a neighbour."""
    paper.set_draw_color(*BLACK)
    paper.set_line_width(0.1)
    columns, rows = {at for at, _ in others}, {at for _, at in others}
    for at_x in (x, x + design.w):
        if y == min(rows):
            paper.line(at_x, y - MARK_GAP_MM, at_x, y - MARK_GAP_MM - MARK_MM)
        if y == max(rows):
            paper.line(at_x, y + design.h + MARK_GAP_MM, at_x, y + design.h + MARK_GAP_MM + MARK_MM)
    for at_y in (y, y + design.h):
        if x == min(columns):
            paper.line(x - MARK_GAP_MM, at_y, x - MARK_GAP_MM - MARK_MM, at_y)
        if x == max(columns):
            paper.line(x + design.w + MARK_GAP_MM, at_y, x + design.w + MARK_GAP_MM + MARK_MM, at_y)
