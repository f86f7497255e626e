"""Each numbered rule of who earns what stands where it is applied, by its id, and in the name of a test."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COUNTS = {
    "TCH": 6,
    "BND": 12,
    "POL": 5,
    "SPL": 10,
    "ACC": 1,
    "FRZ": 4,
    "CLW": 6,
    "SET": 5,
    "DSP": 1,
    "FRD": 2,
    "KPI": 3,
}
RULES = [f"{family}-{number}" for family, count in COUNTS.items() for number in range(1, count + 1)]
SAID = re.compile(r"\b([A-Z]{3})-(\d+)(?:\.\.(?:[A-Z]{3}-)?(\d+))?")
NAMED = re.compile(r"(?:^|_)([a-z]{3})_?(\d+)(?:_to_(?:[a-z]{3})_?(\d+))?(?=_|$)")


def _ids(pattern: re.Pattern[str], text: str) -> set[str]:
    """The ids in a text; `TCH-1..6` and `bnd_2_to_bnd_9` are all of them from the first to the last."""
    found = pattern.findall(text)
    return {f"{family.upper()}-{n}" for family, a, b in found for n in range(int(a), int(b or a) + 1)}


def _words(source: str) -> Iterator[str]:
    """What a source says to its reader: comments and docstrings, no other string."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node) or ""


def _tests(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name


@pytest.fixture(scope="module")
def said() -> set[str]:
    sources = [path.read_text() for path in (ROOT / "app").rglob("*.py")]
    return set().union(*(_ids(SAID, words) for source in sources for words in _words(source)))


@pytest.fixture(scope="module")
def tested() -> set[str]:
    sources = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    return set().union(*(_ids(NAMED, name) for source in sources for name in _tests(source)))


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_stands_in_the_code_and_in_the_name_of_a_test(
    rule: str, said: set[str], tested: set[str]
) -> None:
    assert rule in said, f"no comment or docstring under app/ says where {rule} is applied"
    assert rule in tested, f"no test is named for {rule}"


def test_what_is_read_as_an_id() -> None:
    assert _ids(SAID, "by TCH-2, BND-5..7 and SPL-10") == {"TCH-2", "BND-5", "BND-6", "BND-7", "SPL-10"}
    assert _ids(NAMED, "test_bnd_2_to_bnd_4_spl10_x") == {"BND-2", "BND-3", "BND-4", "SPL-10"}
    assert _ids(NAMED, "test_spl_100_fen") == {"SPL-100"}
    assert list(_words('x = "CLW-1"  # ACC-1\n')) == ["# ACC-1", ""]
