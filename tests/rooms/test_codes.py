"""Codes of every kind: stores, campaigns that renew, printed things, the quota, withdrawal, what they brought."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Conflict, Invalid, NotFound
from app.base.scope import Scope
from app.codes import campaigns, listing, quota, withdrawing
from app.codes.campaigns import NewCampaign
from app.codes.making import CodePage, Owner, complete, open_scenes, store_scenes
from models.attribution import CodeKind
from tests import make
from tests.make import a_shop, count
from tests.people import a_fan, a_scan, id_of, set_clerk
from tests.telephone import Telephone, a_telephone
from wechat.errors import WeChatError

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
PAGE = CodePage("pages/index/index")
DAY = timedelta(days=1)


@pytest.fixture
def phone() -> Iterator[Telephone]:
    with a_telephone() as telephone:
        yield telephone


@pytest.fixture
def store_id(tx: Tx) -> int:
    with tx() as session:
        a_shop(session)
        return id_of(session, "store", "SZ-FT")


def made(tx: Tx, phone: Telephone, ids: list[int], now: datetime = NOW) -> dict[CodeKind, object]:
    return dict(complete(tx, phone.oa, phone.mp, ids=ids, page=PAGE, now=now))


def test_a_store_has_one_code_per_app_and_keeps_them(tx: Tx, phone: Telephone, store_id: int) -> None:
    with tx() as session:
        first = store_scenes(session, store_id=store_id, now=NOW)
        assert sorted(store_scenes(session, store_id=store_id, now=NOW)) == sorted(first)
    assert set(made(tx, phone, first)) == {CodeKind.STORE_OA, CodeKind.STORE_MP}
    made(tx, phone, first)
    assert phone.asked == ["/cgi-bin/qrcode/create", "/wxa/getwxacodeunlimit"]


def test_bnd_1_a_stores_code_acquires_for_the_store_without_a_clerk(tx: Tx, store_id: int) -> None:
    with tx() as session:
        ids = store_scenes(session, store_id=store_id, now=NOW)
        scene = session.execute(text("select scene from qr_code where id = :id"), {"id": ids[0]}).scalar_one()
        found = a_scan(session, a_fan(session), scene)
        assert (found.result, found.clerk_code, found.store_code) == ("ACQUIRED", None, "SZ-FT")


def test_printed_things_have_codes_of_their_own_beside_the_stores(
    tx: Tx, phone: Telephone, store_id: int
) -> None:
    with tx() as session:
        store_scenes(session, store_id=store_id, now=NOW)
        one = open_scenes(session, Owner("MATERIAL", store_id, label="橱窗"), now=NOW)
        other = open_scenes(session, Owner("MATERIAL", store_id, label="收银台"), now=NOW)
        assert len({*one, *other}) == 4
    assert set(made(tx, phone, one)) == {CodeKind.MATERIAL_OA, CodeKind.MATERIAL_MP}


def test_a_closed_store_gets_no_code(tx: Tx, store_id: int) -> None:
    with tx() as session:
        session.execute(text("update store set status = 'CLOSED' where id = :id"), {"id": store_id})
    with pytest.raises(Conflict, match="STORE_CLOSED"), tx() as session:
        store_scenes(session, store_id=store_id, now=NOW)
    with pytest.raises(NotFound), tx() as session:
        store_scenes(session, store_id=store_id + 1000, now=NOW)


def a_campaign(tx: Tx, *, days: int = 90, stores: tuple[str, ...] = ("SZ-FT", "SZ-NS")) -> int:
    with tx() as session:
        new = NewCampaign("SUMMER", "夏日新品", NOW, NOW + days * DAY, stores)
        return campaigns.create(session, new, by="operator:O-1", now=NOW)


def tickets(tx: Tx) -> list[tuple[str, str, datetime]]:
    with tx() as session:
        rows = session.execute(
            text("select scene, url, ticket_expires_at from qr_code where kind = 'CAMPAIGN_OA' order by id")
        )
        return [(row.scene, row.url, row.ticket_expires_at) for row in rows]


@pytest.mark.usefixtures("store_id")
def test_a_campaigns_tickets_are_renewed_before_they_end_under_the_same_scene(
    tx: Tx, phone: Telephone
) -> None:
    campaign = a_campaign(tx)
    assert campaigns.make_codes(tx, phone.oa, phone.mp, campaign_id=campaign, page=PAGE, now=NOW) == 2
    assert campaigns.make_codes(tx, phone.oa, phone.mp, campaign_id=campaign, page=PAGE, now=NOW) == 0
    first = tickets(tx)
    assert [until for _, _, until in first] == [NOW + 30 * DAY] * 2
    assert campaigns.renew_due(tx, phone.oa, now=NOW + 24 * DAY) == 0
    later = NOW + 25 * DAY
    assert campaigns.renew_due(tx, phone.oa, now=later) == 2
    assert campaigns.renew_due(tx, phone.oa, now=later) == 0
    renewed = tickets(tx)
    assert [scene for scene, _, _ in renewed] == [scene for scene, _, _ in first]
    assert [until for _, _, until in renewed] == [later + 30 * DAY] * 2
    with tx() as session:
        # The link stays; a scan of the old ticket carries the same scene and counts.
        assert campaigns.find_shown(session, first[0][0], now=later) == renewed[0][1]
        assert a_scan(session, a_fan(session), first[0][0], at=later).valid


@pytest.mark.usefixtures("store_id")
def test_a_campaign_ends_tch_3(tx: Tx, phone: Telephone) -> None:
    campaign = a_campaign(tx, days=10)
    campaigns.make_codes(tx, phone.oa, phone.mp, campaign_id=campaign, page=PAGE, now=NOW)
    ((scene, url, until), _) = tickets(tx)
    assert until == NOW + 10 * DAY
    assert campaigns.renew_due(tx, phone.oa, now=NOW + 9 * DAY) == 0
    with tx() as session:
        assert campaigns.find_shown(session, scene, now=NOW + 9 * DAY) == url
        assert campaigns.find_shown(session, scene, now=NOW + 10 * DAY) is None
        late = a_scan(session, a_fan(session), scene, at=NOW + 10 * DAY)
        assert (late.valid, late.reason) == (False, "CODE_EXPIRED")


@pytest.mark.usefixtures("store_id")
def test_wechat_away_leaves_a_campaign_to_the_next_hour(tx: Tx, phone: Telephone) -> None:
    campaign = a_campaign(tx)
    phone.refusals["/cgi-bin/qrcode/create"] = 45009
    with pytest.raises(WeChatError):
        campaigns.make_codes(tx, phone.oa, phone.mp, campaign_id=campaign, page=PAGE, now=NOW)
    phone.refusals.clear()
    assert campaigns.make_codes(tx, phone.oa, phone.mp, campaign_id=campaign, page=PAGE, now=NOW) == 2


@pytest.mark.usefixtures("store_id")
def test_campaigns_that_cannot_be_are_refused_and_write_nothing(tx: Tx) -> None:
    a_campaign(tx)
    with pytest.raises(Conflict, match="CODE_TAKEN"):
        a_campaign(tx)
    for days, stores in ((0, ("SZ-FT",)), (5, ("SZ-FT", "XX")), (5, ())):
        with pytest.raises(Invalid):
            a_campaign(tx, days=days, stores=stores)
    with tx() as session:
        assert (count(session, "campaign"), count(session, "qr_code")) == (1, 4)


def a_made_code(tx: Tx, store_id: int, *, revoked_days_ago: int | None = None) -> tuple[int, str]:
    """An official-account code that WeChat has made, withdrawn a while ago if asked for."""
    with tx() as session:
        code_id = open_scenes(session, Owner("MATERIAL", store_id, label="x"), now=NOW)[0]
        scene = session.execute(
            text(
                "update qr_code set kind = 'MATERIAL_OA', ticket = 't-' || scene, url = 'u-' || scene,"
                " revoked_at = cast(:at as timestamptz),"
                " revoke_reason = case when cast(:at as timestamptz) is not null then 'x' end"
                " where id = :id returning scene"
            ),
            {
                "id": code_id,
                "at": None if revoked_days_ago is None else NOW - revoked_days_ago * DAY,
            },
        ).scalar_one()
        return code_id, scene


def take(tx: Tx, store_id: int, *, most: int) -> tuple[bool, str, str | None]:
    with tx() as session:
        new_id = open_scenes(session, Owner("MATERIAL", store_id, label="new"), now=NOW)[0]
        session.execute(text("update qr_code set kind = 'MATERIAL_OA' where id = :id"), {"id": new_id})
        taken = quota.take(session, code_id=new_id, now=NOW, most=most)
        row = session.execute(text("select scene, url from qr_code where id = :id"), {"id": new_id}).one()
        return taken, row.scene, row.url


def test_permanent_codes_are_counted_and_nine_tenths_warn(tx: Tx, store_id: int) -> None:
    for _ in range(9):
        a_made_code(tx, store_id)
    with tx() as session:
        assert quota.show(session, most=11) == quota.Quota(9, 2, 11, warns=False)
        assert quota.show(session, most=10) == quota.Quota(9, 1, 10, warns=True)
        assert quota.show(session).left == 99_991


def test_a_retired_code_is_used_again_only_by_the_rule(tx: Tx, store_id: int) -> None:
    a_made_code(tx, store_id)
    fresh, _ = a_made_code(tx, store_id, revoked_days_ago=89)
    old, scene = a_made_code(tx, store_id, revoked_days_ago=91)
    scanned, alive = a_made_code(tx, store_id, revoked_days_ago=200)
    with tx() as session:
        fan = a_fan(session)
        a_scan(session, fan, alive, at=NOW - 5 * DAY)
        a_scan(session, fan, scene, at=NOW - 300 * DAY)
    # With room to spare nothing is used twice.
    assert take(tx, store_id, most=100)[0] is False
    taken, new_scene, url = take(tx, store_id, most=4)
    assert (taken, new_scene, url) == (True, scene, f"u-{scene}")
    with tx() as session:
        retired = session.execute(text("select * from qr_code where id = :id"), {"id": old}).one()
        assert (retired.scene, retired.ticket, retired.recycled_at) == (f"retired-{old}", None, NOW)
        # The old touch still leads to the old code.
        assert count(session, "touch", f"qr_code_id = {old}") == 1
        assert quota.show(session, most=4).used == 4
    # The others were withdrawn too lately, or somebody still scans them.
    with pytest.raises(Conflict, match="QUOTA_USED_UP"):
        take(tx, store_id, most=4)
    assert {fresh, scanned}.isdisjoint({old})


def test_tch_3_a_withdrawn_code_counts_no_more_and_it_is_written_down(tx: Tx, store_id: int) -> None:
    _, scene = a_made_code(tx, store_id)
    facts = {"scene": scene, "by": "operator:O-1", "why": "海报遗失", "now": NOW}
    with tx() as session:
        for scope in (Scope(store="SZ-NS"), Scope(entity="E-WF1")):
            with pytest.raises(NotFound):
                withdrawing.revoke(session, scope=scope, **facts)
        with pytest.raises(NotFound):
            withdrawing.revoke(session, scope=Scope(), **(facts | {"scene": "nobody"}))
        withdrawing.revoke(session, scope=Scope(store="SZ-FT"), **facts)
        withdrawing.revoke(session, scope=Scope(), **facts)
        assert a_scan(session, a_fan(session), scene, at=NOW).reason == "CODE_REVOKED"
        entry = session.execute(text("select action, why from audit_entry")).one()
        assert tuple(entry) == ("code.revoke", "海报遗失")


def test_tch_3_a_leavers_code_is_dead_for_the_person_and_alive_for_the_store(
    tx: Tx, phone: Telephone, store_id: int
) -> None:
    with tx() as session:
        clerk_id = id_of(session, "clerk", "C-SZFT-01")
        open_scenes(session, Owner("CLERK", store_id, clerk_id), now=NOW)
        scene = session.execute(text("select scene from qr_code where kind = 'CLERK_OA'")).scalar_one()
        set_clerk(session, "C-SZFT-01", status="LEFT")
        assert withdrawing.revoke_clerk_codes(session, clerk_id=clerk_id, now=NOW) == 2
        assert withdrawing.revoke_clerk_codes(session, clerk_id=clerk_id, now=NOW) == 0
        found = a_scan(session, a_fan(session), scene, at=NOW)
        assert (found.valid, found.reason, found.result) == (True, "CLERK_LEFT", "ACQUIRED")
        assert (found.clerk_code, found.service_store_code) == (None, "SZ-FT")
        # Somebody who comes back gets new codes; the old ones stay withdrawn.
        set_clerk(session, "C-SZFT-01", status="ACTIVE")
        assert a_scan(session, a_fan(session, "fan-2"), scene, at=NOW).reason == "CODE_REVOKED"


def test_which_code_brought_whom(tx: Tx, store_id: int) -> None:
    _, scene = a_made_code(tx, store_id)
    _, other = a_made_code(tx, store_id)
    with tx() as session:
        make.stock(session, "AP-1002-M", 9)
        fan = a_fan(session)
        a_scan(session, fan, scene, at=NOW)
        a_scan(session, fan, scene, at=NOW + DAY)
        a_scan(session, fan, other, at=NOW + DAY)
        session.execute(
            text(
                "insert into identity (member_id, app, appid, openid, followed) values (:id, 'MP', 'a', 'b', false)"
            ),
            {"id": fan.member_id},
        )
        buyer = make.Buyer(fan.member_id, "M", fan.identity_id)
        placed = make.an_order(session, buyer, now=NOW + 2 * DAY)
        make.pay_for(session, placed.order_id)
        make.an_order(session, buyer, now=NOW + 3 * DAY)
    asked = listing.Asked(since=NOW - DAY, until=NOW + 10 * DAY)
    with tx() as session:
        found = {
            one.scene: one for one in listing.page(session, asked, scope=Scope(), before=2**62, limit=50)
        }
        brought, nothing = found[scene], found[other]
        assert (brought.touches, brought.acquired, brought.orders, brought.net_fen) == (2, 1, 1, 29900)
        assert (nothing.touches, nothing.acquired, nothing.orders, nothing.net_fen) == (1, 0, 0, 0)
        assert listing.page(session, asked, scope=Scope(store="SZ-NS"), before=2**62, limit=50) == []
        none = listing.Asked(since=NOW + 20 * DAY, until=NOW + 30 * DAY)
        assert {one.touches for one in listing.page(session, none, scope=Scope(), before=2**62, limit=9)} == {
            0
        }
