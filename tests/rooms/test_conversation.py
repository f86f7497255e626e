"""What the account answers: welcomes, stores, goods, the same words to the same push."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.conversation.hearing import hear
from models.attribution import TouchResult
from tests.make import a_shop, count
from tests.people import OA, a_code, a_fan, set_clerk
from tests.racing import at_once
from tests.shop import a_product, demo_stores
from wechat.events import (
    Clicked,
    Event,
    Located,
    Nothing,
    Reply,
    Said,
    Scanned,
    Subscribed,
    TextReply,
    UnknownPush,
    Unsubscribed,
)

pytestmark = pytest.mark.usefixtures("right_books")

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
BRAND = "澜序 LANXU"


def heard(tx: Tx, event: Event) -> Reply:
    with tx() as session:
        return hear(session, event, brand=BRAND, now=NOW)


def words(tx: Tx, event: Event) -> str:
    reply = heard(tx, event)
    assert isinstance(reply, TextReply)
    return reply.text


def follows(scene: str | None, key: str = "k1", openid: str = "fan-1", at: datetime = NOW) -> Subscribed:
    return Subscribed(OA, openid, at, key, scene=scene)


def says(said: str, key: str = "k-say") -> Said:
    return Said(OA, "fan-1", NOW, key, text=said)


@pytest.fixture
def scene(tx: Tx) -> str:
    with tx() as session:
        a_shop(session)
        return a_code(session, "C-SZFT-01")


def test_a_fan_is_welcomed_by_the_clerk_of_the_code(tx: Tx, scene: str) -> None:
    assert words(tx, follows(scene)) == (
        "您好，我是澜序·福田购物公园店的导购林晓雨，很高兴为您服务。\n"
        "选款、预约到店和售后，都可以在这里找我。\n"
        "回复“门店”查找门店，回复商品名称（如“衬衫”）查看商品。"
    )


def test_a_fan_without_a_code_is_welcomed_by_the_brand(tx: Tx, scene: str) -> None:
    assert words(tx, follows(None)).startswith("您好，欢迎来到澜序 LANXU。\n")
    with tx() as session:
        assert (count(session, "touch"), count(session, "identity", "followed")) == (0, 1)


def test_a_fan_by_the_code_of_a_clerk_who_left_is_welcomed_by_the_store(tx: Tx, scene: str) -> None:
    with tx() as session:
        set_clerk(session, "C-SZFT-01", status="LEFT")
    assert words(tx, follows(scene)).startswith("您好，欢迎来到澜序·福田购物公园店。\n回复")


def test_bnd_10_a_fan_of_one_clerk_hears_from_another_who_serves(tx: Tx, scene: str) -> None:
    with tx() as session:
        other = a_code(session, "C-SZNS-01")
    words(tx, follows(scene))
    said = words(tx, Scanned(OA, "fan-1", NOW + timedelta(days=3), "k2", scene=other))
    assert said.startswith("您好，欢迎来到澜序·南山海岸店。\n您的专属导购是澜序·福田购物公园店的林晓雨。")


def test_tch_3_a_clerk_hears_that_the_code_is_the_own(tx: Tx, scene: str) -> None:
    with tx() as session:
        set_clerk(session, "C-SZFT-01", member_id=a_fan(session).member_id)
    assert words(tx, follows(scene)) == "这是您自己的导购码，请让顾客扫描。"


def test_tch_2_the_same_push_three_times_gets_the_same_words_and_one_touch(tx: Tx, scene: str) -> None:
    replies = {words(tx, follows(scene)) for _ in range(3)}
    assert len(replies) == 1
    with tx() as session:
        assert (count(session, "touch"), count(session, "inbox"), count(session, "acquisition")) == (1, 1, 1)
        # one question about the unionid, no second one for the repeats
        assert count(session, "procrastinate_jobs", "task_name = 'learn_fan'") == 1


def test_tch_2_fifty_copies_of_a_push_at_once_act_once_and_answer_the_same(tx: Tx, scene: str) -> None:
    replies = at_once(50, lambda _: words(tx, follows(scene)))
    assert len(set(replies)) == 1
    with tx() as session:
        assert (count(session, "touch"), count(session, "inbox"), count(session, "service_binding")) == (
            1,
            1,
            1,
        )


def test_tch_4_two_clerks_scanned_in_one_second_at_once(tx: Tx, scene: str) -> None:
    with tx() as session:
        other = a_code(session, "C-SZNS-01")
    pushes = [Scanned(OA, "fan-1", NOW, f"k{n}", scene=(scene, other)[n % 2]) for n in range(50)]
    at_once(50, lambda n: words(tx, pushes[n]))
    with tx() as session:
        assert count(session, "touch", f"result = '{TouchResult.ACQUIRED}'") == 1
        assert count(session, "touch", f"result = '{TouchResult.LOST_RACE}'") == 25
        assert count(session, "acquisition") == 1


def test_bnd_10_unfollowing_is_noted_and_not_answered(tx: Tx, scene: str) -> None:
    words(tx, follows(scene))
    assert heard(tx, Unsubscribed(OA, "fan-1", NOW + timedelta(days=4), "k9")) == Nothing()
    assert heard(tx, Unsubscribed(OA, "never-met", NOW, "k10")) == Nothing()
    with tx() as session:
        assert (count(session, "identity", "not followed"), count(session, "service_binding")) == (1, 1)


def test_what_we_have_no_word_for_is_recorded_and_not_answered(tx: Tx) -> None:
    assert heard(tx, UnknownPush(OA, "fan-1", NOW, "k1", kind="event.LOCATION")) == Nothing()
    with tx() as session:
        assert (count(session, "inbox", "kind = 'event.LOCATION'"), count(session, "member")) == (1, 0)


@pytest.fixture
def shop(tx: Tx) -> None:
    with tx() as session:
        demo_stores(session)
        a_product(session)


def test_the_word_for_stores_lists_them(tx: Tx, shop: None) -> None:
    said = words(tx, says("门店"))
    assert said.startswith("我们的门店：\n· 番禺店（福华三路）\n")
    assert "· 福田购物公园店（福华三路）" in said


def test_a_city_narrows_the_list_of_stores(tx: Tx, shop: None) -> None:
    said = words(tx, says("广州的门店"))
    assert "番禺店" in said
    assert "福田" not in said


def test_cns_3_a_place_is_answered_with_the_nearest_stores_and_not_kept(tx: Tx, shop: None) -> None:
    said = words(tx, Located(OA, "fan-1", NOW, "k1", lat=22.54, lng=114.06, label="家"))
    assert said.split("\n")[:2] == ["离您最近的门店：", "· 福田购物公园店，866 米，营业中（福华三路）"]
    assert "罗湖" not in said  # closing
    with tx() as session:
        rows = (
            session.execute(text("select (to_jsonb(i) - 'received_at')::text from inbox i")).scalars().all()
        )
        assert not [
            row for row in rows if "22.54" in row or "114.06" in row or "家" in row.split('"answer"')[0]
        ]


def test_goods_are_found_by_name(tx: Tx, shop: None) -> None:
    assert words(tx, says("衬衫")) == (
        "为您找到：\n· 真丝衬衫 ¥299.00 起\n请在小程序中查看详情、尺码和门店库存。"
    )


@pytest.mark.parametrize("said", ["你好", "！！！", "", "%' or 1=1 --", "a\x00b", "长" * 3000, "🙂"])
def test_anything_else_gets_a_polite_answer(tx: Tx, shop: None, said: str) -> None:
    assert words(tx, says(said)).startswith("收到，谢谢您的留言。")


def test_menu_buttons(tx: Tx, scene: str) -> None:
    words(tx, follows(scene))
    assert words(tx, Clicked(OA, "fan-1", NOW, "k2", key="STORES")).startswith("我们的门店：")
    assert (
        words(tx, Clicked(OA, "fan-1", NOW, "k3", key="GOODS"))
        == "请回复商品名称，例如“衬衫”“围巾”，为您查找。"
    )
    assert words(tx, Clicked(OA, "fan-1", NOW, "k4", key="SERVICE")) == (
        "您的专属导购是澜序·福田购物公园店的林晓雨，请直接留言，我们会尽快回复。"
    )
    assert words(tx, Clicked(OA, "fan-1", NOW, "k5", key="old-button")).startswith("收到")
