"""Which function does which job, what runs on a schedule, and the worker that runs them. No business logic.

A job runs at least once and finds out from the tables whether its work is already done.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.jobs import Status
from sqlalchemy import text

from app.attribution import adopting, forgetting, serving
from app.base.db import open_snapshot
from app.base.queue import defer
from app.codes import batch, campaigns, withdrawing
from app.codes.making import CodePage
from app.commission import merging, release
from app.conversation import late
from app.conversation.intent import Intent, Wish
from app.dry_run import running
from app.kpi import following, sweeping
from app.logs import set_up_logging
from app.members import learning
from app.members import tidying as members_tidying
from app.operators import roster
from app.orders import tidying as orders_tidying
from app.payments import checking, refunding, stopping
from app.payout import papers, paying_out, transferring
from app.payout import sharing as profit_sharing
from app.relations import bounty, handing_over, leaving, tasks, telling
from app.review import deciding, detecting, disputing, findings
from app.review import telling as review_telling
from app.settings import Settings
from app.settlement import batches, working
from app.tills import letting_in
from app.wiring import Parts, build
from models.review import RiskRule

Job = Callable[..., Any]

# A worker whose heart has not beaten for this long is dead: its jobs are given to others.
STALLED_S = 30
HEARTBEAT_S = 5
KEEP_JOBS_H = 72
RELEASE_BATCH = 500
# 2 s, 4 s, 8 s ... about half an hour in all; after that the janitors go on.
RETRY = RetryStrategy(max_attempts=10, exponential_wait=2)
_TRY_LOCK = text("select pg_try_advisory_lock(hashtextextended(:key, 0))")
_UNLOCK = text("select pg_advisory_unlock(hashtextextended(:key, 0))")


def _send_refund(p: Parts, *, refund_id: int) -> None:
    refunding.send(p.tx, p.wechat.pay, refund_id=refund_id, notify_url=p.settings.refunded_url, now=p.now())


def _learn_fan(p: Parts, *, identity_id: int) -> None:
    learning.learn_fan(p.tx, p.wechat.oa, identity_id=identity_id, now=p.now())


def _tell_clerk(p: Parts, *, clerk_id: int, touch_id: int) -> None:
    serving.tell_clerk(p.tx, p.wechat.oa, clerk_id=clerk_id, touch_id=touch_id, now=p.now())


def _answer_late(p: Parts, *, identity_id: int, key: str, wish: str, about: str) -> None:
    intent = Intent(Wish(wish), about)
    late.answer_late(p.tx, p.wechat.oa, identity_id=identity_id, key=key, intent=intent, now=p.now())


def _member_merged(p: Parts, *, survivor_id: int, loser_id: int) -> None:
    with p.tx() as session:
        facts = {"survivor_id": survivor_id, "loser_id": loser_id}
        adopting.adopt(session, **facts, now=p.now())
        again_at = merging.reattribute(session, **facts, at=p.now())
        if again_at is not None and again_at > p.now():
            defer(session, "member_merged", at=again_at, **facts)


def _hand_over(p: Parts, *, handover_id: int) -> None:
    handing_over.run(p.tx, handover_id=handover_id, now=p.now())


def _tell_handover(p: Parts, *, handover_id: int, member_id: int) -> None:
    telling.tell_handover(p.tx, p.wechat.oa, handover_id=handover_id, member_id=member_id, now=p.now())


def _resume_handovers(p: Parts) -> None:
    handing_over.resume(p.tx, now=p.now())


def _clerks_leave(p: Parts) -> None:
    leaving.leave_due(p.tx, now=p.now())


def _make_tasks(p: Parts) -> None:
    tasks.make_due(p.tx, now=p.now())


def _make_keeping_tasks(p: Parts) -> None:
    tasks.make_keeping(p.tx, now=p.now())


def _bounties(p: Parts) -> None:
    bounty.judge_due(p.tx, now=p.now())
    while True:
        with p.tx() as session:
            if bounty.release_due(session, now=p.now()) < bounty.BATCH:
                return


def _revoke_clerk_codes(p: Parts, *, clerk_id: int) -> None:
    with p.tx() as session:
        withdrawing.revoke_clerk_codes(session, clerk_id=clerk_id, now=p.now())


def _make_campaign_codes(p: Parts, *, campaign_id: int) -> None:
    campaigns.make_codes(
        p.tx, p.wechat.oa, p.wechat.mp, campaign_id=campaign_id, page=_code_page(p), now=p.now()
    )


def _run_code_batch(p: Parts, *, number: str) -> None:
    batch.run(p.tx, p.wechat.oa, p.wechat.mp, number=number, page=_code_page(p), clock=p.now)


def _code_page(p: Parts) -> CodePage:
    return CodePage(p.settings.mp_code_page, p.settings.mp_env_version)


def _renew_campaign_codes(p: Parts) -> None:
    campaigns.renew_due(p.tx, p.wechat.oa, now=p.now())


def _forget_touches(p: Parts) -> None:
    while True:
        with p.tx() as session:
            if not forgetting.forget_touches(session, now=p.now()):
                return


def _expire_orders(p: Parts) -> None:
    stopping.expire_due(p.tx, p.wechat.pay, vault=p.vault, now=p.now())


def _check_payments(p: Parts) -> None:
    checking.check_payments(p.tx, p.wechat.pay, vault=p.vault, now=p.now())


def _check_refunds(p: Parts) -> None:
    checking.check_refunds(p.tx, p.wechat.pay, notify_url=p.settings.refunded_url, now=p.now())


def _release_commission(p: Parts) -> None:
    # In batches, each its own transaction, until nothing is due.
    while True:
        with p.tx() as session:
            if release.release_due(session, now=p.now(), limit=RELEASE_BATCH) < RELEASE_BATCH:
                return


def _count_kpi(p: Parts) -> None:
    while True:
        with p.tx() as session:
            if not sweeping.sweep(session):
                return


def _measure_follows(p: Parts) -> None:
    while True:
        with p.tx() as session:
            if not following.measure(session, now=p.now()):
                return


def _settlement_work(p: Parts, *, number: str) -> None:
    working.drive(p.tx, number=number, now=p.now())


def _settle_month(p: Parts) -> None:
    with p.tx() as session:
        batches.create_due(session, at=p.now())
        waiting = working.unfinished(session)
    for number in waiting:
        working.drive(p.tx, number=number, now=p.now())


def _tell_dispute(p: Parts, *, step_id: int) -> None:
    review_telling.tell_dispute(p.tx, p.wechat.oa, step_id=step_id, now=p.now())


def _tell_finding(p: Parts, *, finding_id: int) -> None:
    review_telling.tell_finding(p.tx, p.wechat.oa, finding_id=finding_id, now=p.now())


def _mind_disputes(p: Parts) -> None:
    for step in (disputing.hear, disputing.end_hearings, deciding.apply_due):
        while True:
            with p.tx() as session:
                if not step(session, now=p.now()):
                    break


def _look_for_fraud(p: Parts) -> None:
    for rule in RiskRule:
        with p.tx() as session:
            detecting.detect(session, rule, vault=p.vault, now=p.now())
    with p.tx() as session:
        numbers = findings.living(session, now=p.now())
    for number in numbers:
        with p.tx() as session:
            findings.hold_rows(session, number, now=p.now())


def _tidy(p: Parts) -> None:
    for step in (members_tidying.tidy, orders_tidying.tidy, roster.tidy, letting_in.forget_nonces):
        while True:
            with p.tx() as session:
                if not step(session, now=p.now()):
                    break


def _dry_run(p: Parts, *, number: str) -> None:
    running.run(p.tx, open_snapshot(p.engine), number=number, now=p.now)


def _purse(p: Parts) -> transferring.Purse:
    return transferring.Purse(p.settings.pay_mchid, p.settings.mp_appid, p.settings.transferred_url)


def _transfer_changed(p: Parts, *, out_bill_no: str) -> None:
    transferring.changed(p.tx, p.wechat.pay, _purse(p), out_bill_no=out_bill_no, now=p.now())


def _book_papers(p: Parts, *, papers_id: int) -> None:
    papers.book(p.tx, papers_id=papers_id)


def _pay_out(p: Parts) -> None:
    paying_out.run(p.tx, p.wechat.pay, _purse(p), now=p.now)


def _share_profit(p: Parts) -> None:
    profit_sharing.run(p.tx, p.wechat.pay, now=p.now())


# Asked for by name (app.base.queue.defer); arguments are small JSON values.
JOBS: dict[str, Job] = {
    "send_refund": _send_refund,
    "learn_fan": _learn_fan,
    "tell_clerk": _tell_clerk,
    "answer_late": _answer_late,
    "dry_run": _dry_run,
    "member_merged": _member_merged,
    "revoke_clerk_codes": _revoke_clerk_codes,
    "make_campaign_codes": _make_campaign_codes,
    "run_code_batch": _run_code_batch,
    "hand_over": _hand_over,
    "transfer_changed": _transfer_changed,
    papers.JOB: _book_papers,
    "tell_handover": _tell_handover,
    batches.JOB: _settlement_work,
    "tell_dispute": _tell_dispute,
    "tell_finding": _tell_finding,
}

# (cron, seconds last; name; function). Every worker offers each tick, exactly one runs it.
SCHEDULE: tuple[tuple[str, str, Job], ...] = (
    ("* * * * * */5", "expire_orders", _expire_orders),
    ("* * * * * */15", "check_payments", _check_payments),
    ("* * * * * */30", "check_refunds", _check_refunds),
    ("*/5 * * * * 10", "release_commission", _release_commission),
    ("* * * * * */20", "pay_out", _pay_out),
    ("* * * * * 30", "share_profit", _share_profit),
    ("* * * * * */20", "count_kpi", _count_kpi),
    ("5,35 * * * *", "measure_follows", _measure_follows),
    # SET-1 on the 10th, and whatever work of a batch a worker left undone.
    ("*/10 * * * * 40", "settle_month", _settle_month),
    ("* * * * * 40", "mind_disputes", _mind_disputes),
    ("*/10 * * * * 50", "look_for_fraud", _look_for_fraud),
    ("17 * * * *", "tidy", _tidy),
    ("41 * * * *", "renew_campaign_codes", _renew_campaign_codes),
    ("23 3 * * *", "forget_touches", _forget_touches),
    ("*/10 * * * * 40", "resume_handovers", _resume_handovers),
    # 00:05 in Shanghai: the last day has just ended.
    ("5 16 * * *", "clerks_leave", _clerks_leave),
    ("*/15 * * * * 50", "make_tasks", _make_tasks),
    ("35 18 * * *", "make_keeping_tasks", _make_keeping_tasks),
    ("15 17 * * *", "bounties", _bounties),
)


def queue_of(parts: Parts, *, pool_size: int) -> App:
    """The procrastinate app with both tables and its own upkeep hung in."""
    url = parts.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    queue = App(connector=PsycopgConnector(conninfo=url, max_size=pool_size))
    for name, job in JOBS.items():
        _hang(queue, parts, name, job, retry=RETRY)
    for cron, name, job in SCHEDULE:
        queue.periodic(cron=cron)(_hang(queue, parts, name, job, periodic=True))
    _keep_up(queue)
    return queue


def run_worker(settings: Settings) -> None:
    """Run jobs until SIGTERM or SIGINT; jobs under way get ten seconds to end, the rest is run again later."""
    set_up_logging(settings.log_level)
    parts = build(settings, pool_size=2 * settings.worker_concurrency + 1)
    try:
        asyncio.run(_work(parts, settings.worker_concurrency))
    finally:
        parts.close()


async def _work(parts: Parts, concurrency: int) -> None:
    queue = queue_of(parts, pool_size=concurrency + 2)
    async with queue.open_async():
        await queue.run_worker_async(
            concurrency=concurrency,
            shutdown_graceful_timeout=10,
            update_heartbeat_interval=HEARTBEAT_S,
            stalled_worker_timeout=STALLED_S,
        )


def _hang(
    queue: App,
    parts: Parts,
    name: str,
    job: Job,
    *,
    periodic: bool = False,
    retry: RetryStrategy | bool = False,
) -> Any:
    def run(**facts: Any) -> None:
        if not periodic:
            job(parts, **facts)
            return
        with alone(parts, name) as is_ours:
            if is_ours:
                job(parts)

    run.__name__ = name
    # A tick that finds the last one still waiting is dropped; there is no ``lock``, a dead holder would block it.
    return queue.task(name=name, retry=retry, queueing_lock=name if periodic else None)(run)


@contextmanager
def alone(parts: Parts, name: str) -> Iterator[bool]:
    """Whether no other worker is at this scheduled job: ticks of a slow one must not take every slot.

    The lock belongs to the connection, so a worker that dies gives it back.
    """
    lock = {"key": f"schedule {name}"}
    with parts.read() as connection:
        is_ours = bool(connection.execute(_TRY_LOCK, lock).scalar())
        try:
            yield is_ours
        finally:
            if is_ours:
                connection.execute(_UNLOCK, lock)


def _keep_up(queue: App) -> None:
    @queue.periodic(cron="* * * * * */20")
    @queue.task(name="reap", queueing_lock="reap", pass_context=True)
    async def reap(context: JobContext, timestamp: int) -> None:
        manager = queue.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
            # A stalled tick is over: the next one does its work. Two of them could not wait at once.
            if job.queueing_lock is not None:
                await manager.finish_job(job, Status.ABORTED, delete_job=False)
            else:
                await manager.retry_job(job)

    @queue.periodic(cron="7 4 * * *")
    @queue.task(name="forget_jobs", queueing_lock="forget_jobs", pass_context=True)
    async def forget_jobs(context: JobContext, timestamp: int) -> None:
        await queue.job_manager.delete_old_jobs(nb_hours=KEEP_JOBS_H)
