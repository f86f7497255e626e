"""The poster of a clerk: right size, a code that can still be read, and texts that never break out."""

import io
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.posters.lettering import fit, mask, plain
from app.posters.poster import CALL, CODE_PX, HEIGHT_PX, TEXT_PX, WIDTH_PX, draw
from app.posters.qr import QUIET_MODULES, modules, qr_png

URL = "http://weixin.qq.com/q/02dXuKkHh8eB510000M07h"
FACTS = {
    "brand": "澜序 LANXU",
    "clerk_name": "林晓雨",
    "store_name": "澜序·福田购物公园店",
    "slogan": "把好日子穿在身上",
}
SIDE_PX = (WIDTH_PX - TEXT_PX) // 2


@pytest.fixture(scope="module")
def code() -> bytes:
    return qr_png(URL, size_px=430)


def opened(png: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(png))
    picture.load()
    return picture


def dark_modules(
    picture: Image.Image, box: tuple[float, float, float, float], count: int
) -> list[list[bool]]:
    """Read a code back: the middle of each of count x count modules within a box."""
    grey, width = picture.convert("L").tobytes(), picture.width
    step = (box[2] - box[0]) / count
    at = [(number + 0.5) * step for number in range(count)]
    return [[grey[int(box[1] + y) * width + int(box[0] + x)] < 128 for x in at] for y in at]


def test_a_code_is_the_code_of_its_payload(code: bytes) -> None:
    wanted = modules(URL)
    picture = opened(code)
    assert (picture.size, picture.mode, len(code) < 1500) == ((430, 430), "1", True)
    scale = 430 // (len(wanted) + 2 * QUIET_MODULES)
    edge = (430 - scale * len(wanted)) // 2
    box = (edge, edge, edge + scale * len(wanted), edge + scale * len(wanted))
    assert edge >= scale * QUIET_MODULES
    assert dark_modules(picture, box, len(wanted)) == wanted


def test_the_same_payload_gives_the_same_bytes(code: bytes) -> None:
    assert qr_png(URL, size_px=430) == code
    assert qr_png(URL + "x", size_px=430) != code


@pytest.mark.parametrize(
    ("payload", "size_px", "reason"),
    [
        ("", 430, "a code needs a payload"),
        ("x" * 3000, 4000, "the payload is too long for a code"),
        (URL, 30, "a code of 33 modules does not fit into 30 pixels"),
        (URL, 5000, "a code of 33 modules does not fit into 5000 pixels"),
    ],
)
def test_a_code_that_cannot_be_is_refused(payload: str, size_px: int, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        qr_png(payload, size_px=size_px)


def test_a_poster_is_a_small_printable_png(code: bytes) -> None:
    png = draw(**FACTS, code_image=code)
    picture = opened(png)
    assert (picture.format, picture.size, picture.mode) == ("PNG", (1200, 1800), "P")
    assert [round(dots) for dots in picture.info["dpi"]] == [300, 300]
    assert len(png) < 100_000
    assert draw(**FACTS, code_image=code) == png


@pytest.mark.parametrize("size_px", [60, 200, 430, CODE_PX, 1280])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "green", "clear"])
def test_the_code_on_a_poster_can_be_read_again(size_px: int, kind: str) -> None:
    wanted = modules(URL)
    picture = opened(qr_png(URL, size_px=size_px)).convert("L")
    coloured = Image.new("RGBA", picture.size, (255, 255, 255, 0 if kind == "clear" else 255))
    coloured.paste(
        (9, 105, 60, 255) if kind == "green" else (0, 0, 0, 255), mask=picture.point(lambda v: 255 - v)
    )
    out = io.BytesIO()
    if kind == "JPEG":
        coloured.convert("RGB").save(out, "JPEG", quality=75)
    else:
        coloured.save(out, "PNG")
    poster = opened(draw(**FACTS, code_image=out.getvalue()))
    inside = poster.convert("L").crop((330, 540, 870, 1080))
    left, top, right, bottom = inside.point(lambda v: 255 if v < 128 else 0).getbbox() or (0, 0, 0, 0)
    assert abs((right - left) - (bottom - top)) <= 2
    assert CODE_PX - 6 <= right - left <= CODE_PX
    assert dark_modules(inside, (left, top, right, bottom), len(wanted)) == wanted


@pytest.mark.parametrize(
    "code_image",
    [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + bytes(40), b"GIF89a" + bytes(40)],
)
def test_what_is_no_picture_is_refused(code_image: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the code is not a PNG or JPEG picture$"):
        draw(**FACTS, code_image=code_image)


def test_a_cut_off_picture_is_refused(code: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the code is not a PNG or JPEG picture$"):
        draw(**FACTS, code_image=code[: len(code) // 2])


def test_a_picture_that_unpacks_to_a_flood_is_refused() -> None:
    out = io.BytesIO()
    Image.new("1", (9000, 9000)).save(out, "PNG")
    with pytest.raises(ValueError, match=r"^a code of 9000 x 9000 pixels is too large$"):
        draw(**FACTS, code_image=out.getvalue())


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "澜",
        "欧阳·阿卜杜热西提·买买提明",
        "玥喆昇堃㛃䶮𬭊",
        "W" * 5000,
        "澜" * 100_000,
        "word " * 200,
        "\x00\n\r\t\x1b[31m",
        "\u202egnp.exe\u200b\u2066",
        "e\u0301" * 300,
        "👨\u200d👩\u200d👧\ufe0f 😀",
        "<svg onload=alert(1)>${7*7}{{7*7}}'; drop table clerk; --",
        "…" * 90,
    ],
)
def test_no_text_leaves_its_room(code: bytes, text: str) -> None:
    poster = opened(draw(brand=text, clerk_name=text, store_name=text, slogan=text, code_image=code)).convert(
        "L"
    )
    empty = opened(draw(brand="", clerk_name="", store_name="", slogan="", code_image=code)).convert("L")
    for box in (
        (0, 0, SIDE_PX - 4, HEIGHT_PX),
        (WIDTH_PX - SIDE_PX + 4, 0, WIDTH_PX, HEIGHT_PX),
        (0, 0, WIDTH_PX, 110),
        (290, 450, 910, 1130),
        (0, 1480, WIDTH_PX, HEIGHT_PX),
    ):
        assert poster.crop(box).tobytes() == empty.crop(box).tobytes(), box


def test_each_text_is_really_drawn(code: bytes) -> None:
    whole = draw(**FACTS, code_image=code)
    assert all(draw(**(FACTS | {one: ""}), code_image=code) != whole for one in FACTS)
    assert draw(**(FACTS | {"clerk_name": "陈嘉豪"}), code_image=code) != whole


def test_the_poster_promises_service_and_no_reward() -> None:
    assert CALL == "扫码关注 · 专属导购为您服务"
    assert not any(word in CALL for word in ["奖", "送", "券", "返", "领", "红包"])


@pytest.mark.parametrize(
    "name", ["林晓雨", "玥喆昇堃", "祎翀赟骉", "亓郗郄逄", "㛃䶮𬭊鿍", "陳嘉豪", "O'Neil-Müller"]
)
def test_names_have_their_letters(name: str) -> None:
    missing = mask("\U0010ffff", 56).tobytes()
    assert [letter for letter in name if mask(letter, 56).tobytes() == missing] == []


def test_a_letter_that_the_font_lacks_is_a_box() -> None:
    box = mask("😀", 56)
    assert box.getbbox() is not None
    assert box.tobytes() == mask("\U0010ffff", 56).tobytes()


def test_texts_shrink_then_wrap_then_end_in_dots() -> None:
    sizes = range(44, 27, -2)
    short = fit("澜序·罗湖店", widest_px=960, sizes_px=sizes, lines=2)
    assert (short.lines, short.size_px) == (("澜序·罗湖店",), 44)
    words = fit("Flagship store at the waterfront of Shenzhen Bay", widest_px=480, sizes_px=sizes, lines=2)
    assert (words.lines, words.size_px) == (("Flagship store at the", "waterfront of Shenzhen Bay"), 36)
    long = fit("很长" * 60, widest_px=960, sizes_px=sizes, lines=2)
    assert (len(long.lines), long.size_px, long.lines[1][-1]) == (2, 28, "…")


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=200), lines=st.integers(1, 3), widest_px=st.integers(100, 960))
def test_any_text_fits_where_it_is_told_to(text: str, lines: int, widest_px: int) -> None:
    set_ = fit(text, widest_px=widest_px, sizes_px=range(60, 23, -6), lines=lines, tracking=0.1)
    assert 1 <= len(set_.lines) <= lines
    assert all(mask(line, set_.size_px, set_.tracking_px).width <= widest_px + 2 for line in set_.lines)
    assert plain(plain(text)) == plain(text)


def test_posters_of_many_threads_are_the_posters_of_one(code: bytes) -> None:
    alone = draw(**FACTS, code_image=code)
    made: list[bytes] = []

    def work() -> None:
        made.extend(draw(**FACTS, code_image=code) for _ in range(3))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [alone] * 12


def test_the_font_comes_with_its_licence() -> None:
    fonts = Path(__file__).parents[2] / "app" / "posters" / "fonts"
    assert "SIL OPEN FONT LICENSE Version 1.1" in (fonts / "OFL.txt").read_text("utf-8")
    assert (fonts / "NotoSansSC-Lianke.otf").stat().st_size < 5_300_000
