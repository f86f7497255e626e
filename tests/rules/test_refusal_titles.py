"""Every refusal has a title in Chinese and English, and every title a refusal (app/api/words.py)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.api.words import TITLES, title_of
from app.base import errors

APP = Path(__file__).resolve().parents[2] / "app"
# ``Conflict("X")``, ``Invalid(..., code="X")``, and the doors' own ``problem(503, "X")``.
MAKERS = {"problem"} | {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.Refusal)
}
CODE = re.compile(r"[A-Z][A-Z_]{2,}")
# What Flask refuses by itself, named in app/api/errors.py.
BY_FLASK = {"BAD_REQUEST", "NOT_FOUND", "METHOD_NOT_ALLOWED", "TOO_LARGE", "NOT_JSON"}


def _codes() -> Iterator[tuple[str, str]]:
    """(code, place) of every refusal that the code of the house can make."""
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in MAKERS:
                for given in [*node.args, *(one.value for one in node.keywords if one.arg == "code")]:
                    if isinstance(given, ast.Constant) and CODE.fullmatch(str(given.value)):
                        yield str(given.value), f"{path.relative_to(APP)}:{node.lineno}"


def test_every_refusal_has_a_title() -> None:
    found = dict(_codes())
    assert len(found) > 30
    assert {code: place for code, place in found.items() if code not in TITLES} == {}


def test_every_title_is_of_a_refusal() -> None:
    assert set(TITLES) - {code for code, _ in _codes()} - BY_FLASK - {"INVALID"} == set()


@pytest.mark.parametrize(
    ("code", "status", "zh", "en"),
    [
        ("OUT_OF_STOCK", 409, "库存不足", "Out of stock"),
        ("HTTP_403", 403, "没有权限", "Not allowed"),
        ("HTTP_431", 431, "请求有误", "Bad request"),
        ("HTTP_502", 502, "服务出现故障，我们正在处理", "Something broke on our side"),
    ],
)
def test_a_code_that_nobody_listed_gets_the_title_of_its_status(
    code: str, status: int, zh: str, en: str
) -> None:
    assert (title_of(code, status, "zh"), title_of(code, status, "en")) == (zh, en)
