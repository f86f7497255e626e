"""The cellar: tables, constraints and enums, one file per room; no behaviour beyond tiny properties.

Importing this package registers every table on ``Base.metadata``, which migrations and tests read.
"""

from models import (
    attribution,
    base,
    catalog,
    commission,
    ledger,
    members,
    orders,
    payments,
    stock,
    stores,
    wechat,
)

__all__ = [
    "attribution",
    "base",
    "catalog",
    "commission",
    "ledger",
    "members",
    "orders",
    "payments",
    "stock",
    "stores",
    "wechat",
]
