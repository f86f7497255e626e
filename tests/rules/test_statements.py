"""The papers of a statement: a spreadsheet that is only data, a PDF with its letters inside, both of any length."""

import io
import re
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.statements import paper, sheet, words
from app.statements.content import Line, Statement, TierLine
from models.settlement import BatchState, Channel, PartyState

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
LINE = Line(
    id=1,
    order="A260302TEST0001",
    goods="真丝衬衫",
    sku="AP-1002-M",
    qty=1,
    role="ACQ_CLERK",
    role_name="拉新导购",
    kind="SHARE",
    kind_name="分成",
    earned_at=AT,
    base_fen=29900,
    pool_bp=500,
    amount_fen=449,
    evidence="扫码 2026-03-01 福田购物公园店",
    policy="DEFAULT",
    policy_version=3,
    bearer="E-HQ",
    reason="您于2026-03-01扫码带来的顾客在本单消费，拉新分成30%：基数¥299.00×5%×30% = ¥4.49",
)
TIER = TierLine("2026-03", 8_000_000, 9_440_000, 11_800, 11_000, 0, 480_000, 48_000, "2026-03完成目标的118%")
STATEMENT = Statement(
    number="S2026-04-1",
    month="2026-04",
    batch_state=BatchState.PAYING,
    party="clerk:C-SZFT-01",
    party_name="林晓雨",
    entity="E-HQ",
    entity_name="深圳澜序商贸有限公司",
    store="SZ-FT",
    state=PartyState.DUE,
    state_name="待支付",
    channel=Channel.TRANSFER,
    channel_name="微信转账",
    rows=1,
    gross_fen=449,
    adjusted_fen=0,
    tier_fen=48_000,
    carried_in_fen=-20,
    payable_fen=48_429,
    carried_out_fen=0,
    debt_left_fen=100,
    carried_cycles=0,
    paid_fen=0,
    returned_fen=0,
    tax_preview_fen=0,
    tiers=(TIER,),
    published_at=datetime(2026, 4, 9, 16, tzinfo=UTC),
    why=None,
    agrees=True,
)
FORMULAS = ('=HYPERLINK("http://x","y")', "+1+1", "-1", "@SUM(A1)", "\t=1", "http://x.example", "=1")


def pages(count: int, line: Line = LINE) -> Iterator[list[Line]]:
    """So many rows in pages of 500."""
    for start in range(0, count, 500):
        yield [replace(line, id=number) for number in range(start, min(count, start + 500))]


def parts_of(path: Path) -> dict[str, str]:
    """The XML of a spreadsheet by name."""
    with zipfile.ZipFile(path) as book:
        assert book.testzip() is None
        return {name: book.read(name).decode() for name in book.namelist() if name.endswith(".xml")}


@pytest.mark.parametrize("nasty", FORMULAS)
def test_set5_no_text_becomes_a_formula_or_a_link(tmp_path: Path, nasty: str) -> None:
    line = replace(LINE, goods=nasty, order=nasty, evidence=nasty, reason=nasty, policy=nasty, bearer=nasty)
    statement = replace(STATEMENT, party_name=nasty, entity_name=nasty)
    sheet.write(tmp_path / "s.xlsx", statement, lambda: pages(1, line), language="zh")
    found = parts_of(tmp_path / "s.xlsx")
    assert not any("<f>" in xml or "hyperlink" in xml for xml in found.values())
    assert not any("externalLink" in name for name in found)


def test_set5_the_spreadsheet_has_every_row_and_their_total(tmp_path: Path) -> None:
    sheet.write(tmp_path / "s.xlsx", STATEMENT, lambda: pages(1203), language="zh")
    rows = parts_of(tmp_path / "s.xlsx")["xl/worksheets/sheet2.xml"]
    assert rows.count("<v>4.49</v>") == 1203
    assert f"<v>{1203 * 449 / 100:g}</v>" in rows
    assert rows.count("A260302TEST0001") == 1203
    first = parts_of(tmp_path / "s.xlsx")["xl/worksheets/sheet1.xml"]
    for amount in ("480.", "484.29", "-0.2", "-1."):
        assert re.search(rf"<v>{re.escape(amount)}0*</v>", first), amount


def test_set5_a_long_spreadsheet_is_written_with_constant_memory(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        sheet.write(tmp_path / f"{count}.xlsx", STATEMENT, lambda: pages(count), language="en")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(500)
    short, long = peak(1_000), peak(8_000)
    assert long < short * 1.5 + 500_000


def test_set5_texts_that_no_cell_can_hold_are_cleaned() -> None:
    assert sheet.clean("a\x00b\x0bc\ud800d\uffff") == "abcd"
    assert len(sheet.clean("x" * 50_000)) == sheet.LONGEST_CELL


@pytest.mark.parametrize("language", ["zh", "en"])
def test_set5_the_pdf_has_its_font_inside_and_a_number_on_each_page(language: str) -> None:
    content = paper.write(replace(STATEMENT, rows=120), lambda: pages(120), language=language)
    assert content.startswith(b"%PDF-1.")
    assert b"/FontFile3" in content
    assert len(content) < 400_000, "only the letters that it uses"
    count = len(re.findall(rb"/Type\s*/Page\b", content))
    assert count >= 5
    assert b"{pages}" not in b"".join(_streams(content))


def test_set5_a_very_long_pdf_ends_and_says_where_the_rest_is() -> None:
    some = paper.write(
        replace(STATEMENT, rows=paper.MOST_ROWS), lambda: pages(paper.MOST_ROWS), language="en"
    )
    more = paper.write(replace(STATEMENT, rows=10**6), lambda: pages(paper.MOST_ROWS + 700), language="en")
    assert len(more) < len(some) * 1.1


def test_set5_odd_texts_do_not_break_the_pdf() -> None:
    odd = replace(LINE, goods="𠮷" * 300, reason="\n".join(FORMULAS) + "∑" * 500, evidence="\x07")
    assert paper.write(
        replace(STATEMENT, rows=1, party_name="\u202e\x00<b>"), lambda: pages(1, odd), language="zh"
    )
    assert paper.write(replace(STATEMENT, rows=0, tiers=()), lambda: pages(0), language="en")


def test_set5_the_words_of_a_tier() -> None:
    def say(multiplier_bp: int, language: str = "zh", earlier_fen: int = 0) -> str:
        return words.tier(
            month="2026-03",
            attainment_bp=11_800,
            multiplier_bp=multiplier_bp,
            rows_fen=480_000,
            earlier_fen=earlier_fen,
            language=language,
        )

    assert say(11_000) == "2026-03完成目标的118%，成交与服务分成¥4,800.00加10%"
    assert say(8_000) == "2026-03完成目标的118%，成交与服务分成¥4,800.00减20%"
    assert say(10_000, earlier_fen=5) == "2026-03完成目标的118%，不加不减（往期已计¥0.05）"
    assert say(12_000, "en") == "2026-03: 118% of the target, 20% more on ¥4,800.00"
    assert say(10_000, "en") == "2026-03: 118% of the target, no change"


def _streams(content: bytes) -> Iterator[bytes]:
    for match in re.finditer(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
        try:
            yield zlib.decompress(io.BytesIO(match[1]).read())
        except zlib.error:
            continue
