"""What is printed: right sizes, codes that are the codes, letters inside their trim, one font inside the file."""

import io
import re
import zlib
from datetime import UTC, datetime

import pytest
from PIL import Image

from app.posters.designs import Facts, Material, draw
from app.posters.picturing import png
from app.posters.printing import MARGIN_MM, POINTS_PER_MM, Sheet, pdf, per_page
from app.posters.qr import modules, qr_png
from app.posters.shapes import BLEED_MM, Box, Line, Modules, Picture

URL = "http://weixin.qq.com/q/02dXuKkHh8eB510000M07h"
AT = datetime(2026, 3, 1, tzinfo=UTC)
FACTS = {
    "brand": "澜序 LANXU",
    "slogan": "把好日子穿在身上",
    "name": "林晓雨",
    "store": "澜序·福田购物公园店",
    "title": "专属导购",
}
SIZES = {Material.POSTER: (210, 297), Material.SHELF_CARD: (105, 148), Material.BADGE: (86, 54)}
EVERY = pytest.mark.parametrize("material", list(Material))


def facts(**given: object) -> Facts:
    return Facts(**(FACTS | {"url": URL} | given))


def dark_modules(picture: Image.Image, box: tuple[int, int, int, int], count: int) -> list[list[bool]]:
    """Read a code back: the middle of each of count x count modules within a box."""
    grey, width = picture.tobytes(), picture.width
    step = (box[2] - box[0]) / count
    at = [(number + 0.5) * step for number in range(count)]
    return [[grey[int(box[1] + y) * width + int(box[0] + x)] < 128 for x in at] for y in at]


def streams(made: bytes) -> list[bytes]:
    """The streams of a PDF, unpacked."""
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL)
    unpacked = []
    for one in found:
        try:
            unpacked.append(zlib.decompress(one))
        except zlib.error:
            unpacked.append(one)
    return unpacked


def pages(made: bytes) -> list[tuple[float, float]]:
    """Width and height of every page, in points; all are of one size, said once."""
    ((w, h),) = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", made)
    (count,) = re.findall(rb"/Count (\d+)", made)
    return [(float(w), float(h))] * int(count)


@EVERY
def test_a_picture_has_the_trims_size_at_300_dots_per_inch(material: Material) -> None:
    picture = Image.open(io.BytesIO(png(draw(material, facts()))))
    w, h = SIZES[material]
    assert picture.size == (round(w / 25.4 * 300), round(h / 25.4 * 300))
    assert [round(dots) for dots in picture.info["dpi"]] == [300, 300]


@EVERY
def test_the_code_of_a_picture_is_the_code(material: Material) -> None:
    design = draw(material, facts())
    (code,) = [shape for shape in design.shapes if isinstance(shape, Modules)]
    wanted = modules(URL)
    grey = Image.open(io.BytesIO(png(design))).convert("L")
    dots = 300 / 25.4
    left, top = round(code.x * dots), round(code.y * dots)
    inside = grey.crop((left, top, left + round(code.size * dots), top + round(code.size * dots)))
    dark = inside.point(lambda value: 255 if value < 128 else 0).getbbox()
    assert dark is not None
    left, top, right, bottom = dark
    read = dark_modules(inside, (left, top, right, bottom), len(wanted))
    assert read == wanted
    assert bottom - top == right - left


@EVERY
def test_the_code_of_a_pdf_is_the_code_as_vectors(material: Material) -> None:
    design = draw(material, facts())
    (code,) = [shape for shape in design.shapes if isinstance(shape, Modules)]
    made = pdf([design], sheet=Sheet.SINGLE, made_at=AT)
    ((_, height),) = pages(made)
    content = next(one for one in streams(made) if b" re" in one and b"BT" in one)
    step = code.size / len(code.rows) * POINTS_PER_MM
    x0, y0 = (MARGIN_MM + code.x) * POINTS_PER_MM, height - (MARGIN_MM + code.y) * POINTS_PER_MM
    read = [[False] * len(code.rows) for _ in code.rows]
    number = rb"(-?[\d.]+)"
    for x, y, w, h in re.findall(
        number + rb" " + number + rb" " + number + rb" " + number + rb" re", content
    ):
        left, top, wide, high = (float(one) for one in (x, y, w, h))
        if abs(abs(high) - step) > 0.1:
            continue
        row = round((y0 - top) / step) if high < 0 else round((y0 - top - high) / step)
        first, count = round((left - x0) / step), round(wide / step)
        for column in range(first, first + count):
            read[row][column] = True
    assert read == modules(URL)
    assert b"/Subtype /Image" not in made


@EVERY
def test_around_a_code_is_white_for_four_modules(material: Material) -> None:
    design = draw(material, facts())
    (code,) = [shape for shape in design.shapes if isinstance(shape, Modules)]
    card = next(
        shape
        for shape in design.shapes
        if isinstance(shape, Box) and shape.ink == (255, 255, 255) and shape.x < code.x
    )
    quiet = 4 * code.size / len(code.rows)
    # A badge's card is small: three modules at least, and paper almost as light beyond them.
    least = quiet * (0.75 if material is Material.BADGE else 1.0)
    assert min(code.x - card.x, code.y - card.y) >= least - 0.05


def test_the_font_is_inside_cut_down_and_of_the_kind_that_pdf_allows() -> None:
    made = pdf([draw(Material.BADGE, facts())], sheet=Sheet.SINGLE, made_at=AT)
    assert b"/FontFile3" in made
    assert b"/CIDFontType0C" in made
    assert b"/FontFile2" not in made
    assert len(made) < 40_000


def test_the_same_at_the_same_moment_gives_the_same_bytes() -> None:
    design = draw(Material.BADGE, facts())
    assert pdf([design], sheet=Sheet.A4, made_at=AT) == pdf([design], sheet=Sheet.A4, made_at=AT)
    assert png(design) == png(draw(Material.BADGE, facts()))


@EVERY
def test_a_single_page_has_room_for_bleed_and_marks(material: Material) -> None:
    made = pdf([draw(material, facts())] * 2, sheet=Sheet.SINGLE, made_at=AT)
    w, h = SIZES[material]
    wanted = ((w + 2 * MARGIN_MM) * POINTS_PER_MM, (h + 2 * MARGIN_MM) * POINTS_PER_MM)
    assert len(pages(made)) == 2
    assert pages(made)[0] == pytest.approx(wanted, abs=0.02)


def test_sheets_hold_as_many_as_fit() -> None:
    badge, card = draw(Material.BADGE, facts()), draw(Material.SHELF_CARD, facts())
    assert (per_page(badge, Sheet.A4), per_page(card, Sheet.A4)) == (9, 2)
    assert len(pages(pdf([badge] * 10, sheet=Sheet.A4, made_at=AT))) == 2
    assert pages(pdf([card], sheet=Sheet.A4, made_at=AT))[0] == pytest.approx((841.89, 595.28), abs=0.02)
    with pytest.raises(ValueError, match=r"^too large for the sheet$"):
        pdf([draw(Material.POSTER, facts())], sheet=Sheet.A4, made_at=AT)
    with pytest.raises(ValueError, match=r"^nothing to print$"):
        pdf([], sheet=Sheet.A4, made_at=AT)


@EVERY
def test_nothing_reaches_beyond_the_bleed(material: Material) -> None:
    long = "很长" * 200
    design = draw(material, facts(brand=long, slogan=long, name=long, store=long, title=long, note=long))
    for shape in design.shapes:
        if isinstance(shape, Line):
            assert 0 < shape.y < design.h
            assert 0 < shape.x < design.w
        else:
            w, h = (shape.w, shape.h) if isinstance(shape, Box) else (shape.size, shape.size)
            assert min(shape.x, shape.y) >= -BLEED_MM
            assert shape.x + w <= design.w + BLEED_MM + 0.001
            assert shape.y + h <= design.h + BLEED_MM + 0.001


@EVERY
@pytest.mark.parametrize(
    "text", ["", "\x00\n", "<svg>${7*7}", "👨‍👩‍👧", "\u202egnp.exe", "W" * 5000, "(\\)) Tj ET"]
)
def test_any_text_can_be_printed(material: Material, text: str) -> None:
    design = draw(material, facts(brand=text, slogan=text, name=text, store=text, title=text, note=text))
    assert pdf([design], sheet=Sheet.SINGLE, made_at=AT).startswith(b"%PDF-")
    assert png(design).startswith(b"\x89PNG")


@EVERY
def test_wechats_picture_is_never_printed_below_300_dots_per_inch(material: Material) -> None:
    for size_px in (280, 430, 1280):
        design = draw(material, facts(url=None, image=qr_png(URL, size_px=size_px)))
        (picture,) = [shape for shape in design.shapes if isinstance(shape, Picture)]
        assert picture.size <= size_px * 25.4 / 300 + 0.001
        assert pdf([design], sheet=Sheet.SINGLE, made_at=AT).count(b"/Subtype /Image") == 1


@pytest.mark.parametrize(
    "given",
    [
        {"url": None},
        {"url": URL, "image": b"x"},
        {"url": None, "image": b"not a picture"},
        {"url": None, "image": b"\x89PNG\r\n\x1a\n" + bytes(40)},
        {"url": ""},
        {"url": "x" * 3000},
    ],
)
def test_what_is_no_code_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        draw(Material.BADGE, facts(**given))


def test_no_word_rewards_following() -> None:
    for material in Material:
        words = "".join(s.words for s in draw(material, facts()).shapes if isinstance(s, Line))
        assert not any(word in words for word in ["奖", "送", "券", "返", "领", "红包"])
