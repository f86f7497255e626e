"""One file of a brand: bytes in, rows and problems out. Pure but for the reading of the file itself."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from scripts.brand_cells import BadCell, Cell, shown

MOST_BYTES = 20 * 1024 * 1024
MOST_PROBLEMS = 1000

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class BadRow:
    """One problem. ``line`` counts from 1 with the header; 0 = the whole file. ``field`` may be empty."""

    file: str
    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file} line {self.line}" if self.line else self.file
        return f"{place}: {self.field} {self.reason}" if self.field else f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Shape(Generic[Row]):
    """What a file must look like: its columns, each with the reader of its cells, and the row they make."""

    file: str
    cells: Mapping[str, Cell]
    make: Callable[..., Row]


@dataclass(frozen=True, slots=True)
class Line(Generic[Row]):
    """One record: where it began, the cells that could be read, and the row when all of them could."""

    number: int
    values: Mapping[str, Any]
    row: Row | None


@dataclass(slots=True)
class Sheet(Generic[Row]):
    """A file as read. ``usable`` is False when its rows are unknown: then nothing can be said about them."""

    file: str
    usable: bool = False
    lines: list[Line[Row]] = field(default_factory=list)
    problems: list[BadRow] = field(default_factory=list)

    def rows(self) -> Iterator[tuple[int, Row]]:
        """The complete rows, each with its line number."""
        return ((line.number, line.row) for line in self.lines if line.row is not None)

    def tell(self, line: int, column: str, reason: str) -> None:
        """Note one more problem of this file; from ``MOST_PROBLEMS`` on only that there are more."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(BadRow(self.file, line, column, reason))
        elif len(self.problems) == MOST_PROBLEMS:
            more = f"has more problems than these {MOST_PROBLEMS}; mend them and try again"
            self.problems.append(BadRow(self.file, line, "", more))


def read_sheet(directory: Path, shape: Shape[Row]) -> Sheet[Row]:
    """Read one file of the directory. Never raises on its content: whatever is wrong becomes a problem."""
    sheet: Sheet[Row] = Sheet(shape.file)
    content = _content(directory / shape.file, sheet)
    if content is not None:
        parse(content, shape, sheet)
    return sheet


def parse(content: str, shape: Shape[Row], sheet: Sheet[Row]) -> None:
    """Fill ``sheet`` from CSV text with a header line. Stops when there are more than ``MOST_PROBLEMS``."""
    records = _records(content, sheet)
    number, header = next(records, (1, []))
    if sheet.problems or not _header_fits(number, header, shape, sheet):
        return
    sheet.usable = True
    for number, record in records:
        if len(sheet.problems) > MOST_PROBLEMS:
            sheet.usable = False
            return
        if len(record) != len(header):
            sheet.tell(number, "", f"has {_cells(len(record))}, but the header has {len(header)}")
            continue
        sheet.lines.append(_line(number, dict(zip(header, record, strict=True)), shape, sheet))


def _content(path: Path, sheet: Sheet[Row]) -> str | None:
    try:
        if not path.is_file():
            sheet.tell(0, "", "is missing" if not path.exists() else "is not a file")
            return None
        with path.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        sheet.tell(0, "", f"cannot be read ({getattr(error, 'strerror', None) or error})")
        return None
    if len(raw) > MOST_BYTES:
        sheet.tell(0, "", f"is larger than {MOST_BYTES // 1024 // 1024} MB; split it and import in parts")
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        sheet.tell(line, "", "is not UTF-8; save the file as 'CSV UTF-8'")
        return None


def _records(content: str, sheet: Sheet[Row]) -> Iterator[tuple[int, list[str]]]:
    """Records with the line on which each begins; blank lines are passed over."""
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    while True:
        began = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            sheet.usable = False
            sheet.tell(began, "", f"is not CSV from here on ({error})")
            return
        if record is None:
            return
        cells = [cell.strip() for cell in record]
        if any(cells):
            yield began, cells


def _header_fits(number: int, header: list[str], shape: Shape[Row], sheet: Sheet[Row]) -> bool:
    if not header:
        sheet.tell(0, "", f"is empty; its first line must be {','.join(shape.cells)}")
        return False
    for column in dict.fromkeys(header):
        if column not in shape.cells:
            sheet.tell(number, "", f"unknown column {shown(column)}; known are {', '.join(shape.cells)}")
        elif header.count(column) > 1:
            sheet.tell(number, "", f"column {shown(column)} is there twice")
    for column in shape.cells:
        if column not in header:
            sheet.tell(number, "", f"the column {column} is missing")
    return not sheet.problems


def _line(number: int, record: dict[str, str], shape: Shape[Row], sheet: Sheet[Row]) -> Line[Row]:
    values: dict[str, Any] = {}
    for column, cell in shape.cells.items():
        try:
            values[column] = cell(record[column])
        except BadCell as bad:
            sheet.tell(number, column, str(bad))
    complete = len(values) == len(shape.cells)
    return Line(number, values, shape.make(**values) if complete else None)


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
