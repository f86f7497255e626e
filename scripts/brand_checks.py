"""What a brand's files must say together: unique codes, references that lead somewhere, rules of a row."""

from collections import Counter
from collections.abc import Iterable
from datetime import time
from typing import Any

from app.base.errors import Invalid
from app.operators.importing import OperatorLine
from app.operators.rules import check_scope
from app.stores.rows import StoreRow
from models.operators import OperatorRole
from scripts.brand_cells import shown
from scripts.brand_sheets import Sheets
from scripts.brand_tables import Sheet

# A store that closes "before" it opens runs past midnight; later than this it is more likely a slip.
LATE_CLOSING = time(6)


def check(sheets: Sheets) -> None:
    """Note every problem between cells, rows and files. References to an unread file are let be."""
    for sheet in sheets.all():
        _unique(sheet, *(("sku", "location") if sheet is sheets.stock else ("code",)))
    _unique(sheets.clerks, "phone", secret=True)
    _references(sheets)
    _entities(sheets)
    _stores(sheets)
    _default_landing(sheets.stores)
    _clerks(sheets)
    _warehouses(sheets)
    _skus(sheets)
    _policy(sheets)
    _operators(sheets.operators)


def _unique(sheet: Sheet[Any], *columns: str, secret: bool = False) -> None:
    first: dict[tuple[Any, ...], int] = {}
    for line in sheet.lines:
        key = tuple(line.values.get(column) for column in columns)
        if None in key:
            continue
        if key in first:
            named = "" if secret else " " + " at ".join(shown(str(part)) for part in key)
            sheet.tell(line.number, columns[0], f"must be unique, but{named} is already in line {first[key]}")
        first.setdefault(key, line.number)


def _references(sheets: Sheets) -> None:
    _known(sheets.stores, "entity", [sheets.entities])
    _known(sheets.stores, "successor", [sheets.stores])
    _known(sheets.locations, "entity", [sheets.entities])
    _known(sheets.clerks, "store", [sheets.stores])
    _known(sheets.products, "category", [sheets.categories])
    _known(sheets.skus, "product", [sheets.products])
    _known(sheets.stock, "sku", [sheets.skus])
    _known(sheets.stock, "location", [sheets.stores, sheets.locations])
    _known(sheets.operators, "entity", [sheets.entities])
    _known(sheets.operators, "store", [sheets.stores])


def _known(sheet: Sheet[Any], column: str, homes: list[Sheet[Any]]) -> None:
    if not all(home.usable for home in homes):
        return
    codes = {line.values.get("code") for home in homes for line in home.lines}
    files = " or ".join(home.file for home in homes)
    for line in sheet.lines:
        code = line.values.get(column)
        if code is not None and code not in codes:
            sheet.tell(line.number, column, f"must be a code of {files}, got {shown(code)}")


def _entities(sheets: Sheets) -> None:
    kinds = Counter(line.values.get("kind") for line in sheets.entities.lines)
    if sheets.entities.usable and kinds["HQ"] != 1 and None not in kinds:
        sheets.entities.tell(0, "", f"must have exactly one row of kind HQ, got {kinds['HQ']}")


def _stores(sheets: Sheets) -> None:
    stores = {row.code: row for _, row in sheets.stores.rows()}
    kinds = {row.code: row.kind for _, row in sheets.entities.rows()}
    for number, row in sheets.stores.rows():
        owner = _owner(row, kinds.get(row.entity))
        for column, reason in (*_place_and_hours(row), *_closing(row, stores, kinds), *owner):
            sheets.stores.tell(number, column, reason)


def _place_and_hours(row: StoreRow) -> Iterable[tuple[str, str]]:
    if (row.lat is None) != (row.lng is None):
        yield "lat", "and lng must be given together or both be blank"
    if (row.opens is None) != (row.closes is None):
        yield "opens", "and closes must be given together or both be blank"
    elif row.opens is not None and row.closes is not None and LATE_CLOSING < row.closes <= row.opens:
        told = f"got '{row.opens:%H:%M}' and '{row.closes:%H:%M}'"
        yield "opens", f"must be before closes, unless the store closes by 06:00 of the next day, {told}"
    if ("store_delivery" in row.services) != (row.delivery_radius_m is not None):
        yield "delivery_radius_m", "must be given for a store with the service store_delivery, and only then"


def _closing(row: StoreRow, stores: dict[str, StoreRow], kinds: dict[str, str]) -> Iterable[tuple[str, str]]:
    if row.status == "OPEN":
        if row.closing_on is not None or row.successor is not None:
            yield "status", "is OPEN, so closing_on and successor must be blank"
        return
    if row.closing_on is None:
        yield "closing_on", f"must not be blank for a store that is {row.status}"
    heir = stores.get(row.successor or "")
    if row.successor is None and row.status == "CLOSING":
        yield "successor", "must not be blank for a store that is CLOSING: its customers need a new home"
    elif heir is not None and heir.status != "OPEN":
        yield "successor", f"must be an OPEN store, but {heir.code} is {heir.status}"
    elif heir is not None and heir.entity != row.entity and {heir.entity, row.entity} <= kinds.keys():
        yield (
            "successor",
            f"must belong to {row.entity} as this store does, but {heir.code} belongs to {heir.entity}",
        )


def _owner(row: StoreRow, kind: str | None) -> Iterable[tuple[str, str]]:
    wanted = {"DIRECT": "HQ", "FRANCHISE": "FRANCHISEE"}.get(row.ownership)
    if kind is not None and wanted is not None and kind != wanted:
        yield "ownership", f"{row.ownership} needs an entity of kind {wanted}, but {row.entity} is {kind}"


def _default_landing(stores: Sheet[StoreRow]) -> None:
    numbers = [line.number for line in stores.lines if line.values.get("default_landing")]
    if stores.usable and not numbers and all("default_landing" in line.values for line in stores.lines):
        stores.tell(0, "", "must have one store with default_landing yes, got none")
    for number in numbers[1:]:
        stores.tell(number, "default_landing", f"must be yes for one store only, as in line {numbers[0]}")


def _clerks(sheets: Sheets) -> None:
    closed = {row.code for _, row in sheets.stores.rows() if row.status == "CLOSED"}
    for number, row in sheets.clerks.rows():
        if (row.status == "ACTIVE") != (row.last_day is None):
            wanted = "must be blank for" if row.status == "ACTIVE" else "must not be blank for"
            sheets.clerks.tell(number, "last_day", f"{wanted} a clerk who is {row.status}")
        if row.status != "LEFT" and row.store in closed:
            sheets.clerks.tell(number, "store", f"{row.store} is CLOSED, but the clerk is {row.status}")


def _warehouses(sheets: Sheets) -> None:
    stores = {line.values.get("code") for line in sheets.stores.lines}
    for number, row in sheets.locations.rows():
        if row.code in stores:
            reason = f"must not be the code of a store, which is a location by itself, got {shown(row.code)}"
            sheets.locations.tell(number, "code", reason)
        if (row.lat is None) != (row.lng is None):
            sheets.locations.tell(number, "lat", "and lng must be given together or both be blank")


def _skus(sheets: Sheets) -> None:
    for number, sku in sheets.skus.rows():
        if sku.list_fen < sku.price_fen:
            reason = f"must not be below price_fen, got '{sku.list_fen}' and '{sku.price_fen}'"
            sheets.skus.tell(number, "list_fen", reason)
    sold = {line.values.get("product") for line in sheets.skus.lines}
    for line in sheets.products.lines:
        code = line.values.get("code")
        if sheets.skus.usable and None not in sold and code is not None and code not in sold:
            sheets.products.tell(line.number, "code", f"{shown(code)} has no row in skus.csv")


def _policy(sheets: Sheets) -> None:
    if sheets.policy.usable and len(sheets.policy.lines) != 1:
        sheets.policy.tell(0, "", f"must have exactly one row, got {len(sheets.policy.lines)}")
    for number, row in sheets.policy.rows():
        people = row.acq_clerk_bp + row.svc_clerk_bp + row.sell_clerk_bp
        total = people + row.acq_store_bp + row.fulfil_store_bp
        if total != 10_000:
            sheets.policy.tell(number, "", f"the five role shares must add up to 10000 bp, got {total}")
        for at, category in sheets.categories.rows():
            if category.pool_bp + row.platform_fee_bp > row.max_share_bp:
                most = row.max_share_bp - row.platform_fee_bp
                reason = f"must not be above max_share_bp less platform_fee_bp of policy.csv ({most})"
                sheets.categories.tell(at, "pool_bp", f"{reason}, got '{category.pool_bp}'")


def _operators(operators: Sheet[OperatorLine]) -> None:
    for number, row in operators.rows():
        try:
            check_scope(OperatorRole(row.role), entity=row.entity, store=row.store)
        except Invalid as refused:
            for column, reason in refused.fields.items():
                operators.tell(number, column, f"does not fit {row.role}: {reason}")
