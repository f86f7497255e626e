"""A brand at scale: the copies of a small world are as right as the world that the rooms made."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from app.base.clock import utc_now
from app.base.db import open_engine
from app.base.vault import Vault
from scripts.check_books import broken, report
from scripts.make_scale import CLERKS, fill
from scripts.scale.shape import SHARED, copied, tables

WORLD, TIMES = 40, 6


@pytest.fixture
def filled(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url, pool_size=2, statement_s=60)
    members = WORLD * TIMES
    fill(engine, Vault("k" * 64), members=members, world=WORLD, until=utc_now(), say=lambda _: None)
    yield engine
    engine.dispose()


def count(engine: Engine, what: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"select count(*) from {what}")).scalar_one())


def test_copies_are_as_many_as_asked_and_their_books_are_right(filled: Engine) -> None:
    assert count(filled, "member") == WORLD * TIMES
    assert count(filled, "clerk") == CLERKS * TIMES
    assert count(filled, "order_line") == WORLD * 3 * TIMES
    assert count(filled, "commission_reversal") > 0
    assert (
        count(
            filled,
            "(select distinct coalesce(substring(party from '~.*'), '') from commission_share"
            " where party_kind = 'CLERK') copies",
        )
        == TIMES
    )
    with filled.connect() as connection:
        found = broken(connection)
    assert found == [], report(found)


def test_evidence_of_a_copy_is_a_touch_of_its_own_member(filled: Engine) -> None:
    foreign = """
        order_line l join orders o on o.id = l.order_id
        cross join jsonb_array_elements(l.credit_snapshot -> 'parties') p
        join touch t on t.id = (p ->> 'touch')::bigint where t.member_id <> o.member_id
        """
    assert count(filled, foreign) == 0
    assert (
        count(
            filled,
            "commission_share s where not exists (select from clerk c where 'clerk:' || c.code = party)"
            " and party_kind = 'CLERK'",
        )
        == 0
    )


def test_a_filled_database_is_not_filled_again(filled: Engine) -> None:
    with pytest.raises(SystemExit, match="empty"):
        fill(filled, Vault("k" * 64), members=1, world=1, until=utc_now(), say=lambda _: None)
    assert count(filled, "member") == WORLD * TIMES


def test_every_table_is_shared_or_can_be_copied() -> None:
    names = {table.name for table in tables()}
    assert names >= SHARED
    assert {one.name for one in copied(names)} == names - SHARED


def test_what_migrations_bring_is_shared(engine: Engine) -> None:
    brought = {table.name for table in tables() if count(engine, table.name)}
    assert brought - SHARED == set()
