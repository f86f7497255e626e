"""Whatever bytes and cells a brand's files hold: problems come out, never an exception."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts import brand_files
from scripts.brand_files import read_brand
from scripts.brand_tables import Shape, Sheet, parse
from tests.brands import LANXU, copy_lanxu

FILES = sorted(path.name for path in LANXU.iterdir())


@pytest.fixture
def brand_dir(tmp_path: Path) -> Path:
    return copy_lanxu(tmp_path)


def sentences(directory: Path) -> list[str]:
    reading = read_brand(directory)
    assert (reading.brand is None) == bool(reading.problems)
    return [str(problem) for problem in reading.problems]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(FILES), content=st.binary(max_size=400))
def test_any_bytes_give_problems_and_never_an_exception(brand_dir: Path, file: str, content: bytes) -> None:
    before = (brand_dir / file).read_bytes()
    try:
        (brand_dir / file).write_bytes(content)
        assert sentences(brand_dir)
        (brand_dir / file).write_bytes(before.split(b"\n", 1)[0] + b"\n" + content)
        sentences(brand_dir)
    finally:
        (brand_dir / file).write_bytes(before)


SHAPES: list[Shape[object]] = [shape for shape in vars(brand_files).values() if isinstance(shape, Shape)]
CELL_TEXT = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["1", "2026-01-01", "OPEN", "A-1"]
)


@settings(max_examples=150, deadline=None)
@given(shape=st.sampled_from(SHAPES), data=st.data())
def test_any_cells_give_a_row_or_a_reason_with_the_line(shape: Shape[object], data: st.DataObject) -> None:
    cells = data.draw(st.lists(CELL_TEXT, min_size=len(shape.cells), max_size=len(shape.cells)))
    row = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    sheet: Sheet[object] = Sheet(shape.file)
    parse(",".join(shape.cells) + "\n" + row, shape, sheet)
    blank = not any(cell.strip() for cell in cells)
    assert blank or len(list(sheet.rows())) == 1 or sheet.problems
    assert all(problem.line == 2 for problem in sheet.problems)
