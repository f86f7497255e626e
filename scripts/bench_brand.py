"""A brand large enough to measure on: the demo brand, with its goods and stores many times over."""

import random
from dataclasses import replace

from app.stock.rows import OpeningRow
from app.stores.rows import StoreRow
from scripts.brand_files import Brand, read_brand
from scripts.house import DEMO_BRAND
from scripts.supervise import StartFailed

# Where the orders are placed; each has every copied SKU, and more of it than a run can sell.
STORES = ("SZ-FT", "SZ-NS", "GZ-PY", "SZ-LHU")
PLENTY = 1_000_000
COPIES = 20
BRANCHES = 40


def large_brand() -> Brand:
    """The demo brand with 20 more of each product and 40 more of each store that has a place on the map."""
    demo = read_brand(DEMO_BRAND).brand
    if demo is None:
        raise StartFailed("the demo brand does not read; run scripts/import_brand.py on it for the reasons.")
    copies = range(1, COPIES + 1)
    products = [
        replace(one, code=f"{one.code}-{n}", name=f"{one.name} {n}", name_en=f"{one.name_en} {n}")
        for one in demo.products
        for n in copies
    ]
    skus = [
        replace(one, code=f"{one.code}-{n}", product=f"{one.product}-{n}")
        for one in demo.skus
        for n in copies
    ]
    opened = [OpeningRow(sku.code, store, PLENTY, 0) for sku in skus for store in STORES]
    return replace(
        demo,
        products=(*demo.products, *products),
        skus=(*demo.skus, *skus),
        stock=(*demo.stock, *opened),
        stores=(*demo.stores, *_branches(demo)),
    )


def _branches(demo: Brand) -> list[StoreRow]:
    # Always the same places, so that two runs measure the same map.
    chance = random.Random(1)
    return [
        replace(
            store,
            code=f"{store.code}-{n}",
            name=f"{store.name} {n}",
            lat=round(store.lat + chance.uniform(-0.3, 0.3), 4),
            lng=round(store.lng + chance.uniform(-0.3, 0.3), 4),
            status="OPEN",
            closing_on=None,
            successor=None,
            default_landing=False,
        )
        for store in demo.stores
        if store.lat is not None and store.lng is not None
        for n in range(1, BRANCHES + 1)
    ]
