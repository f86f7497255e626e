"""Which tables are copied and how their columns change in copy number n; read from the models."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, TEXT

import models
from models.base import Base

# What all copies share: goods, companies, rules, people of the back office, and what is remembered for a while.
SHARED = frozenset(
    {
        "attribution_policy",
        "audit_entry",
        "binding_terms",
        "category",
        "idempotent_answer",
        "inbox",
        "kpi_weight",
        "legal_entity",
        "operator",
        "operator_login",
        "operator_recovery_code",
        "operator_try",
        "risk_threshold",
        "tier_scale",
        "price_change",
        "product",
        "shared_token",
        "sku",
        "used_code",
    }
)
# Of the ledger's accounts only those of clerks and stores are copied.
ACCOUNTS = "ledger_account"
# References without a foreign key.
LOOSE = {
    ("reservation", "order_id"): "orders",
    ("reservation", "order_line_id"): "order_line",
    ("reservation", "location_id"): "stock_location",
    ("stock_movement", "location_id"): "stock_location",
    ("kpi_sale", "order_id"): "orders",
    ("kpi_clerk_credit", "order_id"): "orders",
    ("kpi_clerk_credit", "member_id"): "member",
    ("kpi_clerk_credit", "refund_id"): "refund",
    ("kpi_credit", "refund_id"): "refund",
}
# Names of people, places and papers that differ from copy to copy without being unique in their table.
NAMED = frozenset({"order_number", "openid", "unionid", "payer_openid", "phone_hash", "number", "occasion"})
# "clerk:C-SZFT-01", "order:A26...", but never "entity:E-HQ": companies are shared.
TOLD = frozenset({"party", "actor", "cause", "ref"})
_OF_A_COPY = "^(clerk|store|member|order|reservation|refund|sale|accrue|reverse|release|pay|note)"


@dataclass(frozen=True)
class Copied:
    """One table: its columns, and for each the SQL of its value in copy ``n``.

    ``first``: what tells the rows of the first world from those of the copies that are there already.
    """

    name: str
    columns: tuple[str, ...]
    values: tuple[str, ...]
    first: str


def tables() -> list[Table]:
    """Every table of the house, those first that others refer to."""
    for module in pkgutil.iter_modules(models.__path__):
        importlib.import_module(f"models.{module.name}")
    return list(Base.metadata.sorted_tables)


def copied(filled: set[str]) -> list[Copied]:
    """How the tables in ``filled`` (those that have rows) are copied, in an order that can be inserted."""
    copies = {table.name for table in tables() if table.name in filled} - SHARED
    return [_copied(table, copies) for table in tables() if table.name in copies]


def _copied(table: Table, copies: set[str]) -> Copied:
    values = [_value(table, column, copies) for column in table.columns]
    moved = [
        (column.name, re.fullmatch(r"t\.\w+ \+ n \* :(\w+)", value))
        for column, value in zip(table.columns, values, strict=True)
    ]
    shifted = next(((name, match[1]) for name, match in moved if match), None)
    if shifted is None:
        raise ValueError(f"{table.name} has no column that differs from copy to copy; is it SHARED?")
    first = "t.id = any(:accounts)" if table.name == ACCOUNTS else f"t.{shifted[0]} <= :{shifted[1]}"
    return Copied(table.name, tuple(table.columns.keys()), tuple(values), first)


def _value(table: Table, column: Column[object], copies: set[str]) -> str:
    name = f"t.{column.name}"
    target = LOOSE.get((table.name, column.name)) or _refers_to(column)
    if target == ACCOUNTS:
        return f"case when {name} = any(:accounts) then {name} + n * :{ACCOUNTS} else {name} end"
    if target in copies:
        return f"{name} + n * :{target}"
    if column.name == "id":
        return f"{name} + n * :{table.name}"
    if column.name == "is_default_landing":
        return "false"
    if isinstance(column.type, JSONB):
        return f"pg_temp.told({name}, n, :touch)"
    if isinstance(column.type, TEXT) and column.name in TOLD:
        return f"case when {name} ~ '{_OF_A_COPY}' then {name} || '~' || n else {name} end"
    if isinstance(column.type, TEXT) and (column.name in NAMED or column.name in set(_unique(table))):
        return f"{name} || '~' || n"
    return name


def _refers_to(column: Column[object]) -> str | None:
    """The table whose ids the column holds: a commission line, for one, has the id of its order line."""
    target = next((key.column for key in column.foreign_keys), None)
    if target is None:
        return None
    return _refers_to(target) or target.table.name


def _unique(table: Table) -> Iterator[str]:
    for constraint in (*table.constraints, *(index for index in table.indexes if index.unique)):
        if isinstance(constraint, UniqueConstraint) or constraint in table.indexes:
            yield from (column.name for column in constraint.columns)
    yield from (column.name for column in table.primary_key.columns)
