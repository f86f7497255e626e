"""The worker's tables: every job that a room asks for has a function, and ticks do their work."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from app import jobs
from app.base import queue
from app.base.db import Tx
from app.orders import tidying
from app.wiring import Parts
from tests import make
from tests.live import Live

ROOT = Path(__file__).resolve().parents[2]


def test_every_job_that_is_asked_for_has_a_function() -> None:
    asked = set()
    for path in (ROOT / "app").rglob("*.py"):
        asked |= set(re.findall(r'defer\(\s*session,\s*"(\w+)"', path.read_text()))
    assert asked >= {"learn_fan", "tell_clerk", "member_merged"}
    assert asked <= set(jobs.JOBS)
    assert "send_refund" in jobs.JOBS


def test_a_job_vanishes_with_the_work_it_belongs_to(tx: Tx) -> None:
    with tx() as session:
        queue.defer(session, "send_refund", refund_id=1)
        session.rollback()
    with tx() as session:
        assert make.count(session, "procrastinate_jobs") == 0


def test_a_job_may_wait_for_its_time(tx: Tx) -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    with tx() as session:
        queue.defer(session, "send_refund", at=at, refund_id=7)
    with tx() as session:
        row = session.execute(
            text("select task_name, args, scheduled_at, status from procrastinate_jobs")
        ).one()
    assert tuple(row) == ("send_refund", {"refund_id": 7}, at, "todo")


def test_answers_are_forgotten_after_a_week_and_not_before(tx: Tx) -> None:
    now = datetime.now(UTC)
    with tx() as session:
        for age in (6, 8):
            session.execute(
                text(
                    "insert into idempotent_answer (caller, key, operation, input_hash, status, body, created_at)"
                    " values ('m', :key, 'o', 'h', 200, '', :at)"
                ),
                {"key": f"key-{age}", "at": now - timedelta(days=age)},
            )
    with tx() as session:
        assert [tidying.tidy(session, now=now) for _ in range(2)] == [1, 0]
        assert session.execute(text("select key from idempotent_answer")).scalar_one() == "key-6"


def test_the_worker_stops_unpaid_orders_by_itself(live: Live, parts: Parts) -> None:
    with parts.tx() as session:
        make.a_shop(session)
        make.stock(session, "AP-1002-M", 5)
        make.an_order(session, make.a_buyer(session))
        session.execute(text("update orders set expires_at = now() - interval '1 second'"))

    def stopped() -> bool:
        with parts.tx() as session:
            return make.count(session, "orders", "state = 'CANCELLED' and cancel_reason = 'TIMEOUT'") == 1

    live.wait_for(stopped, timeout_s=30)
    with parts.tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (5, 0)


def test_two_ticks_of_a_scheduled_job_never_run_at_once(parts: Parts) -> None:
    with jobs.alone(parts, "expire_orders") as first, jobs.alone(parts, "expire_orders") as second:
        assert (first, second) == (True, False)
        with jobs.alone(parts, "check_payments") as other:
            assert other is True
    with jobs.alone(parts, "expire_orders") as again:
        assert again is True


def test_stalled_ticks_of_a_killed_worker_do_not_stop_the_reaper(live: Live, parts: Parts) -> None:
    """Two stalled ticks share one queueing lock; behind them a stalled refund waits to be run again."""
    with parts.tx() as session:
        for name, lock in (
            ("expire_orders", "expire_orders"),
            ("expire_orders", "expire_orders"),
            ("member_merged", None),
        ):
            session.execute(
                text(
                    "insert into procrastinate_jobs (queue_name, task_name, queueing_lock, args, status)"
                    " values ('default', :name, :lock, :args, 'doing')"
                ),
                {
                    "name": name,
                    "lock": lock,
                    "args": '{"survivor_id": 1, "loser_id": 2}' if lock is None else '{"timestamp": 0}',
                },
            )

    def settled() -> bool:
        with parts.tx() as session:
            return (
                make.count(
                    session, "procrastinate_jobs", "task_name = 'member_merged' and status = 'succeeded'"
                )
                == 1
            )

    live.wait_for(settled, timeout_s=60)
    with parts.tx() as session:
        assert make.count(session, "procrastinate_jobs", "task_name = 'reap' and status = 'failed'") == 0
        assert (
            make.count(session, "procrastinate_jobs", "task_name = 'expire_orders' and status = 'aborted'")
            == 2
        )
