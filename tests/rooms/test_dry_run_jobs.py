"""Dry runs as jobs: asked for once, done by one worker, kept, and looked at page by page."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.base.db import Tx, open_snapshot
from app.base.errors import Invalid, NotFound
from app.dry_run import asking, running
from app.dry_run.replaying import DraftRef
from models.dry_run import DryRunState
from models.policies import PolicyMode
from tests.make import a_shop
from tests.racing import at_once
from tests.rooms.test_dry_run import NOW, SINCE, UNTIL, A, C, a_draft, the_vector


def asked(session: Session, policy: DraftRef, **given: Any) -> str:
    facts: dict[str, Any] = {"since": SINCE, "until": UNTIL, "by": "operator:O-1", "now": NOW}
    return asking.ask(session, code=policy.code, version=policy.version, **facts | given)


@pytest.mark.usefixtures("right_books")
def test_a_run_is_asked_for_done_by_a_worker_and_kept(engine: Engine, tx: Tx) -> None:
    with tx() as session:
        the_vector(session)
        policy = a_draft(session, PolicyMode.LAST_TOUCH)
        number = asked(session, policy)
        assert asked(session, policy) == number
        waiting = asking.get_report(session, number)
        assert (waiting.state, waiting.result, waiting.gainers) == (DryRunState.WAITING, None, [])
        assert asking.parties_of(session, number) == []
        jobs = session.execute(text("select args from procrastinate_jobs where task_name = 'dry_run'"))
        assert [row.args for row in jobs] == [{"number": number}]
    for _ in range(2):
        running.run(tx, open_snapshot(engine), number=number, now=lambda: NOW)
    with tx() as session:
        done = asking.get_report(session, number)
        assert (done.state, done.orders_done, done.orders_total) == (DryRunState.DONE, 1, 1)
        assert done.result is not None
        assert done.result["whole"] == {"now_fen": 1495, "then_fen": 1495, "delta_fen": 0}
        assert [(row["party"], row["delta_fen"]) for row in done.gainers] == [(f"clerk:{C}", 1196)]
        assert [(row["party"], row["delta_fen"]) for row in done.losers] == [
            (f"clerk:{A}", -748),
            ("store:SZ-FT", -448),
        ]
        first = asking.parties_of(session, number, limit=2)
        rest = asking.parties_of(session, number, after=first[-1][0])
        assert [party["party"] for _, party in first + rest] == [f"clerk:{C}", "store:SZ-FT", f"clerk:{A}"]
        assert asked(session, policy) != number
        assert [report.number for report in asking.find_reports(session)][-1] == number
        with pytest.raises(NotFound):
            asking.get_report(session, "D-NONE")
        with pytest.raises(NotFound):
            asking.parties_of(session, "D-NONE")


def test_two_workers_at_once_do_a_run_once(engine: Engine, tx: Tx) -> None:
    with tx() as session:
        the_vector(session)
        number = asked(session, a_draft(session, PolicyMode.LAST_TOUCH))
    at_once(4, lambda _: running.run(tx, open_snapshot(engine), number=number, now=lambda: NOW))
    with tx() as session:
        assert asking.get_report(session, number).state is DryRunState.DONE


@pytest.mark.parametrize(
    "given",
    [{"until": SINCE}, {"until": NOW + timedelta(seconds=1)}, {"since": SINCE - timedelta(days=1100)}],
)
def test_a_period_that_cannot_be_replayed_is_refused(tx: Tx, given: dict[str, Any]) -> None:
    with tx() as session:
        a_shop(session)
        policy = a_draft(session, PolicyMode.LAST_TOUCH)
    with pytest.raises(Invalid) as refused, tx() as session:
        asked(session, policy, **given)
    assert set(refused.value.fields) == {"until"}
    with tx() as session:
        assert asking.find_reports(session) == []
