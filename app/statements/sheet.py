"""A statement as a spreadsheet (XLSX), written row by row with the memory of one page of rows.

Every text is written as a text, never as a formula: a goods name or a code that begins with ``=`` stays what
it is. Amounts are numbers in yuan with two decimals.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from app.base.clock import SHANGHAI, iso
from app.statements import words
from app.statements.content import Line, Pages, Statement

# Excel holds 1,048,576 rows in a sheet; the next million goes into a sheet of its own.
ROWS_A_SHEET = 1_000_000
LONGEST_CELL = 32_000
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd hh:mm",
    "remove_timezone": True,
}
# Name of the label, width in characters.
_COLUMNS = (
    ("order", 18),
    ("earned", 17),
    ("kind", 10),
    ("role", 12),
    ("goods", 24),
    ("sku", 14),
    ("qty", 7),
    ("base", 12),
    ("rate", 10),
    ("amount", 12),
    ("policy", 14),
    ("bearer", 10),
    ("evidence", 26),
    ("reason", 80),
)


def write(path: Path, statement: Statement, pages: Pages, *, language: str) -> None:
    """Write the statement to a file: sheet one the sums and tiers, the others its rows with their total.

    Memory does not grow with the rows; the temporary files of the writer lie beside ``path``.
    """
    book = xlsxwriter.Workbook(str(path), {**_OPTIONS, "tmpdir": str(path.parent)})
    try:
        _Book(book, language).fill(statement, pages)
    finally:
        book.close()


class _Book:
    """One workbook with its formats."""

    def __init__(self, book: xlsxwriter.Workbook, language: str) -> None:
        self._book, self._language = book, language
        self._title = book.add_format({"bold": True, "font_size": 14})
        self._head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#EEF1F4"})
        self._bold = book.add_format({"bold": True})
        self._money = book.add_format({"num_format": "#,##0.00;[Red]-#,##0.00"})
        self._total = book.add_format({"num_format": "#,##0.00;[Red]-#,##0.00", "bold": True, "top": 1})
        self._rate = book.add_format({"num_format": "0.00%"})
        self._day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})

    def fill(self, statement: Statement, pages: Pages) -> None:
        """All sheets."""
        self._summary(statement)
        sheet, row, total_fen = self._lines_sheet(1), 1, 0
        for page in pages():
            for line in page:
                if row > ROWS_A_SHEET:
                    sheet, row = self._lines_sheet(len(self._book.worksheets())), 1
                self._line(sheet, row, line)
                row, total_fen = row + 1, total_fen + line.amount_fen
        at = [name for name, _ in _COLUMNS].index("amount")
        sheet.write_string(row, 0, self._label("total"), self._bold)
        sheet.write_number(row, at, yuan(total_fen), self._total)

    def _label(self, name: str) -> str:
        return words.label(name, self._language)

    def _summary(self, statement: Statement) -> None:
        sheet = self._book.add_worksheet(words.pick(words.TITLE, self._language)[:31])
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 7, 20)
        sheet.write_string(0, 0, words.pick(words.TITLE, self._language), self._title)
        row = 1
        for name, value in _facts(statement):
            sheet.write_string(row, 0, self._label(name))
            sheet.write_string(row, 1, clean(value))
            row += 1
        for name, fen in _sums(statement):
            bold = name in ("payable", "carried_out")
            sheet.write_string(row, 0, self._label(name), self._bold if bold else None)
            sheet.write_number(row, 1, yuan(fen), self._total if bold else self._money)
            row += 1
        sheet.write_string(row, 0, self._label("agrees" if statement.agrees else "differs"))
        sheet.write_string(row + 1, 0, self._label("unit"))
        self._tiers(sheet, statement, row + 3)

    def _tiers(self, sheet: Worksheet, statement: Statement, row: int) -> None:
        if not statement.tiers:
            return
        names = ("month", "target", "attained", "multiplier", "rows_fen", "amount", "reason")
        for column, name in enumerate(names):
            sheet.write_string(row, column, self._label(name), self._head)
        for tier in statement.tiers:
            row += 1
            sheet.write_string(row, 0, tier.month)
            for column, fen in ((1, tier.target_fen), (2, tier.attained_fen), (4, tier.rows_fen)):
                sheet.write_number(row, column, yuan(fen), self._money)
            sheet.write_number(row, 3, share(tier.multiplier_bp), self._rate)
            sheet.write_number(row, 5, yuan(tier.amount_fen), self._money)
            sheet.write_string(row, 6, clean(tier.words))

    def _lines_sheet(self, number: int) -> Worksheet:
        sheet = self._book.add_worksheet(f"{self._label('lines')} {number}")
        for column, (name, width) in enumerate(_COLUMNS):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, self._label(name), self._head)
        sheet.freeze_panes(1, 1)
        return sheet

    def _line(self, sheet: Worksheet, row: int, line: Line) -> None:
        sheet.write_string(row, 0, clean(line.order))
        sheet.write_datetime(row, 1, line.earned_at.astimezone(SHANGHAI).replace(tzinfo=None), self._day)
        for column, value in ((2, line.kind_name), (3, line.role_name), (4, line.goods), (5, line.sku)):
            sheet.write_string(row, column, clean(value))
        sheet.write_number(row, 6, line.qty)
        sheet.write_number(row, 7, yuan(line.base_fen), self._money)
        sheet.write_number(row, 8, share(line.pool_bp), self._rate)
        sheet.write_number(row, 9, yuan(line.amount_fen), self._money)
        for column, value in (
            (10, line.policy_words),
            (11, line.bearer),
            (12, line.evidence),
            (13, line.reason),
        ):
            sheet.write_string(row, column, clean(value))


def yuan(amount_fen: int) -> Any:
    """Fen as exact yuan."""
    return Decimal(amount_fen).scaleb(-2)


def share(rate_bp: int) -> Any:
    """Basis points as an exact fraction of one."""
    return Decimal(rate_bp).scaleb(-4)


def clean(value: str) -> str:
    """A text as a cell holds it: nothing that XML or Excel cannot hold, not too long."""
    kept = "".join(c for c in value[:LONGEST_CELL] if c >= " " and not "\ud800" <= c <= "\udfff")
    return kept.replace("\ufffe", "").replace("\uffff", "")


def _facts(statement: Statement) -> list[tuple[str, str]]:
    return [
        ("number", statement.number),
        ("month", statement.month),
        ("party", f"{statement.party_name} ({statement.party})"),
        ("entity", f"{statement.entity_name} ({statement.entity})"),
        ("channel", statement.channel_name),
        ("state", statement.state_name),
        ("published", iso(statement.published_at) if statement.published_at else "—"),
    ]


def _sums(statement: Statement) -> list[tuple[str, int]]:
    sums = [
        ("gross", statement.gross_fen),
        ("adjusted", statement.adjusted_fen),
        ("tier", statement.tier_fen),
        ("carried_in", statement.carried_in_fen),
        ("payable", statement.payable_fen),
        ("carried_out", statement.carried_out_fen),
    ]
    more = [("debt", -statement.debt_left_fen), ("tax", statement.tax_preview_fen)]
    return sums + [(name, fen) for name, fen in more if fen]
