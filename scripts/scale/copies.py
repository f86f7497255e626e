"""Copying the small world: set-based statements, table by table, a few copies at a time."""

from collections.abc import Callable

from sqlalchemy import Connection, Engine, text

from scripts.scale.shape import Copied, copied, tables

STEP = 4
# Names of people and places in what was frozen on a line, and the touches that it gives as evidence.
_TOLD = """
    create or replace function pg_temp.told(told jsonb, n bigint, touches bigint) returns jsonb
    language sql immutable as $$
        select case when told is null then null
            when told ? 'parties' then told || jsonb_build_object('parties', (
                select coalesce(jsonb_agg(pg_temp.one(p, n, touches)), '[]')
                from jsonb_array_elements(told -> 'parties') p))
            else pg_temp.one(told, n, touches) end
    $$
    """
_ONE = """
    create or replace function pg_temp.one(told jsonb, n bigint, touches bigint) returns jsonb
    language sql immutable as $$
        select told
            || case when told ->> 'store' is null then '{}'
               else jsonb_build_object('store', (told ->> 'store') || '~' || n) end
            || case when told ->> 'touch' is null then '{}'
               else jsonb_build_object('touch', (told ->> 'touch')::bigint + n * touches) end
            || case when told ->> 'party' ~ '^(clerk|store):' then
               jsonb_build_object('party', (told ->> 'party') || '~' || n) else '{}' end
    $$
    """
# Accounts of a clerk or a store are copied, those of a company are shared.
_ACCOUNTS = text("select coalesce(array_agg(id), '{}') from ledger_account where name ~ ':(clerk|store):'")
_SEQUENCES = text(
    """
    select c.relname as name, pg_get_serial_sequence(quote_ident(c.relname), 'id') as sequence
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relkind = 'r' and a.attname = 'id' and a.attidentity <> '' and c.relnamespace = 'public'::regnamespace
    """
)


def multiply(engine: Engine, times: int, *, tell: Callable[[int, int, int], None]) -> int:
    """Add ``times - 1`` copies of everything that is not shared; answers how many rows were written.

    ``tell(copies done, all, rows)`` after every few copies, each of which is one transaction. Triggers and
    foreign keys are off meanwhile: every copy refers to itself as the first world does.
    """
    with engine.connect() as connection:
        filled = {one.name for one in tables() if _has_rows(connection, one.name)}
        facts = {name: _last(connection, name) for name in filled}
        accounts = list(connection.execute(_ACCOUNTS).scalar_one())
    plan = copied(filled)
    written = 0
    for first in range(1, times, STEP):
        last = min(first + STEP, times) - 1
        with engine.begin() as connection:
            connection.exec_driver_sql("set local session_replication_role = replica")
            connection.exec_driver_sql("set local statement_timeout = 0")
            connection.exec_driver_sql(_ONE)
            connection.exec_driver_sql(_TOLD)
            for table in plan:
                statement = text(_insert(table))
                moment = {**facts, "accounts": accounts, "first": first, "last": last}
                named = {name: moment[name] for name in statement.compile().params}
                written += connection.execute(statement, named).rowcount
        tell(last, times, written)
    with engine.begin() as connection:
        for row in connection.execute(_SEQUENCES).all():
            connection.exec_driver_sql(
                f"select setval('{row.sequence}', (select coalesce(max(id), 1) from {row.name}))"
            )
    return written


def _insert(table: Copied) -> str:
    columns = ", ".join(f'"{name}"' for name in table.columns)
    return (
        f"insert into {table.name} ({columns}) overriding system value select {', '.join(table.values)}"
        f" from {table.name} t cross join generate_series(cast(:first as bigint), :last) n where {table.first}"
    )


def _has_rows(connection: Connection, table: str) -> bool:
    return bool(connection.exec_driver_sql(f"select exists (select from {table})").scalar())


def _last(connection: Connection, table: str) -> int:
    columns = {one.name: one.columns.keys() for one in tables()}[table]
    if "id" not in columns:
        return 0
    return int(connection.exec_driver_sql(f"select coalesce(max(id), 0) from {table}").scalar() or 0)
