"""A statement as a PDF on A4: sums, tiers, rows, page numbers; the letters it uses of the bundled font inside."""

from collections.abc import Sequence

from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos

from app.base.clock import iso
from app.base.money import yuan
from app.posters.lettering import FONT_FILE
from app.statements import words
from app.statements.content import Line, Pages, Statement

# More rows than anybody reads on paper are in the spreadsheet only; the totals count them all.
MOST_ROWS = 600
LONGEST_TEXT = 400
_MARGIN_MM, _WIDTH_MM = 14.0, 182.0
_INK, _QUIET, _LINE, _BAND = (32, 36, 40), (110, 116, 122), (200, 205, 210), (242, 244, 246)
# Name of the label, width in mm, alignment. Together 182 mm.
_COLUMNS = (
    ("order", 36.0, "L"),
    ("role", 30.0, "L"),
    ("goods", 50.0, "L"),
    ("base", 24.0, "R"),
    ("rate", 16.0, "R"),
    ("amount", 26.0, "R"),
)
_ROW_MM, _WHY_MM = 5.2, 3.9


def write(statement: Statement, pages: Pages, *, language: str) -> bytes:
    """The statement as a PDF, at most ``MOST_ROWS`` rows of it."""
    paper = _Paper(statement, language)
    paper.head()
    paper.sums()
    paper.tiers()
    paper.lines(pages)
    return bytes(paper.output())


class _Paper(FPDF):
    """An A4 page with our head, foot and rows."""

    def __init__(self, statement: Statement, language: str) -> None:
        super().__init__(format="A4")
        self._statement, self._language = statement, language
        self._under_columns = False
        # Chinese breaks anywhere; fpdf2 knows spaces only.
        self._wrapping = WrapMode.CHAR if language == "zh" else WrapMode.WORD
        self.add_font("house", fname=str(FONT_FILE))
        self.set_margins(_MARGIN_MM, _MARGIN_MM)
        self.set_auto_page_break(True, margin=20)
        self.set_title(f"{self._pick(words.TITLE)} {statement.month} {statement.party}")
        self.set_lang("zh-CN" if language == "zh" else "en")
        self.set_creation_date(statement.published_at)
        self.alias_nb_pages("{pages}")
        self.add_page()

    def header(self) -> None:
        """On every page but the first: whose paper it is, and the columns where a table goes on."""
        if self.page_no() == 1:
            return
        self._set(8, _QUIET)
        s = self._statement
        self._cell(_WIDTH_MM, 5, f"{self._pick(words.TITLE)}  {s.month}  {_plain(s.party_name)}  {s.number}")
        self.ln(7)
        if self._under_columns:
            self._column_heads()

    def footer(self) -> None:
        """The page number."""
        self.set_y(-14)
        self._set(8, _QUIET)
        self._cell(_WIDTH_MM, 5, words.page(self.page_no(), "{pages}", self._language), align="C")

    def head(self) -> None:
        """Title and facts."""
        s = self._statement
        self._set(18)
        self._cell(_WIDTH_MM, 10, self._pick(words.TITLE))
        self.ln(12)
        facts = (
            ("party", f"{_plain(s.party_name)}（{s.party}）"),
            ("entity", f"{_plain(s.entity_name)}（{s.entity}）"),
            ("month", s.month),
            ("number", s.number),
            ("channel", s.channel_name),
            ("state", s.state_name),
            ("published", iso(s.published_at)[:16].replace("T", " ") if s.published_at else "—"),
        )
        for name, value in facts:
            self._set(9, _QUIET)
            self._cell(28, 5.6, self._label(name))
            self._set(9)
            self._cell(_WIDTH_MM - 28, 5.6, value, last=True)
        self.ln(3)

    def sums(self) -> None:
        """The sums, from shares to what is paid."""
        s = self._statement
        for name, fen in (
            ("gross", s.gross_fen),
            ("adjusted", s.adjusted_fen),
            ("tier", s.tier_fen),
            ("carried_in", s.carried_in_fen),
        ):
            self._sum(name, fen)
        self._rule()
        self._sum("payable", s.payable_fen, size=12)
        self._sum("carried_out", s.carried_out_fen)
        for name, fen in (("debt", -s.debt_left_fen), ("tax", s.tax_preview_fen)):
            if fen:
                self._sum(name, fen)
        self._set(8, _QUIET)
        agrees = self._label("agrees" if s.agrees else "differs")
        notes = [agrees, self._label("unit"), self._label("dispute")]
        self._cell(_WIDTH_MM, 6, ("。" if self._language == "zh" else ". ").join(notes), last=True)
        self.ln(3)

    def tiers(self) -> None:
        """The tiers in words."""
        if not self._statement.tiers:
            return
        self._heading("tiers")
        for tier in self._statement.tiers:
            self._set(9)
            y = self.get_y()
            self.multi_cell(
                _WIDTH_MM - 30,
                5,
                _plain(tier.words),
                new_x=XPos.LMARGIN,
                new_y=YPos.NEXT,
                wrapmode=self._wrapping,
            )
            bottom = self.get_y()
            self.set_xy(_MARGIN_MM + _WIDTH_MM - 30, y)
            self._cell(30, 5, yuan(tier.amount_fen), align="R")
            self.set_y(bottom)
            self._set(8, _QUIET)
            facts = (
                f"{self._label('target')} {yuan(tier.target_fen)}    {self._label('attained')}"
                f" {yuan(tier.attained_fen)}    {self._label('multiplier')} {words.rate(tier.multiplier_bp)}"
            )
            self._cell(_WIDTH_MM, 4.6, facts, last=True)
        self.ln(3)

    def lines(self, pages: Pages) -> None:
        """The rows with their reasons, and the total of all of them."""
        self._heading("lines")
        if not self._statement.rows:
            self._set(9, _QUIET)
            self._cell(_WIDTH_MM, 6, self._label("none"), last=True)
            return
        self._column_heads()
        self._under_columns = True
        written = 0
        for page in pages():
            for line in page[: MOST_ROWS - written]:
                self._line(line)
            written += len(page)
            if written >= MOST_ROWS:
                break
        self._under_columns = False
        if self._statement.rows > MOST_ROWS:
            self._set(8, _QUIET)
            more = f"{self._label('left_out')}（{self._statement.rows - MOST_ROWS}）"
            self._cell(_WIDTH_MM, 6, more, last=True)
        self._rule()
        self._set(10)
        self._cell(_WIDTH_MM - 40, 6, self._label("total"))
        total_fen = self._statement.gross_fen + self._statement.adjusted_fen
        self._cell(40, 6, yuan(total_fen), align="R", last=True)

    def _line(self, line: Line) -> None:
        why = _plain(" · ".join(part for part in (line.reason, line.evidence, line.policy_words) if part))
        self._set(7.4, _QUIET)
        reasons = self._broken(why)
        if self.will_page_break(_ROW_MM + _WHY_MM * len(reasons) + 1.5):
            self.add_page()
        self._set(8.4)
        role = line.role_name if line.amount_fen >= 0 else f"{line.role_name} {line.kind_name}"
        cells = (
            line.order,
            role,
            line.goods,
            yuan(line.base_fen),
            words.rate(line.pool_bp),
            yuan(line.amount_fen),
        )
        for (_, width, align), value in zip(_COLUMNS, cells, strict=True):
            self._cell(width, _ROW_MM, self._fitted(_plain(value), width), align=align)
        self.ln(_ROW_MM)
        self._set(7.4, _QUIET)
        for reason in reasons:
            self._cell(_WIDTH_MM, _WHY_MM, reason, last=True)
        self._rule()

    def _broken(self, text: str) -> list[str]:
        lines = self.multi_cell(
            _WIDTH_MM, _WHY_MM, text, dry_run=True, output="LINES", wrapmode=self._wrapping
        )
        assert isinstance(lines, list)
        return lines

    def _fitted(self, text: str, width: float) -> str:
        room = width - 2 * self.c_margin
        if self.get_string_width(text) <= room:
            return text
        while text and self.get_string_width(text + "…") > room:
            text = text[:-1]
        return text + "…"

    def _column_heads(self) -> None:
        self._set(8, _QUIET)
        self.set_fill_color(*_BAND)
        for name, width, align in _COLUMNS:
            self._cell(width, 6, self._label(name), align=align, fill=True)
        self.ln(6.5)

    def _heading(self, name: str) -> None:
        self._set(11)
        self._cell(_WIDTH_MM, 7, self._label(name), last=True)

    def _sum(self, name: str, fen: int, *, size: float = 10) -> None:
        self._set(size)
        self._cell(_WIDTH_MM - 50, 6.2, self._label(name))
        self._cell(50, 6.2, yuan(fen), align="R", last=True)

    def _rule(self) -> None:
        y = self.get_y() + 0.6
        self.set_draw_color(*_LINE)
        self.set_line_width(0.15)
        self.line(_MARGIN_MM, y, _MARGIN_MM + _WIDTH_MM, y)
        self.ln(1.2)

    def _set(self, size: float, ink: Sequence[int] = _INK) -> None:
        self.set_font("house", size=size)
        self.set_text_color(*ink)

    def _cell(
        self,
        width: float,
        height: float,
        text: str,
        *,
        align: str = "L",
        fill: bool = False,
        last: bool = False,
    ) -> None:
        new_x, new_y = (XPos.LMARGIN, YPos.NEXT) if last else (XPos.RIGHT, YPos.TOP)
        self.cell(width, height, text, align=align, fill=fill, new_x=new_x, new_y=new_y)

    def _label(self, name: str) -> str:
        return words.label(name, self._language)

    def _pick(self, pair: words.Pair) -> str:
        return words.pick(pair, self._language)


def _plain(text: str) -> str:
    return "".join(c if c >= " " else " " for c in text[:LONGEST_TEXT])
