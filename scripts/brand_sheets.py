"""The files of a brand together, before anybody has checked them against each other."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from app.catalog.rows import CategoryRow, ProductRow, SkuRow
from app.operators.importing import OperatorLine
from app.policies.rows import PolicyRow
from app.stock.rows import LocationRow, OpeningRow
from app.stores.rows import ClerkRow, EntityRow, StoreRow
from scripts.brand_tables import Sheet


@dataclass(frozen=True, slots=True)
class Sheets:
    """One sheet a file, in the order in which problems are told."""

    entities: Sheet[EntityRow]
    stores: Sheet[StoreRow]
    locations: Sheet[LocationRow]
    clerks: Sheet[ClerkRow]
    categories: Sheet[CategoryRow]
    products: Sheet[ProductRow]
    skus: Sheet[SkuRow]
    stock: Sheet[OpeningRow]
    policy: Sheet[PolicyRow]
    operators: Sheet[OperatorLine]

    def all(self) -> Iterator[Sheet[Any]]:
        """The sheets in their order."""
        return (getattr(self, one.name) for one in fields(self))
