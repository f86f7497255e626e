"""Reading a brand's files: one exact sentence for every mistake."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.brand_files import read_brand
from scripts.brand_tables import MOST_BYTES, MOST_PROBLEMS, BadRow
from tests.brands import LANXU, copy_lanxu

Edit = Callable[[str, str, str], list[str]]


@pytest.fixture
def brand_dir(tmp_path: Path) -> Path:
    return copy_lanxu(tmp_path)


@pytest.fixture
def after(brand_dir: Path) -> Edit:
    """Replace a piece of one file, once, and answer the sentences that reading then gives."""

    def edit(file: str, old: str, new: str) -> list[str]:
        path = brand_dir / file
        content = path.read_text("utf-8")
        assert content.count(old) >= 1, f"{old!r} is not in {file}"
        path.write_text(content.replace(old, new, 1), "utf-8", newline="")
        return sentences(brand_dir)

    return edit


def sentences(directory: Path) -> list[str]:
    reading = read_brand(directory)
    assert (reading.brand is None) == bool(reading.problems)
    return [str(problem) for problem in reading.problems]


OPERATOR_CELLS = [
    (
        "operators.csv",
        "O-FIN,",
        "O FIN,",
        "line 3: code must be 1 to 32 letters, digits, '-' or '_', got 'O FIN'",
    ),
    (
        "operators.csv",
        "O-FIN,",
        "O-OWNER,",
        "line 3: code must be unique, but 'O-OWNER' is already in line 2",
    ),
    (
        "operators.csv",
        "FINANCE,,",
        "KING,,",
        "line 3: role must be one of OWNER, FINANCE, MARKETING, SERVICE, STORE_MANAGER, FRANCHISEE, got 'KING'",
    ),
    ("operators.csv", ",,SZ-FT", ",,SZ-XX", "line 4: store must be a code of stores.csv, got 'SZ-XX'"),
    ("operators.csv", "E-WF1,", "E-XX,", "line 5: entity must be a code of entities.csv, got 'E-XX'"),
    (
        "operators.csv",
        ",,SZ-FT",
        ",,",
        "line 4: store does not fit STORE_MANAGER: a store manager has exactly one store, nobody else has one",
    ),
    (
        "operators.csv",
        "FINANCE,,",
        "FINANCE,E-WF1,",
        "line 3: entity does not fit FINANCE: a franchisee has exactly one legal entity, nobody else has one",
    ),
]
CELLS = [
    *OPERATOR_CELLS,
    ("stores.csv", "22.5172,", "96.1,", "line 3: lat must be between -90 and 90, got '96.1'"),
    ("stores.csv", "22.5172,", "nan,", "line 3: lat must be degrees such as 22.5336, got 'nan'"),
    ("stores.csv", "22.5172,", "1e1,", "line 3: lat must be degrees such as 22.5336, got '1e1'"),
    ("stores.csv", "22.5172,", ",", "line 3: lat and lng must be given together or both be blank"),
    (
        "stores.csv",
        "10:00,22:00",
        "22:00,10:00",
        "line 2: opens must be before closes, unless the store closes by 06:00 of the next day, "
        "got '22:00' and '10:00'",
    ),
    (
        "stores.csv",
        "10:00,22:00",
        ",22:00",
        "line 2: opens and closes must be given together or both be blank",
    ),
    ("stores.csv", "10:00,22:00", "25:00,22:00", "line 2: opens must be a time such as 10:00, got '25:00'"),
    (
        "stores.csv",
        "0755-00010001",
        "12",
        "line 2: phone must be a telephone number such as 0755-12345678, got '12'",
    ),
    ("stores.csv", "2026-06-30", "", "line 4: closing_on must not be blank for a store that is CLOSING"),
    (
        "stores.csv",
        "2026-06-30,SZ-FT",
        "2026-06-30,",
        "line 4: successor must not be blank for a store that is CLOSING: its customers need a new home",
    ),
    ("stores.csv", "-30,SZ-FT", "-30,SZ-XX", "line 4: successor must be a code of stores.csv, got 'SZ-XX'"),
    ("stores.csv", "-30,SZ-FT", "-30,SZ-LH", "line 4: successor must be an OPEN store, but SZ-LH is CLOSING"),
    (
        "stores.csv",
        "-30,SZ-FT",
        "-30,GZ-PY",
        "line 4: successor must belong to E-HQ as this store does, but GZ-PY belongs to E-GZ2",
    ),
    (
        "stores.csv",
        "OPEN,,,no",
        "OPEN,2026-01-01,,no",
        "line 2: status is OPEN, so closing_on and successor must be blank",
    ),
    (
        "stores.csv",
        "store_delivery,5000",
        "store_delivery,",
        "line 3: delivery_radius_m must be given for a store with the service store_delivery, and only then",
    ),
    ("stores.csv", "pickup;fitting", "pickup;pickup", "line 2: services names 'pickup' twice"),
    ("stores.csv", "no\n", "yes\n", "line 12: default_landing must be yes for one store only, as in line 2"),
    ("stores.csv", "yes\n", "no\n", ": must have one store with default_landing yes, got none"),
    (
        "stores.csv",
        "E-HQ,DIRECT",
        "E-HQ,FRANCHISE",
        "line 2: ownership FRANCHISE needs an entity of kind FRANCHISEE, but E-HQ is HQ",
    ),
    ("stores.csv", "E-HQ,DIRECT", "E-ZZ,DIRECT", "line 2: entity must be a code of entities.csv, got 'E-ZZ'"),
    ("entities.csv", "深圳澜序商贸有限公司", "", "line 2: name must not be blank"),
    ("clerks.csv", "13800000002", "13800000001", "line 3: phone must be unique, but is already in line 2"),
    (
        "clerks.csv",
        "13800000002",
        "2380000000",
        "line 3: phone must be a mobile number of 11 digits that begins with 13 to 19",
    ),
    (
        "clerks.csv",
        "C-SZFT-02",
        "C-SZFT-01",
        "line 3: code must be unique, but 'C-SZFT-01' is already in line 2",
    ),
    (
        "clerks.csv",
        "2026-03-31",
        "31.3.2026",
        "line 6: last_day must be a date such as 2026-03-31, got '31.3.2026'",
    ),
    (
        "clerks.csv",
        "2026-03-31",
        "2026-02-30",
        "line 6: last_day must be a day of the calendar, got '2026-02-30'",
    ),
    ("clerks.csv", "2026-03-31", "", "line 6: last_day must not be blank for a clerk who is LEAVING"),
    ("clerks.csv", "MANAGER", "BOSS", "line 4: role must be one of CLERK, MANAGER, TEAM, got 'BOSS'"),
    ("clerks.csv", "林晓雨,SZ-FT", "林晓雨,SZ-F", "line 2: store must be a code of stores.csv, got 'SZ-F'"),
    ("categories.csv", "500", "10001", "line 2: pool_bp must be between 0 and 10000, got '10001'"),
    (
        "categories.csv",
        "500",
        "3001",
        "line 2: pool_bp must not be above max_share_bp less platform_fee_bp of policy.csv (2500), got '3001'",
    ),
    (
        "products.csv",
        "AP-1001,apparel",
        "AP-1001,shoes",
        "line 2: category must be a code of categories.csv, got 'shoes'",
    ),
    (
        "products.csv",
        "settle_days:10",
        "settle_days",
        "line 6: handling has the flag 'settle_days', but settle_days needs a value of the form [0-9]{1,3}",
    ),
    (
        "products.csv",
        "fragile;",
        "fragile:1;",
        "line 12: handling has the flag 'fragile:1', but fragile takes no value",
    ),
    (
        "products.csv",
        "Wool-blend coat",
        "Wool\tcoat",
        "line 2: name_en must not hold control characters, got 'Wool\\tcoat'",
    ),
    (
        "skus.csv",
        "129900,",
        "1299.00,",
        "line 2: price_fen must be a whole number of fen (1 yuan = 100 fen), got '1299.00'",
    ),
    ("skus.csv", "129900,", "-5,", "line 2: price_fen must be between 1 and 10000000000 fen, got '-5'"),
    ("skus.csv", "159900", "100", "line 2: list_fen must not be below price_fen, got '100' and '129900'"),
    ("stock.csv", "SZ-FT,3,1", "SZ-FT,3.0,1", "line 2: on_hand must be a whole number, got '3.0'"),
    ("stock.csv", "SZ-FT,3,1", "SZ-FT,-3,1", "line 2: on_hand must be between 0 and 100000000, got '-3'"),
    (
        "stock.csv",
        "SZ-FT,3,1",
        "SZ-FX,3,1",
        "line 2: location must be a code of stores.csv or locations.csv, got 'SZ-FX'",
    ),
    (
        "stock.csv",
        "SZ-NS,0",
        "SZ-FT,0",
        "line 3: sku must be unique, but 'AP-1001-M' at 'SZ-FT' is already in line 2",
    ),
    (
        "policy.csv",
        "3000,1500",
        "3001,1500",
        "line 2: the five role shares must add up to 10000 bp, got 10001",
    ),
    ("policy.csv", "ROLE_SPLIT", "LEVELS", "line 2: mode must be one of ROLE_SPLIT, got 'LEVELS'"),
]


@pytest.mark.parametrize(("file", "old", "new", "sentence"), CELLS)
def test_a_wrong_cell_is_told_in_one_sentence(
    after: Edit, file: str, old: str, new: str, sentence: str
) -> None:
    told = f"{file}{sentence}" if sentence.startswith(":") else f"{file} {sentence}"
    assert after(file, old, new) == [told]


def test_a_mistake_that_others_lean_on_is_told_first(after: Edit) -> None:
    told = after("locations.csv", "DC-DG", "SZ-FT")
    reason = "must not be the code of a store, which is a location by itself, got 'SZ-FT'"
    assert told[0] == f"locations.csv line 2: code {reason}"
    assert after("entities.csv", "FRANCHISEE", "HQ")[0] == (
        "entities.csv: must have exactly one row of kind HQ, got 2"
    )


def test_a_store_may_be_open_past_midnight(after: Edit) -> None:
    assert after("stores.csv", "10:00,22:00", "18:00,02:00") == []


def test_every_problem_is_told_at_once_in_the_order_of_the_files(brand_dir: Path, after: Edit) -> None:
    after("stock.csv", "SZ-FT,3,1", "SZ-FT,x,y")
    after("skus.csv", "129900,", ",")
    assert after("stores.csv", "22.5172,113.9353", "222,") == [
        "stores.csv line 3: lat must be between -90 and 90, got '222'",
        "skus.csv line 2: price_fen must not be blank",
        "stock.csv line 2: on_hand must be a whole number, got 'x'",
        "stock.csv line 2: safety must be a whole number, got 'y'",
    ]


def test_a_product_without_a_sku_is_refused(brand_dir: Path) -> None:
    with (brand_dir / "products.csv").open("a", encoding="utf-8") as file:
        file.write("AP-9,apparel,帽子,Hat,一顶帽子。,,NONE,,,ON\n")
    assert sentences(brand_dir) == ["products.csv line 17: code 'AP-9' has no row in skus.csv"]


def test_a_phone_never_appears_in_a_message_or_a_repr(after: Edit) -> None:
    assert "1380000" not in " ".join(after("clerks.csv", "13800000002", "138000000021"))
    assert "1380000" not in repr(read_brand(LANXU))


def test_a_missing_file_is_one_problem_and_blames_nobody_else(brand_dir: Path) -> None:
    (brand_dir / "stores.csv").unlink()
    assert sentences(brand_dir) == ["stores.csv: is missing"]


def test_a_missing_directory_misses_every_file(tmp_path: Path) -> None:
    assert len(sentences(tmp_path / "nowhere")) == 9


def test_a_directory_in_place_of_a_file_is_told(brand_dir: Path) -> None:
    (brand_dir / "skus.csv").unlink()
    (brand_dir / "skus.csv").mkdir()
    assert sentences(brand_dir) == ["skus.csv: is not a file"]


def test_columns_are_told_by_name(after: Edit) -> None:
    known = "code, name, name_en, pool_bp"
    assert after("categories.csv", "code,name,name_en,pool_bp", "code,name,name,rate") == [
        "categories.csv line 1: column 'name' is there twice",
        f"categories.csv line 1: unknown column 'rate'; known are {known}",
        "categories.csv line 1: the column name_en is missing",
        "categories.csv line 1: the column pool_bp is missing",
    ]


def test_columns_may_stand_in_any_order_behind_a_bom(brand_dir: Path) -> None:
    rows = [line.split(",") for line in (brand_dir / "skus.csv").read_text("utf-8").splitlines()]
    turned = "\r\n".join(",".join(reversed(row)) for row in rows)
    (brand_dir / "skus.csv").write_bytes(b"\xef\xbb\xbf" + turned.encode())
    assert read_brand(brand_dir) == read_brand(LANXU)


def test_a_short_row_is_told(after: Edit) -> None:
    assert after("stock.csv", "AP-1001-M,SZ-FT,3,1", "AP-1001-M,SZ-FT,3") == [
        "stock.csv line 2: has 3 cells, but the header has 4"
    ]


def test_an_empty_file_is_told(brand_dir: Path) -> None:
    (brand_dir / "stock.csv").write_bytes(b"")
    assert sentences(brand_dir) == ["stock.csv: is empty; its first line must be sku,location,on_hand,safety"]


def test_gbk_is_told_with_its_line(brand_dir: Path) -> None:
    path = brand_dir / "categories.csv"
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2].decode().encode("gbk")
    path.write_bytes(b"\n".join(lines))
    assert sentences(brand_dir) == ["categories.csv line 3: is not UTF-8; save the file as 'CSV UTF-8'"]


def test_an_open_quote_is_told_where_it_opens(after: Edit) -> None:
    assert after("entities.csv", "潍坊潍澜商贸", '"潍坊潍澜商贸') == [
        "entities.csv line 3: is not CSV from here on (unexpected end of data)"
    ]


def test_lines_are_counted_as_an_editor_counts_them(after: Edit) -> None:
    whole = "精梳棉罗口短袜，黑、白、灰各一双，袜口不勒脚踝。"
    assert after("products.csv", whole, f'"{whole}\n机洗翻面。"') == []
    assert after("products.csv", "fragile;", "glass;")[0].startswith(
        "products.csv line 13: handling has an unknown"
    )


def test_blank_lines_are_passed_over(after: Edit) -> None:
    assert after("clerks.csv", "\n", "\n\n,,,,,,,\n") == []


def test_what_looks_like_a_formula_stays_text(brand_dir: Path, after: Edit) -> None:
    assert after("categories.csv", "衣橱,Apparel", "=1+1,@SUM(A1)") == []
    brand = read_brand(brand_dir).brand
    assert brand is not None
    assert (brand.categories[0].name, brand.categories[0].name_en) == ("=1+1", "@SUM(A1)")


def test_a_file_of_50_mb_is_refused_before_it_is_parsed(brand_dir: Path) -> None:
    with (brand_dir / "stock.csv").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    assert sentences(brand_dir) == [
        f"stock.csv: is larger than {MOST_BYTES // 1024 // 1024} MB; split it and import in parts"
    ]


def test_problems_beyond_the_limit_are_only_announced(brand_dir: Path) -> None:
    rows = "\n".join(f"NO-{number},SZ-FT,1,1" for number in range(MOST_PROBLEMS + 500))
    (brand_dir / "stock.csv").write_text("sku,location,on_hand,safety\n" + rows, "utf-8")
    told = sentences(brand_dir)
    assert len(told) == MOST_PROBLEMS + 1
    assert told[-1].endswith(f"has more problems than these {MOST_PROBLEMS}; mend them and try again")


def test_a_problem_is_printed_as_one_line() -> None:
    bad = BadRow("stores.csv", 4, "lat", "must be between -90 and 90, got '96.1'")
    assert str(bad) == "stores.csv line 4: lat must be between -90 and 90, got '96.1'"


def test_a_brand_without_operators_is_a_brand(brand_dir: Path) -> None:
    (brand_dir / "operators.csv").unlink()
    brand = read_brand(brand_dir).brand
    assert brand is not None
    assert brand.operators == ()
