"""What a replay asks of the database: no statement reads a table that grows with customers from end to end."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import TextClause, text

from app.base.db import Tx
from app.dry_run import evidence
from tests.make import a_shop

AT = datetime(2026, 3, 1, tzinfo=UTC)
ONE: dict[str, Any] = {"orders": [1], "members": [1], "ats": [AT]}
ASKED: dict[str, tuple[TextClause, dict[str, Any]]] = {
    "period": (evidence._PERIOD, {"since": AT, "until": AT}),
    "orders": (evidence._ORDERS, {"after_id": 1, "last_id": 9, "since": AT, "until": AT, "limit": 5}),
    "lines": (evidence._LINES, {"orders": [1]}),
    "shares": (evidence._SHARES, {"lines": [1]}),
    "refunds": (evidence._REFUNDS, {"lines": [1]}),
    "touches": (
        evidence._TOUCHES,
        ONE | {"days": [AT.date()], "sinces": [AT], "kinds": ["SCAN"], "known": [1]},
    ),
    "bought": (evidence._BOUGHT, ONE),
}
BIG = (
    "orders",
    "order_line",
    "commission_line",
    "commission_share",
    "commission_reversal",
    "touch",
    "member",
)


@pytest.mark.parametrize("name", ASKED)
def test_no_statement_reads_a_big_table_from_end_to_end(tx: Tx, name: str) -> None:
    statement, facts = ASKED[name]
    with tx() as session:
        a_shop(session)
        # On a small table reading all of it is right; with that forbidden, an index must be able to serve.
        for shortcut in ("seqscan", "hashjoin", "mergejoin"):
            session.execute(text(f"set local enable_{shortcut} = off"))
        plan = "\n".join(row[0] for row in session.execute(text(f"explain {statement.text}"), facts))
    read_whole = re.findall(r"Seq Scan on (\w+)", plan)
    assert not set(read_whole) & set(BIG), plan
