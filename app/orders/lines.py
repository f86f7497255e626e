"""An order's line as it is written down, from the till and from the shop alike."""

from collections.abc import Sequence
from typing import Any

from app.catalog.offers import Offer
from app.orders.pricing import PricedLine, pool_bp_after_floor


def line_rows(
    lines: Sequence[PricedLine], found: dict[str, Offer], snapshots: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """What is sold, at which price, and whose credit it is (POL-2), numbered from 1."""
    return [_row(no, line, found, snapshots) for no, line in enumerate(lines, start=1)]


def _row(
    no: int, line: PricedLine, found: dict[str, Offer], snapshots: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    offer = found[line.sku_code]
    snapshot = snapshots[offer.category_code]
    return {
        "line_no": no,
        "sku_id": offer.sku_id,
        "sku_code": offer.sku_code,
        "name": offer.name,
        "spec": offer.spec,
        "category_code": offer.category_code,
        "exemption": str(offer.exemption),
        "min_age": offer.min_age,
        "qty": line.qty,
        "unit_price_fen": line.unit_price_fen,
        "unit_list_fen": line.unit_list_fen,
        "discount_fen": line.discount_fen,
        "amount_fen": line.amount_fen,
        "pool_bp": pool_bp_after_floor(line, snapshot["pool_bp"], snapshot["floor_discount_bp"]),
        "credit_snapshot": snapshot,
    }
