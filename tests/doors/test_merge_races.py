"""A merge in the middle of an order: the key still means the same request, the purchase is not forgotten."""

import threading
import time
import uuid

from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.members import merging, standing
from app.members.meeting import learn_unionid, meet
from models.members import AppKind
from tests import make
from tests.doors.conftest import NOON
from tests.doors.phoned import bearer


def test_an_idempotency_key_outlives_the_merge_of_its_member(client: FlaskClient, tx: Tx) -> None:
    with tx() as session:
        make.a_shop(session)
        make.stock(session, "AP-1002-M", 10)
        meet(session, app=AppKind.OA, appid="wx-oa", openid="fan", unionid="U1", followed=True, now=NOON)
    with tx() as session:
        buyer = make.a_buyer(session, "mp", openid="mp-1")
        token = make.a_login(session, buyer)
    headers = {**bearer(token), "Idempotency-Key": str(uuid.uuid4())}
    body = {"store": "SZ-FT", "lines": [{"sku": "AP-1002-M", "qty": 1}]}
    first = client.post("/api/shopper/orders", json=body, headers=headers)
    with tx() as session:
        learn_unionid(session, identity_id=buyer.identity_id, unionid="U1", now=NOON)
    client.application.extensions["lianke.callers"]._seen.clear()  # two seconds later
    again = client.post("/api/shopper/orders", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json


def test_bnd_1_a_purchase_during_the_merge_counts_for_the_survivor(tx: Tx) -> None:
    with tx() as session:
        older = meet(session, app=AppKind.OA, appid="wx-oa", openid="fan", followed=True, now=NOON)
    with tx() as session:
        younger = meet(session, app=AppKind.MP, appid="wx-mp", openid="mp", now=NOON)
    merging_now = threading.Event()

    def buy() -> None:
        merging_now.wait(5)
        with tx() as session:
            standing.bought(session, member_id=younger.member_id, at=NOON)

    thread = threading.Thread(target=buy)
    thread.start()
    with tx() as session:
        merging.merge(session, older.member_id, younger.member_id, reason="UNIONID", now=NOON)
        merging_now.set()
        time.sleep(0.3)
    thread.join()
    with tx() as session:
        found = session.execute(
            text("select customer_since from member where id = :id"), {"id": older.member_id}
        )
        assert found.scalar_one() == NOON
