"""The story of a member over merges, refusals and invalid touches; consents when two members become one."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution.adopting import adopt
from app.base.db import Tx
from app.base.errors import NotFound
from app.base.scope import Scope
from app.members import consents
from app.members.meeting import Met
from app.members.merging import merge
from app.relations.choosing import refuse
from app.relations.story import explain_customer
from app.relations.transferring import transfer
from app.relations.words import sentence
from models.members import Purpose
from tests.bound import BRAND, HUANG, LIN, ZHOU, day, members_of, more_places, number_of
from tests.make import VAULT, a_shop
from tests.people import a_scan, set_clerk

pytestmark = pytest.mark.usefixtures("right_books")


@pytest.fixture
def session(tx: Tx) -> Any:
    with tx() as session:
        a_shop(session)
        more_places(session)
        yield session


def told(session: Session, number: str, scope: Scope = BRAND, language: str = "zh") -> list[str]:
    story = explain_customer(session, VAULT, member_number=number, scope=scope)
    return [sentence(event, language) for event in story.events]


def test_the_story_tells_transfers_refusals_and_touches_that_do_not_count(session: Session) -> None:
    [member] = members_of(session, LIN, 1)
    number = number_of(session, member)
    transfer(
        session,
        member_number=number,
        to=HUANG,
        actor="clerk:C-SZFT-03",
        why="会员要求",
        scope=BRAND,
        now=day(3, 2),
    )
    refuse(session, member_id=member, now=day(3, 2, 13))
    identity = session.execute(
        text("select id from identity where member_id = :m"), {"m": member}
    ).scalar_one()
    set_clerk(session, LIN, status="LEFT")
    a_scan(session, Met(member, identity, False, False), "c-c-szft-01", at=day(3, 3))
    a_scan(session, Met(member, identity, False, False), "not-ours", at=day(3, 4))
    assert told(session, number)[3:] == [
        "由澜序·福田购物公园店的林晓雨服务至2026-03-02：随拉新绑定",
        "由澜序·福田购物公园店的黄丽娜服务至2026-03-02：员工转移，会员要求（C-SZFT-03操作）",
        "由澜序·福田购物公园店（门店）服务至今：顾客拒绝交接，回到门店",
        "扫码（澜序·福田购物公园店（门店））：导购已离职，只计门店；仅记录，关系不变",
        "扫码（未知来源）：不是本品牌的码；无效触点，只作留证",
    ]
    english = told(session, number, language="en")
    assert english[4] == (
        "Served by 黄丽娜 of 澜序·福田购物公园店 until 2026-03-02: transferred by staff: 会员要求 (by C-SZFT-03)"
    )


def test_mrg_4_the_story_of_two_who_became_one_is_one_story_under_either_number(session: Session) -> None:
    [older] = members_of(session, LIN, 1)
    [younger] = members_of(session, ZHOU, 1, at=day(3, 5))
    numbers = [number_of(session, member) for member in (older, younger)]
    merge(session, older, younger, reason="UNIONID", now=day(3, 15))
    adopt(session, survivor_id=older, loser_id=younger, now=day(3, 15))
    first, second = (told(session, number) for number in numbers)
    assert first == second
    assert f"与会员{numbers[1]}合并为一人" in first
    assert sum("扫码关注" in one and "触点" in one for one in first) == 2
    assert sum(one.startswith("由澜序·福田购物公园店的林晓雨拉新") for one in first) == 1


def test_another_store_hears_of_no_such_member(session: Session) -> None:
    [member] = members_of(session, LIN, 1)
    number = number_of(session, member)
    for scope in (Scope(store="SZ-NS"), Scope(entity="E-WF1")):
        with pytest.raises(NotFound):
            told(session, number, scope)
    with pytest.raises(NotFound):
        told(session, "M-NOBODY")
    assert len(told(session, number, Scope(store="SZ-FT"))) == 4


def give(session: Session, member: int, purpose: Purpose) -> None:
    consents.give(session, member_id=member, purpose=purpose, doc_version="1", channel="t", now=day(3, 2))


def test_mrg_3_consents_of_two_who_became_one_are_the_most_restrictive(session: Session) -> None:
    one, other = members_of(session, LIN, 2)
    give(session, other, Purpose.SERVICE)
    for member in (one, other):
        give(session, member, Purpose.CLERK_CONTACT)
        give(session, member, Purpose.PERSONALISE)
    give(session, one, Purpose.MARKETING_MSG)
    give(session, other, Purpose.MARKETING_MSG)
    consents.withdraw(session, member_id=other, purpose=Purpose.MARKETING_MSG, now=day(3, 3))
    survivor = merge(session, one, other, reason="UNIONID", now=day(3, 15))
    agreed = {item.purpose for item in consents.given(session, member_id=survivor)}
    assert agreed == {Purpose.SERVICE, Purpose.CLERK_CONTACT, Purpose.PERSONALISE}
