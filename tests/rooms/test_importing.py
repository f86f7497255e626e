"""Loading a brand into the real database: whole or not at all, and again without effect."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution import importing as attribution
from app.attribution.credit import resolve
from app.base.db import Tx, open_engine, open_tx
from app.base.errors import Conflict
from app.base.upsert import Tally
from app.base.vault import Vault
from app.members.phones import hash_phone
from app.stock.reserving import Want, reserve
from scripts.brand_files import read_brand
from scripts.import_brand import load_brand
from tests.brands import KEY, LANXU, copy_lanxu, edit

KINDS = {
    "entities": 3,
    "stores": 11,
    "clerks": 18,
    "categories": 5,
    "products": 15,
    "skus": 18,
    "locations": 13,
    "stock": 48,
    "policy": 1,
}


@pytest.fixture
def tx(database_url: str) -> Iterator[Tx]:
    engine = open_engine(database_url, pool_size=4)
    yield open_tx(engine)
    engine.dispose()


@pytest.fixture
def brand_dir(tmp_path: Path) -> Path:
    return copy_lanxu(tmp_path)


def load(tx: Tx, directory: Path = LANXU) -> tuple[dict[str, Tally], list[str]]:
    reading = read_brand(directory)
    assert reading.brand is not None, [str(problem) for problem in reading.problems]
    with tx() as session:
        return load_brand(session, reading.brand, vault=Vault(KEY))


def one(tx: Tx, query: str, **facts: Any) -> Any:
    with tx() as session:
        return session.execute(text(query), facts).one()


def changed_kinds(counts: dict[str, Tally]) -> dict[str, tuple[int, int]]:
    return {kind: (t.new, t.changed) for kind, t in counts.items() if t.new or t.changed}


def test_the_demo_brand_is_loaded_whole(tx: Tx) -> None:
    counts, let_be = load(tx)
    assert counts == {kind: Tally(new=number) for kind, number in KINDS.items()}
    assert let_be == []


def test_a_second_run_changes_nothing(tx: Tx) -> None:
    load(tx)
    with tx() as session:
        before = snapshot(session)
    counts, let_be = load(tx)
    assert counts == {kind: Tally(same=number) for kind, number in KINDS.items()}
    assert let_be == []
    with tx() as session:
        assert snapshot(session) == before


def snapshot(session: Session) -> dict[str, list[Any]]:
    tables = (
        "legal_entity store store_hours clerk category product sku price_change stock_location stock"
        " stock_movement attribution_policy"
    )
    return {
        table: sorted(map(repr, session.execute(text(f"select * from {table}")).all()))
        for table in tables.split()
    }


def test_a_store_its_hours_and_its_heir_arrive(tx: Tx) -> None:
    load(tx)
    store = one(
        tx,
        "select s.name, s.name_en, s.ownership, s.lat, s.lng, s.services, s.status, s.closing_on,"
        " n.code as heir, (select count(*) from store_hours h where h.store_id = s.id and"
        " h.opens = '10:00' and h.closes = '22:00') as days"
        " from store s join store n on n.id = s.successor_store_id where s.code = 'SZ-LH'",
    )
    assert tuple(store) == (
        "澜序·罗湖店", "LANXU Luohu", "DIRECT", 22.5388, 114.1108, ["pickup"], "CLOSING",
        date(2026, 6, 30), "SZ-FT", 7,
    )  # fmt: skip
    online = one(tx, "select lat, city, is_default_landing from store where code = 'ONLINE'")
    assert tuple(online) == (None, None, True)
    assert one(tx, "select count(*) from store_hours").count == 70


def test_a_clerk_is_found_by_the_keyed_hash_and_the_phone_is_nowhere(tx: Tx) -> None:
    load(tx)
    expected = hash_phone(Vault(KEY), "13800000001")
    clerk = one(
        tx, "select code, phone_tail, monthly_target_fen from clerk where phone_hash = :h", h=expected
    )
    assert tuple(clerk) == ("C-SZFT-01", "0001", 8_000_000)
    with tx() as session:
        assert "13800000001" not in str(session.execute(text("select * from clerk")).all())


def test_goods_prices_and_search_words_arrive(tx: Tx) -> None:
    load(tx)
    product = one(
        tx,
        "select p.name, c.code, p.handling, p.min_age, p.exemption, p.from_fen, p.listed_at, p.search_terms"
        " from product p join category c on c.id = p.category_id where p.code = 'WN-4002'",
    )
    assert tuple(product)[:6] == (
        "起泡酒礼盒", "wine", ["fragile", "keep_celsius:8-18"], 18, "NONE", 36_800,
    )  # fmt: skip
    assert product.listed_at == datetime(2026, 2, 24, 16, tzinfo=UTC)
    assert {"泡酒", "礼盒", "spark"} <= set(product.search_terms)
    assert one(tx, "select count(*), sum(price_fen) from price_change") == (18, 1_868_600)
    positions = one(tx, "select array_agg(code order by position) from sku where code like 'AP-1002%'")
    assert positions[0] == ["AP-1002-S", "AP-1002-M", "AP-1002-L"]


def test_opening_stock_is_movements_STK_7(tx: Tx) -> None:
    load(tx)
    books = one(
        tx,
        "select count(*), sum(on_hand), (select sum(on_hand_delta) from stock_movement),"
        " (select count(*) from stock_movement where kind = 'RECEIPT' and ref = 'opening') from stock",
    )
    assert tuple(books) == (48, 1899, 1899, 46)
    shelf = one(
        tx,
        "select s.on_hand, s.reserved, s.safety from stock s join sku k on k.id = s.sku_id"
        " join stock_location l on l.id = s.location_id where k.code = 'AP-1001-M' and l.code = 'SZ-FT'",
    )
    assert tuple(shelf) == (3, 0, 1)
    kinds = one(tx, "select count(*) filter (where kind = 'STORE'), count(*) from stock_location")
    assert tuple(kinds) == (11, 13)


def test_the_policy_decides_at_once_POL_2(tx: Tx) -> None:
    load(tx)
    with tx() as session:
        member = session.execute(text("insert into member (number) values ('M-1') returning id")).scalar_one()
        snapshot = resolve(
            session,
            member_id=member,
            categories={"apparel", "home"},
            selling_entity="E-HQ",
            selling_ownership="DIRECT",
            fulfil_store="SZ-FT",
            at=datetime(2026, 3, 1, tzinfo=UTC),
        )
    assert (snapshot["apparel"]["pool_bp"], snapshot["home"]["pool_bp"]) == (500, 150)
    assert snapshot["apparel"]["weights"]["ACQ_CLERK"] == 3000
    assert (snapshot["apparel"]["policy"], snapshot["apparel"]["version"]) == ("DEFAULT", 1)


def test_changed_names_and_prices_are_changed_and_nothing_else(tx: Tx, brand_dir: Path) -> None:
    load(tx)
    edit(brand_dir, "stores.csv", ("LANXU Luohu", "LANXU Luohu Store"), ("健康东街家居广场", "健康东街"))
    edit(brand_dir, "products.csv", ("Silk shirt", "Mulberry silk shirt"))
    edit(brand_dir, "skus.csv", ("AP-1002-M,AP-1002,M,29900", "AP-1002-M,AP-1002,M,27900"))
    counts, _ = load(tx, brand_dir)
    # Two stores changed; the names of their shelves did not.
    assert changed_kinds(counts) == {"stores": (0, 2), "products": (0, 1), "skus": (0, 1)}
    assert one(tx, "select from_fen from product where code = 'AP-1002'").from_fen == 27_900
    prices = one(
        tx,
        "select array_agg(c.price_fen order by c.id) from price_change c join sku k on k.id = c.sku_id"
        " where k.code = 'AP-1002-M'",
    )
    assert prices[0] == [29_900, 27_900]
    assert changed_kinds(load(tx, brand_dir)[0]) == {}


def test_the_lowest_price_follows_what_is_sold(tx: Tx, brand_dir: Path) -> None:
    load(tx)
    off = "AP-1002-S,AP-1002,S,19900,39900,OFF"
    edit(brand_dir, "skus.csv", ("AP-1002-S,AP-1002,S,29900,39900,ON", off))
    assert changed_kinds(load(tx, brand_dir)[0]) == {"skus": (0, 1)}
    assert one(tx, "select from_fen from product where code = 'AP-1002'").from_fen == 29_900


def test_hours_the_landing_store_and_swapped_phones_move(tx: Tx, brand_dir: Path) -> None:
    load(tx)
    edit(
        brand_dir,
        "stores.csv",
        ("OPEN,,,yes", "OPEN,,,no"),
        ("22.5336,114.0552,pickup;fitting;jewellery_clean,,10:00,22:00,OPEN,,,no",
         "22.5336,114.0552,pickup;fitting;jewellery_clean,,09:30,21:30,OPEN,,,yes"),
    )  # fmt: skip
    edit(
        brand_dir,
        "clerks.csv",
        ("13800000001", "x"),
        ("13800000002", "13800000001"),
        (",x,", ",13800000002,"),
    )
    assert changed_kinds(load(tx, brand_dir)[0]) == {"stores": (0, 2), "clerks": (0, 2)}
    assert one(tx, "select code from store where is_default_landing").code == "SZ-FT"
    assert one(tx, "select count(*) from store_hours where opens = '09:30'").count == 7
    moved = one(tx, "select phone_hash from clerk where code = 'C-SZFT-02'")
    assert moved.phone_hash == hash_phone(Vault(KEY), "13800000001")


def test_opening_stock_is_never_booked_twice_nor_overwritten(tx: Tx, brand_dir: Path) -> None:
    load(tx)
    with tx() as session:
        sku_id = session.execute(text("select id from sku where code = 'AP-1001-M'")).scalar_one()
        location_id = session.execute(text("select id from stock_location where code = 'SZ-FT'")).scalar_one()
        reserve(
            session,
            [Want(1, sku_id, "AP-1001-M", 2)],
            order_id=1,
            location_id=location_id,
            expires_at=None,
            actor="test",
        )
    edit(brand_dir, "stock.csv", ("AP-1001-M,SZ-FT,3,1", "AP-1001-M,SZ-FT,9,0"))
    with (brand_dir / "stock.csv").open("a", encoding="utf-8") as file:
        file.write("AP-1004-F,SZ-FT,20,2\n")
    counts, let_be = load(tx, brand_dir)
    assert changed_kinds(counts) == {"stock": (1, 1)}
    assert let_be == [
        "stock.csv: AP-1001-M at SZ-FT was opened with 3, the list now says 9; "
        "on hand stays 3: book a stock-take or a receipt"
    ]
    shelf = one(tx, "select on_hand, reserved, safety from stock where sku_id = :s and location_id = :l",
                s=sku_id, l=location_id)  # fmt: skip
    assert tuple(shelf) == (3, 2, 0)
    assert one(tx, "select sum(on_hand_delta) from stock_movement")[0] == 1919


def test_sales_after_the_opening_are_no_difference(tx: Tx) -> None:
    load(tx)
    with tx() as session:
        session.execute(text("update stock set on_hand = on_hand - 1 where on_hand > 3"))
    assert load(tx)[1] == []


def test_another_policy_is_another_version_from_now_on_POL_2(tx: Tx, brand_dir: Path) -> None:
    load(tx)
    started = datetime.now(UTC)
    edit(brand_dir, "policy.csv", ("3000,1500,2000,2000,1500", "2500,1500,2500,2000,1500"))
    assert changed_kinds(load(tx, brand_dir)[0]) == {"policy": (0, 1)}
    assert changed_kinds(load(tx, brand_dir)[0]) == {}
    with tx() as session:
        versions = session.execute(
            text("select version, effective_from, effective_to, params from attribution_policy order by 1")
        ).all()
    assert [row.version for row in versions] == [1, 2]
    assert versions[0].effective_from == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert versions[0].effective_to == versions[1].effective_from >= started
    assert versions[0].params["weights"]["ACQ_CLERK"] == 3000


def test_a_policy_of_a_day_to_come_waits_and_is_not_repeated(tx: Tx, brand_dir: Path) -> None:
    load(tx)
    day = (datetime.now(UTC) + timedelta(days=40)).date()
    edit(brand_dir, "policy.csv", ("2026-01-01,3000,1500,2000", f"{day},2500,1500,2500"))
    assert changed_kinds(load(tx, brand_dir)[0]) == {"policy": (0, 1)}
    assert changed_kinds(load(tx, brand_dir)[0]) == {}
    edit(brand_dir, "policy.csv", (f"{day},2500,1500,2500", "2026-01-01,2000,1500,3000"))
    with pytest.raises(Conflict, match="POLICY_SCHEDULED"):
        load(tx, brand_dir)


def test_a_clerk_who_left_must_have_handed_over_BND_6(tx: Tx, brand_dir: Path) -> None:
    load(tx)
    with tx() as session:
        session.execute(
            text(
                "with m as (insert into member (number) values ('M-1') returning id)"
                " insert into service_binding (member_id, clerk_id, store_id, valid_from, reason, actor)"
                " select m.id, c.id, c.store_id, now(), 'ACQUIRED', 'test' from m, clerk c"
                " where c.code = 'C-SZNS-04'"
            )
        )
    edit(brand_dir, "clerks.csv", ("冯凯,SZ-NS,CLERK,ACTIVE,", "冯凯,SZ-NS,CLERK,LEFT,2026-05-31"))
    edit(brand_dir, "stores.csv", ("LANXU Luohu", "LANXU Luohu Store"))
    with pytest.raises(
        Conflict, match=r"C-SZNS-04 is LEFT and still serves 1 members\. Hand them over first\."
    ):
        load(tx, brand_dir)
    assert one(tx, "select name_en from store where code = 'SZ-LH'").name_en == "LANXU Luohu"
    with tx() as session:
        attribution.refuse_orphans(session)


def test_a_phone_of_a_clerk_outside_the_list_is_refused(tx: Tx, brand_dir: Path) -> None:
    load(tx)
    edit(brand_dir, "clerks.csv", ("C-SZFT-02,陈嘉豪", "C-SZFT-09,陈嘉豪"))
    with pytest.raises(Conflict, match="belongs to clerk C-SZFT-02, who is not in it"):
        load(tx, brand_dir)


def test_a_warehouse_cannot_take_the_code_of_a_store_that_is_there(tx: Tx, brand_dir: Path) -> None:
    load(tx)
    edit(brand_dir, "stores.csv", ("GZ-BJ,澜序", "GZ-BJ2,澜序"))
    edit(brand_dir, "clerks.csv", (",GZ-BJ,", ",GZ-BJ2,"))
    edit(brand_dir, "locations.csv", ("DC-WF,潍坊分仓", "GZ-BJ,潍坊分仓"))
    stock = (brand_dir / "stock.csv").read_text("utf-8").replace("GZ-BJ", "GZ-BJ2").replace("DC-WF", "GZ-BJ")
    (brand_dir / "stock.csv").write_text(stock, "utf-8")
    with pytest.raises(Conflict, match="GZ-BJ is the code of a store and of a warehouse"):
        load(tx, brand_dir)
    assert one(tx, "select count(*) from store").count == 11


def test_two_imports_at_once_load_the_brand_once(tx: Tx) -> None:
    counts: list[dict[str, Tally]] = []

    def work() -> None:
        counts.append(load(tx)[0])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(tally["stock"].new for tally in counts) == [0, 0, 48]
    assert one(tx, "select sum(on_hand_delta) from stock_movement")[0] == 1899
