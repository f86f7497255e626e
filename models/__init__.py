"""The cellar: tables, constraints and enums, one file per room; no behaviour beyond tiny properties.

Importing this package registers every table on ``Base.metadata``, which migrations and tests read.
"""

from models import (
    attribution,
    audit,
    base,
    catalog,
    codes,
    commission,
    dry_run,
    kpi,
    ledger,
    members,
    operators,
    orders,
    payments,
    policies,
    relations,
    review,
    settlement,
    sharing,
    stock,
    stores,
    tills,
    wechat,
)

__all__ = [
    "attribution",
    "audit",
    "base",
    "catalog",
    "codes",
    "commission",
    "dry_run",
    "kpi",
    "ledger",
    "members",
    "operators",
    "orders",
    "payments",
    "policies",
    "relations",
    "review",
    "settlement",
    "sharing",
    "stock",
    "stores",
    "tills",
    "wechat",
]
