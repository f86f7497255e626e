"""Search terms: what a product is found by. Worked examples, then properties over any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.search import MAX_PREFIX, query_terms, terms

HAN = st.text(st.sampled_from("羊毛混纺大衣驼色真丝衬衫金龙鱼油"), min_size=1, max_size=12)
WORD = st.text(st.sampled_from("abkml0158"), min_size=1, max_size=20)
NAME = st.lists(st.one_of(HAN, WORD), min_size=1, max_size=4).map(" ".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("真丝衬衫", ["丝", "丝衬", "真", "真丝", "衫", "衬", "衬衫"]),
        ("AP-10", ["1", "10", "a", "ap"]),
        ("油", ["油"]),
        ("18K 金", ["1", "18", "18k", "金"]),
        ("起泡酒２×750ml", ["2", "7", "75", "750", "750m", "750ml", "泡", "泡酒", "起", "起泡", "酒"]),
        ("", []),
        ("·—!?\x00\t", []),
        ("a\x00b_c", ["a", "b", "c"]),
    ],
)
def test_terms_of_worked_examples(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("衬衫", ["衬衫"]),
        ("大豆油", ["大豆", "豆油"]),
        ("油", ["油"]),
        ("ＡＰ－１００１", ["1001", "ap"]),
        ("酸奶 草莓", ["草莓", "酸奶"]),
        (" \x00 ", []),
        ("x" * 40, ["x" * MAX_PREFIX]),
    ],
)
def test_query_terms_of_worked_examples(q: str, expected: list[str]) -> None:
    assert query_terms(q) == expected


@pytest.mark.parametrize("q", ["油", "龙鱼", "大豆油", "豆油 金龙", "5l", "GOLD", "金龙鱼大豆油5L"])
def test_words_that_a_dictionary_would_miss_are_found(q: str) -> None:
    assert set(query_terms(q)) <= set(terms("金龙鱼大豆油5L Golden fish"))


def test_two_characters_that_are_no_neighbours_are_not_found() -> None:
    assert not set(query_terms("金油")) <= set(terms("金龙鱼大豆油"))


@given(HAN, st.data())
def test_every_piece_of_a_chinese_name_finds_it(name: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(name) - 1))
    end = data.draw(st.integers(start + 1, len(name)))
    assert set(query_terms(name[start:end])) <= set(terms(name))


@given(WORD, st.data())
def test_every_beginning_of_a_word_finds_it(word: str, data: st.DataObject) -> None:
    end = data.draw(st.integers(1, len(word)))
    assert set(query_terms(word[:end].upper())) <= set(terms(word))


@given(NAME)
def test_a_whole_name_finds_itself(name: str) -> None:
    assert set(query_terms(name)) <= set(terms(name))


@given(st.text(max_size=80))
def test_any_text_gives_clean_bounded_terms(text: str) -> None:
    for found in (terms(text), query_terms(text)):
        assert found == sorted(set(found))
        assert all(0 < len(term) <= MAX_PREFIX and "\x00" not in term for term in found)
