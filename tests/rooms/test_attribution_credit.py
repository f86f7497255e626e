"""Who earns on an order: evidence, versions, self-purchase, leavers, and the worked vectors."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution.credit import resolve
from app.base.clock import iso
from app.base.db import Tx
from app.base.errors import Conflict
from app.commission.rules import split
from app.members.meeting import Met
from app.policies.approving import install
from app.policies.rules import Terms
from models.attribution import TouchKind
from models.policies import PolicyMode, PolicyScope
from tests.make import a_shop
from tests.people import NOON, a_code, a_fan, a_scan, id_of, set_clerk, set_store

pytestmark = pytest.mark.usefixtures("right_books")

A, B, C = "C-SZFT-01", "C-SZFT-03", "C-SZNS-01"
WEIGHTS = {"ACQ_CLERK": 3000, "ACQ_STORE": 1500, "SVC_CLERK": 2000, "SELL_CLERK": 2000, "FULFIL_STORE": 1500}
ORDER = datetime(2026, 3, 28, 7, 0, tzinfo=UTC)


def snapshot(
    session: Session,
    met: Met,
    *,
    at: datetime = ORDER,
    store: str | None = "SZ-FT",
    category: str = "apparel",
) -> dict[str, Any]:
    return resolve(
        session,
        member_id=met.member_id,
        categories={category},
        selling_entity="E-HQ",
        selling_ownership="DIRECT",
        fulfil_store=store,
        at=at,
    )[category]


def roles(found: dict[str, Any]) -> dict[str, str]:
    return {party["role"]: party["party"] for party in found["parties"]}


def shares(found: dict[str, Any], pool_fen: int) -> dict[str, tuple[str, int]]:
    return {share.role.value: (share.party, share.amount_fen) for share in split(pool_fen, found)}


def a_version(
    session: Session,
    start: datetime,
    *,
    scope: PolicyScope = PolicyScope.BRAND,
    ref: str | None = None,
    **given: Any,
) -> int:
    terms = Terms(weights=WEIGHTS, pools={"apparel": 500}).content(PolicyMode.ROLE_SPLIT) | given
    return install(
        session,
        code="DEFAULT" if ref is None else ref,
        scope=scope,
        scope_ref=ref,
        mode=PolicyMode.ROLE_SPLIT,
        params=terms,
        effective_from=start,
        by="one",
        approved_by="two",
        now=start,
    )


def test_bnd_3_the_first_scan_earns_on_an_order_months_later_elsewhere(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        touch = a_scan(session, fan, a_code(session, A), kind=TouchKind.SUBSCRIBE_SCAN)
        found = snapshot(session, fan, at=datetime(2026, 7, 9, 2, 0, tzinfo=UTC), store="SZ-NS")
        assert shares(found, 1495) == {
            "ACQ_CLERK": (f"clerk:{A}", 449),
            "ACQ_STORE": ("store:SZ-FT", 224),
            "SVC_CLERK": (f"clerk:{A}", 299),
            "SELL_CLERK": (f"clerk:{A}", 299),
            "FULFIL_STORE": ("store:SZ-NS", 224),
        }
        assert found["parties"][0] == {
            "role": "ACQ_CLERK",
            "kind": "CLERK",
            "party": f"clerk:{A}",
            "name": "林晓雨",
            "store": "SZ-FT",
            "store_name": "澜序·福田购物公园店",
            "touch": touch.touch_id,
            "touch_kind": "SUBSCRIBE_SCAN",
            "at": iso(NOON),
            "because": "ACQUIRED_SCAN",
        }
        # 118 days later the scan is no evidence on this order any more, the bound relation is (TCH-5).
        assert [p["because"] for p in found["parties"]] == [
            "ACQUIRED_SCAN",
            "ACQUIRED_AT_STORE",
            "SERVES_ACQUIRED",
            "SOLD_BOUND",
            "FULFILS",
        ]


def test_pol_4_role_split_vector(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        session.connection().exec_driver_sql(
            "insert into store"
            " (code, entity_id, name, name_en, ownership, services, status, is_default_landing)"
            " select 'S3', id, '三店', 'Three', 'DIRECT', '{}', 'OPEN', false from legal_entity"
        )
        fan = a_fan(session)
        a_scan(session, fan, a_code(session, A), kind=TouchKind.SUBSCRIBE_SCAN, at=NOON)
        share_at = datetime(2026, 3, 20, 4, 0, tzinfo=UTC)
        b, c = id_of(session, "clerk", B), id_of(session, "clerk", C)
        a_scan(session, fan, None, kind=TouchKind.SHARE_CLICK, clerk_id=b, at=share_at)
        assisted_at = ORDER - timedelta(minutes=10)
        a_scan(session, fan, None, kind=TouchKind.ASSISTED_ORDER, clerk_id=c, at=assisted_at)
        found = snapshot(session, fan, store="S3")
        assert shares(found, 5000) == {
            "ACQ_CLERK": (f"clerk:{A}", 1500),
            "ACQ_STORE": ("store:SZ-FT", 750),
            "SVC_CLERK": (f"clerk:{A}", 1000),
            "SELL_CLERK": (f"clerk:{C}", 1000),
            "FULFIL_STORE": ("store:S3", 750),
        }
        assert (found["policy"], found["version"], found["pool_bp"], found["hq"]) == (
            "DEFAULT",
            1,
            500,
            "entity:E-HQ",
        )
        assert (found["self_purchase"], found["resolved_at"]) == (False, iso(ORDER))


def test_pol_2_a_scan_after_the_order_exists_counts_for_nothing(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        a_scan(session, fan, a_code(session, A), at=ORDER + timedelta(minutes=2))
        assert roles(snapshot(session, fan)) == {"FULFIL_STORE": "store:SZ-FT"}
        assert shares(snapshot(session, fan), 1495) == {
            "FULFIL_STORE": ("store:SZ-FT", 224),
            "HQ": ("entity:E-HQ", 1271),
        }


def test_pol_2_the_version_at_the_moment_of_the_order_decides(tx: Tx) -> None:
    midnight = datetime(2026, 3, 28, 16, 0, tzinfo=UTC)
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        assert a_version(session, midnight, pools={"apparel": 800}) == 2
        before = snapshot(session, fan, at=midnight - timedelta(minutes=1))
        after = snapshot(session, fan, at=midnight)
        assert (before["version"], before["pool_bp"]) == (1, 500)
        assert (after["version"], after["pool_bp"]) == (2, 800)


def test_pol_1_the_same_terms_again_make_no_new_version(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        start = datetime(2026, 5, 1, tzinfo=UTC)
        assert [a_version(session, start), a_version(session, start)] == [2, 2]
        assert a_version(session, start + timedelta(days=1), missing="REDISTRIBUTE") == 3


def test_pol_1_versions_of_one_scope_never_overlap(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        a_version(session, datetime(2026, 5, 1, tzinfo=UTC))
    with pytest.raises(Conflict, match="POLICY_SCHEDULED"), tx() as session:
        a_version(session, datetime(2026, 4, 1, tzinfo=UTC), pools={"apparel": 100})


def test_pol_1_a_category_policy_wins_over_the_brand(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        a_version(session, NOON, scope=PolicyScope.CATEGORY, ref="wine", pools={"wine": 100})
        a_version(session, NOON, scope=PolicyScope.STORE_TYPE, ref="FRANCHISE", pools={"apparel": 1})
        found = resolve(
            session,
            member_id=fan.member_id,
            categories={"wine", "apparel"},
            selling_entity="E-HQ",
            selling_ownership="DIRECT",
            fulfil_store=None,
            at=ORDER,
        )
        assert {name: (s["policy"], s["pool_bp"]) for name, s in found.items()} == {
            "wine": ("wine", 100),
            "apparel": ("DEFAULT", 500),
        }
        assert found["wine"]["parties"] == []


def test_pol_1_without_a_policy_nothing_is_sold(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        with pytest.raises(Conflict) as refused:
            snapshot(session, a_fan(session), at=datetime(2019, 1, 1, tzinfo=UTC))
        assert refused.value.code == "NO_POLICY"


@pytest.mark.parametrize(
    ("scanned_at", "because"),
    [
        (datetime(2026, 3, 12, 16, 0, tzinfo=UTC), "SOLD_SCAN"),  # 00:00 of the 13th, 15 days before
        (datetime(2026, 3, 12, 15, 59, 59, tzinfo=UTC), "SOLD_BOUND"),
    ],
)
def test_tch_5_the_window_ends_with_its_last_local_day(tx: Tx, scanned_at: datetime, because: str) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        a_scan(session, fan, a_code(session, A), at=NOON)
        a_scan(session, fan, a_code(session, C), at=scanned_at)
        sold = next(p for p in snapshot(session, fan)["parties"] if p["role"] == "SELL_CLERK")
        assert sold["because"] == because
        assert sold["party"] == (f"clerk:{C}" if because == "SOLD_SCAN" else f"clerk:{A}")


def test_bnd_1_a_returning_customer_earns_nobody_an_acquisition_share(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        session.execute(text("update member set customer_since = '2024-01-01'"))
        a_scan(session, fan, a_code(session, A), at=ORDER - timedelta(days=1))
        found = snapshot(session, fan)
        assert shares(found, 1495) == {
            "SVC_CLERK": (f"clerk:{A}", 299),
            "SELL_CLERK": (f"clerk:{A}", 299),
            "FULFIL_STORE": ("store:SZ-FT", 224),
            "HQ": ("entity:E-HQ", 673),
        }


@pytest.mark.parametrize("proof", ["member", "phone", "alias"])
def test_spl_9_a_clerk_who_buys_earns_no_personal_share(tx: Tx, proof: str) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        a_scan(session, fan, a_code(session, A))
        if proof == "member":
            set_clerk(session, C, member_id=fan.member_id)
        elif proof == "phone":
            set_clerk(session, C, phone_hash="h")
            session.execute(text("update member set phone_hash = 'h'"))
        else:
            old = a_fan(session, "an-older-self")
            session.execute(
                text("update member set alias_of = :to where id = :id"),
                {"to": fan.member_id, "id": old.member_id},
            )
            set_clerk(session, C, member_id=old.member_id)
        found = snapshot(session, fan)
        assert found["self_purchase"] is True
        assert shares(found, 1495) == {
            "ACQ_STORE": ("store:SZ-FT", 224),
            "FULFIL_STORE": ("store:SZ-FT", 224),
            "HQ": ("entity:E-HQ", 1047),
        }


def test_spl_9_a_former_clerk_is_a_customer(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        set_clerk(session, C, member_id=fan.member_id, status="LEFT", last_day=date(2026, 2, 1))
        assert snapshot(session, fan)["self_purchase"] is False


def test_clw_4_what_a_clerk_who_left_would_earn_goes_to_the_pool_of_the_store(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        a_scan(session, fan, a_code(session, A), at=ORDER - timedelta(days=3))
        # Nobody has taken the member over yet, so the clerk cannot be LEFT (BND-6); the day decides.
        set_clerk(session, A, status="LEAVING", last_day=date(2026, 3, 27))
        found = snapshot(session, fan)
        assert roles(found) == {
            "ACQ_CLERK": "store:SZ-FT",
            "ACQ_STORE": "store:SZ-FT",
            "FULFIL_STORE": "store:SZ-FT",
        }
        set_clerk(session, A, last_day=date(2026, 3, 28))
        assert roles(snapshot(session, fan))["ACQ_CLERK"] == f"clerk:{A}"


def test_bnd_9_a_closed_stores_acquisitions_earn_for_its_company(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        a_scan(session, fan, a_code(session, A))
        set_store(session, "SZ-FT", status="CLOSED")
        party = next(p for p in snapshot(session, fan, store=None)["parties"] if p["role"] == "ACQ_STORE")
        assert (party["kind"], party["party"]) == ("ENTITY", "entity:E-HQ")
        # The member's binding would have gone to the successor first.
        set_store(session, "SZ-FT", status="CLOSING")


def test_mrg_1_touches_of_an_alias_speak_for_the_person(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        old, fan = a_fan(session, "old"), a_fan(session, "new")
        a_scan(session, old, a_code(session, C), at=ORDER - timedelta(days=1))
        session.execute(
            text("update member set alias_of = :to where id = :id"),
            {"to": fan.member_id, "id": old.member_id},
        )
        assert roles(snapshot(session, fan))["SELL_CLERK"] == f"clerk:{C}"
        assert roles(snapshot(session, old))["SELL_CLERK"] == f"clerk:{C}"
