"""A brand told in files: a directory of CSV files read into plain rows, with every problem in one sentence.

Pure reading: nothing here knows a database. ``scripts/seed/lanxu`` is an example of such a directory.
Either the whole brand is right, or there is no brand and a list of problems.
"""

from dataclasses import dataclass
from pathlib import Path

from app.catalog.rows import CategoryRow, ProductRow, SkuRow
from app.operators.importing import OperatorLine
from app.policies.rows import PolicyRow
from app.stock.rows import LocationRow, OpeningRow
from app.stores.rows import ClerkRow, EntityRow, StoreRow
from scripts import brand_cells as cell
from scripts.brand_checks import check
from scripts.brand_sheets import Sheets
from scripts.brand_tables import BadRow, Shape, Sheet, read_sheet

_ENTITIES = Shape(
    "entities.csv",
    {"code": cell.code, "name": cell.text(60), "kind": cell.one_of("HQ", "FRANCHISEE")},
    EntityRow,
)
_STORES = Shape(
    "stores.csv",
    {
        "code": cell.code,
        "name": cell.text(40),
        "name_en": cell.text(80),
        "entity": cell.code,
        "ownership": cell.one_of("DIRECT", "FRANCHISE", "JOINT"),
        "city": cell.optional(cell.text(20)),
        "address": cell.optional(cell.text(120)),
        "phone": cell.optional(cell.telephone),
        "lat": cell.optional(cell.degrees(90)),
        "lng": cell.optional(cell.degrees(180)),
        "services": cell.services,
        "delivery_radius_m": cell.optional(cell.whole(1, 100_000)),
        "opens": cell.optional(cell.clock),
        "closes": cell.optional(cell.clock),
        "status": cell.one_of("OPEN", "CLOSING", "CLOSED"),
        "closing_on": cell.optional(cell.day),
        "successor": cell.optional(cell.code),
        "default_landing": cell.yes_no,
    },
    StoreRow,
)
_LOCATIONS = Shape(
    "locations.csv",
    {
        "code": cell.code,
        "name": cell.text(40),
        "entity": cell.code,
        "lat": cell.optional(cell.degrees(90)),
        "lng": cell.optional(cell.degrees(180)),
        "daily_capacity": cell.optional(cell.whole(0, 10_000_000)),
    },
    LocationRow,
)
_CLERKS = Shape(
    "clerks.csv",
    {
        "code": cell.code,
        "name": cell.text(40),
        "store": cell.code,
        "role": cell.one_of("CLERK", "MANAGER", "TEAM"),
        "status": cell.one_of("ACTIVE", "LEAVING", "LEFT"),
        "last_day": cell.optional(cell.day),
        "phone": cell.optional(cell.mobile),
        "monthly_target_fen": cell.optional(cell.fen),
    },
    ClerkRow,
)
_OPERATORS = Shape(
    "operators.csv",
    {
        "code": cell.code,
        "name": cell.text(40),
        "role": cell.one_of("OWNER", "FINANCE", "MARKETING", "SERVICE", "STORE_MANAGER", "FRANCHISEE"),
        "entity": cell.optional(cell.code),
        "store": cell.optional(cell.code),
    },
    OperatorLine,
)
_CATEGORIES = Shape(
    "categories.csv",
    {"code": cell.code, "name": cell.text(20), "name_en": cell.text(40), "pool_bp": cell.whole(0, 10_000)},
    CategoryRow,
)
_PRODUCTS = Shape(
    "products.csv",
    {
        "code": cell.code,
        "category": cell.code,
        "name": cell.text(60),
        "name_en": cell.text(120),
        "description": cell.text(2000, lines=True),
        "handling": cell.handling,
        "exemption": cell.one_of("NONE", "STATUTORY", "BY_NATURE"),
        "min_age": cell.optional(cell.whole(1, 120)),
        "listed_on": cell.optional(cell.day),
        "status": cell.one_of("ON", "OFF"),
    },
    ProductRow,
)
_SKUS = Shape(
    "skus.csv",
    {
        "code": cell.code,
        "product": cell.code,
        "spec": cell.text(60),
        "price_fen": cell.fen,
        "list_fen": cell.fen,
        "status": cell.one_of("ON", "OFF"),
    },
    SkuRow,
)
_STOCK = Shape(
    "stock.csv",
    {
        "sku": cell.code,
        "location": cell.code,
        "on_hand": cell.whole(0, 100_000_000),
        "safety": cell.whole(0, 100_000_000),
    },
    OpeningRow,
)
_BP = cell.whole(0, 10_000)
_DAYS = cell.whole(0, 365)
_POLICY = Shape(
    "policy.csv",
    {
        "code": cell.code,
        "mode": cell.one_of("ROLE_SPLIT"),
        "effective_from": cell.day,
        "acq_clerk_bp": _BP,
        "acq_store_bp": _BP,
        "svc_clerk_bp": _BP,
        "sell_clerk_bp": _BP,
        "fulfil_store_bp": _BP,
        "missing": cell.one_of("HQ", "REDISTRIBUTE"),
        "floor_discount_bp": _BP,
        "platform_fee_bp": cell.whole(0, 3000),
        "max_share_bp": cell.whole(0, 3000),
        "sell_window_days": _DAYS,
        "aftersale_days": _DAYS,
        "settle_delay_days": _DAYS,
    },
    PolicyRow,
)


@dataclass(frozen=True, slots=True)
class Brand:
    """Everything a brand's files say, in the order of the files; every reference leads somewhere."""

    entities: tuple[EntityRow, ...]
    stores: tuple[StoreRow, ...]
    locations: tuple[LocationRow, ...]
    clerks: tuple[ClerkRow, ...]
    categories: tuple[CategoryRow, ...]
    products: tuple[ProductRow, ...]
    skus: tuple[SkuRow, ...]
    stock: tuple[OpeningRow, ...]
    policy: PolicyRow
    operators: tuple[OperatorLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What came out: a brand and no problem, or problems and no brand."""

    brand: Brand | None
    problems: tuple[BadRow, ...]


def read_brand(directory: Path) -> Reading:
    """Read the nine files of a directory, and operators.csv if it is there; finds every problem at once.

    Never raises on their content.

    Problems come in the order of the files and their lines, each as one sentence by ``str(problem)``.
    """
    sheets = Sheets(
        entities=read_sheet(directory, _ENTITIES),
        stores=read_sheet(directory, _STORES),
        locations=read_sheet(directory, _LOCATIONS),
        clerks=read_sheet(directory, _CLERKS),
        categories=read_sheet(directory, _CATEGORIES),
        products=read_sheet(directory, _PRODUCTS),
        skus=read_sheet(directory, _SKUS),
        stock=read_sheet(directory, _STOCK),
        policy=read_sheet(directory, _POLICY),
        operators=read_sheet(directory, _OPERATORS)
        if (directory / _OPERATORS.file).exists()
        else Sheet(_OPERATORS.file, usable=True),
    )
    check(sheets)
    problems = tuple(
        problem for sheet in sheets.all() for problem in sorted(sheet.problems, key=lambda bad: bad.line)
    )
    return Reading(None, problems) if problems else Reading(_brand(sheets), ())


def _brand(sheets: Sheets) -> Brand:
    return Brand(
        entities=tuple(row for _, row in sheets.entities.rows()),
        stores=tuple(row for _, row in sheets.stores.rows()),
        locations=tuple(row for _, row in sheets.locations.rows()),
        clerks=tuple(row for _, row in sheets.clerks.rows()),
        categories=tuple(row for _, row in sheets.categories.rows()),
        products=tuple(row for _, row in sheets.products.rows()),
        skus=tuple(row for _, row in sheets.skus.rows()),
        stock=tuple(row for _, row in sheets.stock.rows()),
        policy=next(row for _, row in sheets.policy.rows()),
        operators=tuple(row for _, row in sheets.operators.rows()),
    )
