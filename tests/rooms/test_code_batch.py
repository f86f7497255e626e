"""Codes for many: every clerk and store once, within WeChat's quota, whatever interrupts it."""

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from sqlalchemy import Engine, text

from app.base.db import Tx, open_read
from app.base.errors import NotFound
from app.base.scope import Scope
from app.codes import batch
from app.codes.batch import Batch
from app.codes.making import CodePage
from app.codes.materials import Brand, Wish, zipped
from app.posters.designs import Material
from scripts.make_codes import bar
from tests.make import a_shop, count
from tests.people import set_clerk
from tests.racing import at_once
from tests.telephone import Telephone, a_telephone

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
PAGE = CodePage("pages/index/index")
CREATE, DRAW = "/cgi-bin/qrcode/create", "/wxa/getwxacodeunlimit"


@pytest.fixture
def phone() -> Iterator[Telephone]:
    with a_telephone() as telephone:
        yield telephone


@pytest.fixture
def number(tx: Tx) -> str:
    """A batch of two stores and four clerks."""
    with tx() as session:
        a_shop(session)
        return batch.start(session, scope=Scope(), by="operator:O-1", now=NOW)


def run(tx: Tx, phone: Telephone, number: str, *, most: int = 50, now: datetime = NOW) -> Batch:
    return batch.run(tx, phone.oa, phone.mp, number=number, page=PAGE, clock=lambda: now, most=most)


def test_every_clerk_and_store_gets_two_codes(tx: Tx, phone: Telephone, number: str) -> None:
    done = run(tx, phone, number)
    assert (done.state, done.total, done.done, done.failed) == ("DONE", 6, 6, 0)
    assert done.finished_at == NOW
    with tx() as session:
        assert count(session, "qr_code", "url is not null or image is not null") == 12
    assert run(tx, phone, number) == done
    assert (phone.count(CREATE), phone.count(DRAW)) == (6, 6)
    assert bar(done) == f"{number} [{'#' * 40}] 6 of 6"


def test_it_goes_on_where_it_stopped_and_asks_for_nothing_twice(
    tx: Tx, phone: Telephone, number: str
) -> None:
    for over in (2, 4, 6):
        assert run(tx, phone, number, most=2).done == over
    # Killed between WeChat's answer and our note: the item is open again, its codes are there.
    with tx() as session:
        session.execute(text("update code_batch_item set state = 'OPEN' where position = 3"))
        session.execute(text("update code_batch set done = 5, state = 'RUNNING', finished_at = null"))
    assert run(tx, phone, number).done == 6
    assert (phone.count(CREATE), phone.count(DRAW)) == (6, 6)


def test_four_who_run_it_at_once_make_nothing_twice_as_far_as_we_count(
    tx: Tx, phone: Telephone, number: str
) -> None:
    at_once(4, lambda _: run(tx, phone, number))
    with tx() as session:
        done = batch.get(session, number, scope=Scope())
        assert (done.state, done.done, done.failed) == ("DONE", 6, 0)
        assert count(session, "qr_code") == 12


@pytest.mark.parametrize(
    ("code", "until"),
    [
        # A day's quota: shortly after midnight in China. A minute's: a minute.
        (45009, datetime(2026, 3, 1, 16, 5, tzinfo=UTC)),
        (45011, NOW + timedelta(minutes=1)),
    ],
)
def test_a_used_up_quota_makes_it_wait_and_go_on(
    tx: Tx, phone: Telephone, number: str, code: int, until: datetime
) -> None:
    run(tx, phone, number, most=1)
    phone.refusals[CREATE] = code
    waits = run(tx, phone, number)
    assert (waits.state, waits.wait_until, waits.done, waits.failed) == ("WAITING", until, 1, 0)
    with tx() as session:
        queued = session.execute(
            text(
                "select scheduled_at from procrastinate_jobs where task_name = 'run_code_batch' order by id desc"
            )
        ).first()
    assert queued is not None
    assert queued.scheduled_at == until
    phone.refusals.clear()
    done = run(tx, phone, number, now=until)
    assert (done.state, done.done, done.wait_until) == ("DONE", 6, None)


def test_a_dead_line_makes_it_wait_a_minute(tx: Tx, phone: Telephone, number: str) -> None:
    phone.dead.add(DRAW)
    assert run(tx, phone, number).wait_until == NOW + timedelta(minutes=1)
    phone.dead.clear()
    assert run(tx, phone, number).done == 6
    assert phone.count(CREATE) == 6


def test_what_is_refused_for_good_fails_alone_with_its_reason(tx: Tx, phone: Telephone, number: str) -> None:
    with tx() as session:
        set_clerk(session, "C-SZFT-01", status="LEFT")
        session.execute(text("update store set status = 'CLOSED' where code = 'SZ-NS'"))
    done = run(tx, phone, number)
    with tx() as session:
        failures = {f.who: f.reason for f in batch.failures(session, done)}
    assert failures == {"C-SZFT-01": "CLERK_LEFT", "SZ-NS": "STORE_CLOSED"}
    assert (done.state, done.done, done.failed) == ("DONE", 4, 2)
    phone.refusals[CREATE] = 48001
    with tx() as session:
        set_clerk(session, "C-SZFT-01", status="ACTIVE")
        session.execute(text("delete from qr_code"))
        again = batch.start(session, scope=Scope(store="SZ-FT"), by="operator:O-1", now=NOW)
    refused = run(tx, phone, again)
    assert (refused.total, refused.failed) == (3, 3)
    with tx() as session:
        assert {f.reason for f in batch.failures(session, refused)} == {"WECHAT_48001"}


def test_a_stopped_batch_stays_stopped(tx: Tx, phone: Telephone, number: str) -> None:
    run(tx, phone, number, most=1)
    with tx() as session:
        batch.stop(session, number=number, scope=Scope(), now=NOW)
    stopped = run(tx, phone, number)
    assert (stopped.state, stopped.done) == ("STOPPED", 1)


@pytest.mark.usefixtures("number")
def test_a_batch_is_seen_only_within_its_scope(tx: Tx) -> None:
    with tx() as session:
        mine = batch.start(session, scope=Scope(store="SZ-FT"), by="operator:O-2", now=NOW)
        assert batch.get(session, mine, scope=Scope(store="SZ-FT")).total == 3
        assert batch.get(session, mine, scope=Scope(entity="E-HQ")).number == mine
        for scope in (Scope(store="SZ-NS"), Scope(entity="E-WF1")):
            with pytest.raises(NotFound):
                batch.get(session, mine, scope=scope)
        assert [
            one.number for one in batch.page(session, scope=Scope(store="SZ-FT"), before=99, limit=9)
        ] == [mine]


def test_the_zip_holds_one_picture_for_each_and_comes_in_pieces(
    tx: Tx, phone: Telephone, number: str, engine: Engine
) -> None:
    done = run(tx, phone, number)
    pieces = list(
        zipped(
            open_read(engine),
            batch_id=done.row_id,
            total=done.total,
            app="OA",
            wish=Wish(Material.BADGE, "png"),
            brand=Brand("澜序 LANXU", "把好日子穿在身上"),
            now=NOW,
        )
    )
    assert len(pieces) == 7
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == [
            "SZ-FT/C-SZFT-01.png",
            "SZ-FT/C-SZFT-03.png",
            "SZ-FT/SZ-FT.png",
            "SZ-NS/C-SZNS-01.png",
            "SZ-NS/C-SZNS-03.png",
            "SZ-NS/SZ-NS.png",
        ]
        with Image.open(io.BytesIO(archive.read("SZ-FT/C-SZFT-01.png"))) as picture:
            assert picture.size == (1016, 638)
