"""The short way of a transaction's plain SQL: the same answers, errors and care as the usual way."""

import time

import pytest
from sqlalchemy import Engine, event, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from app.base.db import Tx, open_engine, open_read, open_stroke, open_tx
from app.base.step import Answer, Reader
from models.members import Member


def test_rows_are_read_by_name_and_position(tx: Tx) -> None:
    with tx() as session:
        row = session.execute(
            text("select cast(:one as bigint) as one, :two as two"), {"one": 1, "two": "b"}
        ).one()
        assert (row.one, row[1], dict(row._mapping)) == (1, "b", {"one": 1, "two": "b"})
        assert session.execute(text("select 1 where false")).first() is None
        numbers = text("select generate_series(1, :n) as n")
        assert session.execute(numbers, {"n": 3}).scalars().all() == [1, 2, 3]
        assert session.execute(numbers, {"n": 2}).mappings().all() == [{"n": 1}, {"n": 2}]


def test_percent_signs_and_casts_mean_what_they_say(tx: Tx) -> None:
    with tx() as session:
        assert session.execute(text("select 'a%b' like 'a%%'::text, 7 % 4")).one() == (True, 3)
        assert session.execute(text("select :x like 'a%'"), {"x": "ab"}).scalar() is True


def test_a_statement_without_rows_tells_how_many_it_changed(tx: Tx) -> None:
    with tx() as session:
        session.execute(text("create temporary table seen (n bigint) on commit drop"))
        answer = session.execute(text("insert into seen select generate_series(1, 5)"))
        assert isinstance(answer, Answer)
        assert (answer.rowcount, answer.all()) == (5, [])


def test_a_constraint_is_reported_as_sqlalchemy_reports_it(tx: Tx) -> None:
    twice = text(
        "insert into category (code, name, name_en, position) values ('x', 'x', 'x', 1), ('x', 'x', 'x', 1)"
    )
    with pytest.raises(IntegrityError) as caught, tx() as session:
        session.execute(twice)
    assert getattr(caught.value.orig, "sqlstate", "") == "23505"
    with tx() as session:
        assert session.execute(text("select count(*) from category")).scalar() == 0


def test_a_missing_value_is_refused(tx: Tx) -> None:
    with pytest.raises(DBAPIError), tx() as session:
        session.execute(text("select :there, :missing"), {"there": 1})


def test_a_broken_connection_is_given_up_and_the_next_transaction_works(tx: Tx) -> None:
    with pytest.raises(OperationalError) as caught, tx() as session:
        session.execute(text("select pg_terminate_backend(pg_backend_pid())"))
    assert caught.value.connection_invalidated
    with tx() as session:
        assert session.execute(text("select 1")).scalar() == 1


def test_whoever_wants_to_hear_of_statements_asks_for_it(tx: Tx, engine: Engine) -> None:
    heard: list[str] = []

    def listen(connection: object, cursor: object, statement: str, *rest: object) -> None:
        heard.append(statement)

    event.listen(engine, "before_cursor_execute", listen)
    try:
        with open_tx(engine, heard=True)() as session, open_read(engine, heard=True)() as connection:
            assert session.execute(text("select :n"), {"n": 1}).scalar() == 1
            assert connection.execute(text("select :n + 1"), {"n": 1}).scalar() == 2
        with tx() as session, open_read(engine)() as connection:
            assert session.execute(text("select :n"), {"n": 1}).scalar() == 1
            assert connection.execute(text("select :n"), {"n": 1}).scalar() == 1
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert heard == ["select %(n)s", "select %(n)s + 1"]


def test_everything_else_goes_the_usual_way(tx: Tx) -> None:
    with tx() as session:
        assert session.execute(select(Member.id)).all() == []
        session.execute(text("select :n"), [{"n": 1}, {"n": 2}])


def test_a_reader_answers_the_same_and_outlives_an_error(engine: Engine) -> None:
    read = open_read(engine)
    with read() as connection:
        assert isinstance(connection, Reader)
        assert connection.execute(text("select :n + 1 as n"), {"n": 1}).one().n == 2
        with pytest.raises(DBAPIError):
            connection.execute(text("select 1 / :n"), {"n": 0})
        assert connection.execute(text("select 1")).scalar() == 1


def test_a_reader_whose_connection_broke_is_followed_by_one_that_works(engine: Engine) -> None:
    read = open_read(engine)
    with pytest.raises(OperationalError) as caught, read() as connection:
        connection.execute(text("select pg_terminate_backend(pg_backend_pid())"))
    assert caught.value.connection_invalidated
    with read() as connection:
        assert connection.execute(text("select 1")).scalar() == 1


def test_a_savepoint_takes_back_only_what_came_after_it(tx: Tx) -> None:
    with tx() as session:
        session.execute(text("create temporary table kept (n bigint) on commit drop"))
        add = text("insert into kept values (:n)")
        session.execute(add, {"n": 1})
        savepoint = session.begin_nested()
        session.execute(add, {"n": 2})
        savepoint.rollback()
        session.execute(add, {"n": 3})
        with session.begin_nested():
            session.execute(add, {"n": 4})
        assert session.execute(text("select array_agg(n order by n) from kept")).scalar() == [1, 3, 4]


def test_idle_connections_that_broke_with_one_are_given_up_with_it(engine: Engine) -> None:
    read = open_read(engine)
    ask = text("select pg_backend_pid()")
    # The own one comes last, or nobody would hear of the others.
    end = text(
        "select pg_terminate_backend(cast(p.pid as int)) from unnest(cast(:pids as bigint[])) as p(pid)"
        " order by p.pid = pg_backend_pid()"
    )
    with read() as one, read() as two, read() as three:
        pids = [connection.execute(ask).scalar() for connection in (one, two, three)]
    with read() as connection, pytest.raises(OperationalError):
        connection.execute(end, {"pids": pids})
    for _ in pids:
        with read() as connection:
            assert connection.execute(text("select 1")).scalar() == 1


def test_a_stroke_commits_by_itself_and_leaves_the_connection_as_it_was(database_url: str, tx: Tx) -> None:
    engine = open_engine(database_url, pool_size=1)
    stroke = open_stroke(engine, deadline_s=5)
    add = text(
        "insert into category (code, name, name_en, position) values (:code, 'x', 'x', 1) returning code"
    )
    assert stroke(add, {"code": "x"}).scalar() == "x"
    with pytest.raises(IntegrityError) as caught:
        stroke(add, {"code": "x"})
    assert getattr(caught.value.orig, "sqlstate", "") == "23505"
    own = open_tx(engine)  # the pool has one connection: this is the stroke's
    twice = text(
        "insert into category (code, name, name_en, position) values ('y', 'y', 'y', 1), ('x', 'x', 'x', 1)"
    )
    with own() as session:
        assert session.execute(text("select pg_current_xact_id_if_assigned() is null")).scalar()
        session.execute(add, {"code": "z"})
        assert session.execute(text("select pg_current_xact_id_if_assigned() is null")).scalar() is False
    with pytest.raises(IntegrityError), own() as session:
        session.execute(twice)
    with tx() as session:
        assert session.execute(text("select array_agg(code order by code) from category")).scalar() == [
            "x",
            "z",
        ]
    engine.dispose()


def test_a_stroke_whose_connection_broke_is_followed_by_one_that_works(database_url: str) -> None:
    engine = open_engine(database_url, pool_size=1)
    stroke = open_stroke(engine, deadline_s=5)
    with pytest.raises(OperationalError) as caught:
        stroke(text("select pg_terminate_backend(pg_backend_pid())"), {})
    assert caught.value.connection_invalidated
    assert stroke(text("select 1"), {}).scalar() == 1
    engine.dispose()


def test_a_stroke_ends_at_its_deadline_and_the_next_one_works(database_url: str) -> None:
    engine = open_engine(database_url, pool_size=1, statement_s=30)
    stroke = open_stroke(engine, deadline_s=0.2)
    began_s = time.monotonic()
    with pytest.raises(OperationalError):
        stroke(text("select pg_sleep(20)"), {})
    assert time.monotonic() - began_s < 5
    assert stroke(text("select 1"), {}).scalar() == 1
    engine.dispose()


def test_a_stroke_at_a_server_that_is_away_fails_as_any_statement(tx: Tx) -> None:
    nowhere = open_stroke(open_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=1), deadline_s=5)
    with pytest.raises(OperationalError):
        nowhere(text("select 1"), {})
