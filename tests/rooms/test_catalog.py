"""The room ``catalog`` on a real database: lists, search, one product, offers; what stock says of them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Invalid, NotFound
from app.catalog.badges import badges, return_words
from app.catalog.detail import get_product
from app.catalog.finding import Sort, statement
from app.catalog.listing import list_categories, list_products
from app.catalog.offers import offers
from app.stock.availability import Level, availability, level
from models.catalog import Exemption
from tests.shop import LISTED_AT, a_category, a_product, a_store, a_warehouse, some_stock


def codes(session: Session, **asked: object) -> list[str]:
    cards, _ = list_products(session, **asked)  # type: ignore[arg-type]  # any of its keywords
    return [card.code for card in cards]


def three_products(session: Session) -> None:
    """A (dear, oldest), B (cheap, newest), C (as cheap as B, in the middle)."""
    a_product(session, "A", skus=[("M", 50000, 50000)], name="羊绒围巾", name_en="Cashmere scarf")
    a_product(
        session, "B", skus=[("M", 10000, 20000)], listed_at=LISTED_AT + timedelta(days=2), name="真丝衬衫"
    )
    a_product(
        session,
        "C",
        skus=[("M", 10000, 10000)],
        listed_at=LISTED_AT + timedelta(days=1),
        name="四件套",
        name_en="Bedding",
        category="home",
    )


@pytest.mark.parametrize(
    ("sort", "expected"),
    [(Sort.NEWEST, ["B", "C", "A"]), (Sort.PRICE_ASC, ["B", "C", "A"]), (Sort.PRICE_DESC, ["A", "C", "B"])],
)
def test_lists_in_three_orders(tx: Tx, sort: Sort, expected: list[str]) -> None:
    with tx() as session:
        three_products(session)
        assert codes(session, sort=sort) == expected


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_put_together_are_the_whole_list(tx: Tx, sort: Sort, limit: int) -> None:
    with tx() as session:
        for number in range(13):
            price = 1000 * (number % 3 + 1)
            listed_at = LISTED_AT + timedelta(days=number % 4)
            a_product(session, f"P{number:02}", skus=[("F", price, price)], listed_at=listed_at)
        whole = codes(session, sort=sort, limit=50)
        assert len(whole) == 13
        got: list[str] = []
        mark = None
        while True:
            cards, mark = list_products(session, sort=sort, limit=limit, after=mark)
            got += [card.code for card in cards]
            if mark is None:
                break
            assert len(cards) == limit
    assert got == whole


def test_a_product_listed_meanwhile_neither_repeats_nor_hides_others(tx: Tx) -> None:
    with tx() as session:
        three_products(session)
        first, mark = list_products(session, limit=1)
        a_product(session, "NEW", listed_at=LISTED_AT + timedelta(days=9))
        second, _ = list_products(session, limit=5, after=mark)
    assert [card.code for card in first + second] == ["B", "C", "A"]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("衬衫", ["B"]),
        ("丝", ["B"]),
        ("围巾 羊绒", ["A"]),
        ("cash", ["A"]),
        ("SCARF 围巾", ["A"]),
        ("衬衫 围巾", []),
        ("绒衫", []),
        ("!!", []),
        ("\x00", []),
        ("%", []),
    ],
)
def test_search_in_chinese_and_english(tx: Tx, q: str, expected: list[str]) -> None:
    with tx() as session:
        three_products(session)
        assert codes(session, q=q) == expected


@pytest.mark.parametrize("look_ahead", [1, 2, 5, 1000])
@pytest.mark.parametrize("sort", list(Sort))
def test_search_finds_the_same_however_far_it_looks_ahead(tx: Tx, sort: Sort, look_ahead: int) -> None:
    with tx() as session:
        for number in range(24):
            name = "真丝衬衫" if number % 5 == 0 else "羊绒围巾"
            a_product(session, f"P{number:02}", skus=[("F", 1000 + number % 3, 2000)], name=name)
        wanted = [code for code in codes(session, sort=sort, limit=50) if int(code[1:]) % 5 == 0]
        got: list[str] = []
        mark = None
        while True:
            cards, mark = list_products(
                session, q="衬衫", sort=sort, after=mark, limit=2, look_ahead=look_ahead
            )
            got += [card.code for card in cards]
            if mark is None:
                break
    assert got == wanted


@pytest.mark.parametrize("by_words", [False, True])
def test_lists_never_sort_the_whole_shop(tx: Tx, by_words: bool) -> None:
    asked = statement(Sort.NEWEST, categories=0 if by_words else 1, by_words=by_words, goes_on=False)
    with tx() as session:
        a_product(session)
        facts = {"limit": 21, "family": 1, "terms": ["衬衫"], "look_ahead": 1000}
        for setting in ("enable_seqscan", "enable_sort"):
            session.execute(text(f"set local {setting} = off"))
        plan = "\n".join(session.execute(text(f"explain {asked}"), facts).scalars())
    assert ("ix_product_newest" if by_words else "ix_product_category_newest") in plan
    assert ("ix_product_search" in plan) == by_words


def test_category_includes_those_below_it(tx: Tx) -> None:
    with tx() as session:
        a_category(session, "apparel", position=2)
        a_category(session, "coats", parent="apparel", position=3)
        a_category(session, "home", position=1)
        a_product(session, "COAT", category="coats")
        a_product(session, "SHIRT", category="apparel")
        a_product(session, "BED", category="home")
        assert sorted(codes(session, category="apparel")) == ["COAT", "SHIRT"]
        assert codes(session, category="coats") == ["COAT"]
        assert [(one.code, one.parent) for one in list_categories(session)] == [
            ("home", None),
            ("apparel", None),
            ("coats", "apparel"),
        ]
        with pytest.raises(Invalid) as refused:
            list_products(session, category="nowhere")
    assert refused.value.fields == {"category": "unknown"}


def test_goods_off_sale_are_neither_listed_nor_shown(tx: Tx) -> None:
    with tx() as session:
        a_product(session, "GONE", status="OFF")
        assert codes(session) == []
        with pytest.raises(NotFound):
            get_product(session, "GONE")


def test_card_shows_the_cheapest_sku_and_its_undiscounted_price(tx: Tx) -> None:
    with tx() as session:
        a_product(
            session, "A", skus=[("L", 30000, 90000), ("S", 20000, 25000), ("X", 10, 99999)], from_fen=20000
        )
        session.execute(text("update sku set status = 'OFF' where code = 'A-X'"))
        cards, _ = list_products(session)
        page = get_product(session, "A")
    assert (cards[0].from_fen, cards[0].list_fen, cards[0].badges) == (20000, 25000, ["SALE"])
    assert (page.from_fen, page.list_fen) == (20000, 25000)
    assert [variant.code for variant in page.variants] == ["A-L", "A-S"]


def test_product_without_a_sku_on_sale_is_shown_without_variants(tx: Tx) -> None:
    with tx() as session:
        a_product(session, "A", skus=[], from_fen=500)
        cards, _ = list_products(session)
        assert (cards[0].from_fen, cards[0].list_fen) == (500, 500)
        assert get_product(session, "A").variants == []


def test_badges_say_what_must_be_said() -> None:
    shown = badges(
        handling=["fragile", "presale_days:15", "custom_made", "service", "keep_celsius:8-18"],
        exemption=Exemption.STATUTORY,
        min_age=18,
        price_fen=1,
        list_fen=2,
    )
    assert shown == ["SALE", "PRESALE", "CUSTOM_MADE", "SERVICE", "FRAGILE", "ADULTS_ONLY", "NO_FREE_RETURN"]
    assert badges(handling=[], exemption=Exemption.NONE, min_age=None, price_fen=1, list_fen=1) == []


@pytest.mark.parametrize("kind", list(Exemption))
def test_aft_2_every_exemption_has_its_sentence(kind: Exemption) -> None:
    assert "七日无理由退货" in return_words(kind, "zh")
    assert return_words(kind, "en").isascii()


def test_offers_tell_price_terms_and_whether_on_sale(tx: Tx) -> None:
    with tx() as session:
        a_product(
            session, "WN", skus=[("1", 15800, 19800)], min_age=18, handling=["fragile"], exemption="BY_NATURE"
        )
        a_product(session, "OLD", skus=[("1", 100, 100)], status="OFF")
        found = offers(session, ["WN-1", "OLD-1", "NO-SUCH", "WN-1"])
        assert offers(session, []) == {}
    assert sorted(found) == ["OLD-1", "WN-1"]
    wine = found["WN-1"]
    assert (wine.product_code, wine.spec, wine.category_code) == ("WN", "1", "apparel")
    assert (wine.price_fen, wine.list_fen, wine.min_age, wine.handling) == (15800, 19800, 18, ("fragile",))
    assert (wine.exemption, wine.on_sale, found["OLD-1"].on_sale) == (Exemption.BY_NATURE, True, False)


@pytest.mark.parametrize(
    ("atp", "expected"),
    [(-3, Level.NONE), (0, Level.NONE), (1, Level.LOW), (5, Level.LOW), (6, Level.IN_STOCK)],
)
def test_stk_9_levels_hide_the_number(atp: int, expected: Level) -> None:
    assert level(atp) is expected


@given(st.integers(-(10**9), 10**9))
def test_stk_9_more_stock_is_never_a_worse_word(atp: int) -> None:
    order = [Level.NONE, Level.LOW, Level.IN_STOCK]
    assert order.index(level(atp)) <= order.index(level(atp + 1))


def test_stk_9_availability_counts_reserved_and_safety(tx: Tx) -> None:
    with tx() as session:
        for code in ("SZ-FT", "SZ-NS", "GZ-TH"):
            a_store(session, code)
        a_warehouse(session)
        a_warehouse(session, "DC-WF")
        a_product(session, "A", skus=[("S", 1, 1), ("M", 1, 1)])
        some_stock(session, "A-S", "SZ-FT", 10, safety=2, reserved=2)
        some_stock(session, "A-M", "SZ-FT", 10, safety=2, reserved=3)
        some_stock(session, "A-S", "SZ-NS", 3, safety=3)
        some_stock(session, "A-M", "DC-DG", 2, safety=1)
        some_stock(session, "A-M", "DC-WF", 50, safety=1)
        small, medium = (variant.id for variant in get_product(session, "A").variants)
        found = availability(session, [small, medium])
        futian = session.execute(text("select id from store where code = 'SZ-FT'")).scalar_one()
        here = availability(session, [medium], store_ids=[futian])
        assert availability(session, []).stores == {}
    assert found.stores == {
        "SZ-FT": {small: Level.IN_STOCK, medium: Level.LOW},
        "SZ-NS": {small: Level.NONE},
    }
    assert found.warehouse == {medium: Level.IN_STOCK}
    assert here.stores == {"SZ-FT": {medium: Level.LOW}}
