"""A clerk's codes: made once, safe to ask again, nothing lost when WeChat is down; and telling a clerk."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.attribution.serving import tell_clerk
from app.base.db import Tx
from app.base.errors import Conflict, NotFound, Unreachable
from app.codes.making import ClerkCodes, CodePage, clerk_poster, ensure_clerk_codes
from app.codes.withdrawing import revoke_clerk_codes
from app.members.meeting import meet
from models.attribution import CodeKind
from models.members import AppKind
from tests.make import a_shop, count
from tests.people import OA, a_fan, a_scan, id_of, set_clerk
from tests.racing import at_once
from tests.telephone import JPEG, Telephone, a_telephone

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
LIN = "C-SZFT-01"


@pytest.fixture
def phone() -> Iterator[Telephone]:
    with a_telephone() as telephone:
        yield telephone


@pytest.fixture
def clerk_id(tx: Tx) -> int:
    with tx() as session:
        a_shop(session)
        return id_of(session, "clerk", LIN)


def codes(tx: Tx, phone: Telephone, clerk_id: int) -> ClerkCodes:
    return ensure_clerk_codes(
        tx, phone.oa, phone.mp, clerk_id=clerk_id, page=CodePage("pages/index/index"), now=NOW
    )


def test_a_clerk_gets_one_code_per_app_and_keeps_them(tx: Tx, phone: Telephone, clerk_id: int) -> None:
    first, again = codes(tx, phone, clerk_id), codes(tx, phone, clerk_id)
    assert first == again
    assert first.oa_url == f"http://weixin.qq.com/q/{first.oa_scene}"
    assert first.mp_image == JPEG
    assert len({first.oa_scene, first.mp_scene}) == 2
    assert all(len(scene) <= 32 and scene.startswith("c-") for scene in (first.oa_scene, first.mp_scene))
    assert phone.asked == ["/cgi-bin/qrcode/create", "/wxa/getwxacodeunlimit"]


def test_twenty_requests_at_once_make_two_codes(tx: Tx, phone: Telephone, clerk_id: int) -> None:
    assert len(set(at_once(20, lambda _: codes(tx, phone, clerk_id)))) == 1
    with tx() as session:
        assert count(session, "qr_code") == 2


@pytest.mark.parametrize("dead", ["/cgi-bin/qrcode/create", "/wxa/getwxacodeunlimit"])
def test_a_dead_line_loses_nothing(tx: Tx, phone: Telephone, clerk_id: int, dead: str) -> None:
    phone.dead.add(dead)
    with pytest.raises(Unreachable):
        codes(tx, phone, clerk_id)
    with tx() as session:
        scenes = set(session.execute(text("select scene from qr_code")).scalars())
        # A scan is understood although WeChat has not answered: the scene is ours already.
        assert all(a_scan(session, a_fan(session), scene).valid for scene in scenes)
    phone.dead.clear()
    made = codes(tx, phone, clerk_id)
    assert {made.oa_scene, made.mp_scene} == scenes
    assert phone.count("/cgi-bin/qrcode/create") - 1 <= 3


def test_a_clerk_who_left_gets_no_code(tx: Tx, phone: Telephone, clerk_id: int) -> None:
    with tx() as session:
        set_clerk(session, LIN, status="LEFT")
    with pytest.raises(Conflict, match="CLERK_LEFT"):
        codes(tx, phone, clerk_id)
    with pytest.raises(NotFound):
        codes(tx, phone, clerk_id + 1000)
    assert phone.asked == []


def test_tch_3_revoked_codes_end_and_new_ones_are_others(tx: Tx, phone: Telephone, clerk_id: int) -> None:
    old = codes(tx, phone, clerk_id)
    with tx() as session:
        assert revoke_clerk_codes(session, clerk_id=clerk_id, now=NOW) == 2
        found = a_scan(session, a_fan(session), old.oa_scene, at=NOW)
        assert found.reason == "CODE_REVOKED"
    assert codes(tx, phone, clerk_id).oa_scene != old.oa_scene


def test_the_poster_shows_the_official_accounts_code(tx: Tx, phone: Telephone, clerk_id: int) -> None:
    made = codes(tx, phone, clerk_id)
    picture = clerk_poster(made, kind=CodeKind.CLERK_OA, brand="澜序 LANXU", slogan="把好日子穿在身上")
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize(("hours", "sent"), [(1, 1), (48, 0)])
def test_a_clerk_is_told_within_two_days_of_the_last_word(
    tx: Tx, phone: Telephone, clerk_id: int, hours: int, sent: int
) -> None:
    made = codes(tx, phone, clerk_id)
    with tx() as session:
        a_fan(session, "lin", now=NOW)
        spoke = meet(session, app=AppKind.OA, appid=OA, openid="lin", spoke=True, now=NOW)
        set_clerk(session, LIN, member_id=spoke.member_id)
        touch = a_scan(session, a_fan(session), made.oa_scene)
    told = tell_clerk(
        tx, phone.oa, clerk_id=clerk_id, touch_id=touch.touch_id, now=NOW + timedelta(hours=hours)
    )
    assert (told, len(phone.sent)) == (bool(sent), sent)
    if sent:
        assert phone.sent[0]["touser"] == "lin"
        assert phone.sent[0]["text"]["content"] == (
            "有一位顾客通过您的专属码来到澜序·福田购物公园店，请及时问候。"
        )
