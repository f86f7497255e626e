"""What the questions of the clerk's phone and of head office ask of the database: no big table from end to end.

On a small table reading all of it is right. With that forbidden an index has to be able to serve.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from app.base.clock import local_day, utc_now
from app.base.db import open_engine
from app.base.scope import Scope
from app.base.vault import Vault
from app.commission import statement
from app.commission.explaining import explain_order
from app.kpi import boards, figures
from app.kpi.periods import read_period
from app.payout import reading as payouts
from app.relations.fans import fans
from app.relations.story import explain_customer
from scripts.make_scale import fill

# What grows with customers.
BIG = frozenset(
    {"acquisition", "identity", "member", "service_binding", "touch"}
    | {
        "order_event",
        "order_line",
        "orders",
        "payment",
        "refund",
        "refund_line",
        "reservation",
        "stock_movement",
    }
    | {"commission_batch_row", "commission_entry", "commission_line", "commission_share"}
    | {"kpi_clerk_credit", "kpi_credit", "ledger_account", "ledger_transfer"}
)
NOW = utc_now()
VAULT = Vault("k" * 64)
CLERK = "C-SZFT-01"
Ask = Callable[[Connection], object]


@pytest.fixture
def filled(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url, pool_size=2, statement_s=60)
    fill(engine, VAULT, members=30, world=30, until=NOW, say=lambda _: None)
    yield engine
    engine.dispose()


def one(connection: Connection, sql: str) -> Any:
    """The only value of a query."""
    return connection.execute(text(sql)).scalar_one()


def questions(connection: Connection) -> dict[str, Ask]:
    """What is asked often, of people who exist."""
    order = one(connection, "select max(order_number) from commission_line")
    member = one(connection, "select min(number) from member")
    clerk_id = one(connection, f"select id from clerk where code = '{CLERK}'")
    party, month = f"clerk:{CLERK}", f"{local_day(NOW):%Y-%m}"
    day = read_period(f"{local_day(NOW)}")
    return {
        "explain an order": lambda reader: explain_order(reader, order),
        "explain a customer": lambda reader: explain_customer(
            reader, VAULT, member_number=member, scope=Scope()
        ),
        "a clerk's fans": lambda reader: fans(reader, VAULT, clerk_id=clerk_id, before=None, limit=20),
        "a clerk's summary": lambda reader: statement.clerk_summary(reader, party, now=NOW),
        "a clerk's rows": lambda reader: statement.rows(reader, party, before_id=9),
        "a clerk's month": lambda reader: statement.month(reader, party, month=month),
        "a clerk's payouts": lambda reader: payouts.own_transfers(reader, party),
        "a clerk's figures": lambda reader: figures.of_clerks(reader, [CLERK], day),
        "a store's leaderboard": lambda reader: boards.clerks(
            reader, boards.circle(reader, "SZ-FT", "store"), day
        ),
    }


def plans(engine: Engine, ask: Ask) -> list[str]:
    """The plan of every statement that a question sends."""
    heard: list[tuple[str, Any]] = []

    def hear(_: Any, __: Any, sql: str, given: Any, ___: Any, ____: Any) -> None:
        heard.append((sql, given))

    with engine.connect() as connection:
        event.listen(engine, "before_cursor_execute", hear)
        try:
            ask(connection)
        finally:
            event.remove(engine, "before_cursor_execute", hear)
        for shortcut in ("seqscan", "hashjoin", "mergejoin"):
            connection.exec_driver_sql(f"set local enable_{shortcut} = off")
        return [
            "\n".join(row[0] for row in connection.exec_driver_sql(f"explain {sql}", given))
            for sql, given in heard
        ]


def whole_reads(plan: str) -> set[str]:
    """The big tables that a plan reads from end to end, or all of an index of, which is the same in another dress."""
    found = set(re.findall(r"Seq Scan on (\w+)", plan)) & BIG
    for scan in re.split(r"\n\s*->", plan):
        used = re.search(r"Index (?:Only )?Scan(?: Backward)? using \w+ on (\w+)", scan)
        if used and used[1] in BIG and "Index Cond" not in scan:
            found.add(used[1])
    return found


def test_no_question_reads_a_big_table_from_end_to_end(filled: Engine) -> None:
    with filled.connect() as connection:
        asked = questions(connection)
    for question, ask in asked.items():
        found = plans(filled, ask)
        assert found, question
        for plan in found:
            assert whole_reads(plan) == set(), f"{question}:\n{plan}"


def test_a_whole_read_is_noticed(filled: Engine) -> None:
    (plan,) = plans(
        filled, lambda reader: reader.execute(text("select count(*) from touch where valid")).scalar()
    )
    assert whole_reads(plan) == {"touch"}
