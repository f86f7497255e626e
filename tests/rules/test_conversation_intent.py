"""What a fan's text asks for."""

import pytest

from app.conversation.intent import Intent, Wish, intent_of, intent_of_click


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("门店", Intent(Wish.STORES)),
        (" 门店 ", Intent(Wish.STORES)),
        ("深圳的门店", Intent(Wish.STORES, "深圳")),
        ("附近有店铺吗？", Intent(Wish.STORES)),
        ("Store", Intent(Wish.STORES)),
        ("衬衫", Intent(Wish.GOODS, "衬衫")),
        ("ＡＰ－１００２", Intent(Wish.GOODS, "ap-1002")),
        ("人工客服", Intent(Wish.SERVICE)),
        ("", Intent(Wish.NOTHING)),
        ("啊" * 41, Intent(Wish.NOTHING)),
        ("门店" + "长" * 60, Intent(Wish.STORES)),
    ],
)
def test_intent_of_a_text(said: str, expected: Intent) -> None:
    assert intent_of(said) == expected


@pytest.mark.parametrize("key", ["STORES", "GOODS", "SERVICE"])
def test_intent_of_a_known_menu_key(key: str) -> None:
    assert intent_of_click(key) == Intent(Wish(key))


@pytest.mark.parametrize("key", ["", "stores2", "无"])
def test_intent_of_an_unknown_menu_key_is_nothing(key: str) -> None:
    assert intent_of_click(key) == Intent(Wish.NOTHING)
