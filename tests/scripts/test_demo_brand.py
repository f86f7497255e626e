"""The demo brand LANXU in its files: exact values, and the words of the tables."""

from datetime import date, time
from enum import StrEnum

import pytest

from models.catalog import Exemption, SaleStatus
from models.operators import OperatorRole
from models.stores import ClerkRole, ClerkStatus, EntityKind, Ownership, StoreStatus
from scripts import brand_files
from scripts.brand_files import Brand, read_brand
from tests.brands import LANXU


@pytest.fixture(scope="module")
def lanxu() -> Brand:
    reading = read_brand(LANXU)
    assert reading.problems == ()
    assert reading.brand is not None
    return reading.brand


def test_the_demo_brand_is_complete(lanxu: Brand) -> None:
    counts = [len(rows) for rows in (lanxu.entities, lanxu.stores, lanxu.locations, lanxu.clerks)]
    assert counts == [3, 11, 2, 18]
    counts = [len(rows) for rows in (lanxu.categories, lanxu.products, lanxu.skus, lanxu.stock)]
    assert counts == [5, 15, 18, 48]


def test_the_demo_has_an_operator_of_each_scope(lanxu: Brand) -> None:
    assert [(one.code, one.role, one.entity, one.store) for one in lanxu.operators] == [
        ("O-OWNER", "OWNER", None, None),
        ("O-FIN", "FINANCE", None, None),
        ("O-SZFT", "STORE_MANAGER", None, "SZ-FT"),
        ("O-WF1", "FRANCHISEE", "E-WF1", None),
    ]


def test_a_store_is_read_whole(lanxu: Brand) -> None:
    store = next(store for store in lanxu.stores if store.code == "SZ-NS")
    assert (store.name, store.city, store.lat, store.lng) == ("澜序·南山海岸店", "深圳", 22.5172, 113.9353)
    assert (store.services, store.delivery_radius_m) == (("pickup", "store_delivery"), 5000)
    assert (store.opens, store.closes) == (time(10), time(22))
    closing = next(store for store in lanxu.stores if store.code == "SZ-LH")
    assert (closing.status, closing.closing_on, closing.successor) == ("CLOSING", date(2026, 6, 30), "SZ-FT")
    assert [store.code for store in lanxu.stores if store.default_landing] == ["ONLINE"]


def test_prices_targets_and_stock_are_exact(lanxu: Brand) -> None:
    prices = {sku.code: (sku.price_fen, sku.list_fen) for sku in lanxu.skus}
    assert prices["AP-1002-M"] == (29_900, 39_900)
    assert prices["HM-5002"] == (459_900, 529_900)
    targets = {clerk.code: clerk.monthly_target_fen for clerk in lanxu.clerks}
    assert targets.pop("C-SZFT-01") == 8_000_000
    assert set(targets.values()) == {5_000_000}
    assert sum(row.on_hand for row in lanxu.stock) == 1899
    assert {clerk.status for clerk in lanxu.clerks} == {"ACTIVE", "LEAVING", "LEFT"}


def test_the_policy_is_the_default_role_split_SPL_4(lanxu: Brand) -> None:
    policy = lanxu.policy
    people = (policy.acq_clerk_bp, policy.svc_clerk_bp, policy.sell_clerk_bp)
    assert people == (3000, 2000, 2000)
    assert (policy.acq_store_bp, policy.fulfil_store_bp) == (1500, 1500)
    pools = {category.code: category.pool_bp for category in lanxu.categories}
    assert pools == {"apparel": 500, "jewellery": 200, "laundry": 800, "wine": 300, "home": 150}


@pytest.mark.parametrize(
    ("file", "column", "kind"),
    [
        ("_ENTITIES", "kind", EntityKind),
        ("_STORES", "ownership", Ownership),
        ("_STORES", "status", StoreStatus),
        ("_CLERKS", "role", ClerkRole),
        ("_CLERKS", "status", ClerkStatus),
        ("_PRODUCTS", "exemption", Exemption),
        ("_PRODUCTS", "status", SaleStatus),
        ("_SKUS", "status", SaleStatus),
        ("_OPERATORS", "role", OperatorRole),
    ],
)
def test_the_words_of_the_files_are_the_words_of_the_tables(
    file: str, column: str, kind: type[StrEnum]
) -> None:
    read = getattr(brand_files, file).cells[column]
    assert [read(member.value) for member in kind] == [member.value for member in kind]
