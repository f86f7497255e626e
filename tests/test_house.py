"""The design's rules about layout, imports, signatures and size over every file; each rule seen to bite."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests import house_rules
from tests.house_rules import MACHINE_PATH, RULES, File, Rule

ROOT = Path(__file__).resolve().parents[1]
MADE_HERE = {".git", ".venv", "var", "__pycache__", ".hypothesis"}
MADE_HERE |= {".mypy_cache", ".pytest_cache", ".ruff_cache", ".import_linter_cache"}
TOP = {
    "app",
    "docs",
    "migrations",
    "models",
    "scripts",
    "tests",
    "wechat",
    ".ci",
    ".gitignore",
    ".gitattributes",
    "wsgi.py",
    "gunicorn.conf.py",
    "pyproject.toml",
    "README.md",
    "README.zh-CN.md",
    "CHANGELOG.md",
    "LICENSE",
    "requirements.in",
    "requirements.txt",
    "requirements-dev.in",
    "requirements-dev.txt",
}
TEXT = {
    "",
    ".py",
    ".md",
    ".toml",
    ".in",
    ".txt",
    ".csv",
    ".html",
    ".css",
    ".js",
    ".json",
    ".svg",
    ".mako",
    ".xml",
    ".sql",
}
OLD_PYTHON = ("scripts/__init__.py", "scripts/start.py", "scripts/test.py", "scripts/bootstrap.py")


def _files() -> list[Path]:
    found = (path for path in sorted(ROOT.rglob("*")) if not MADE_HERE & set(path.relative_to(ROOT).parts))
    return [path for path in found if path.is_file()]


def _sources() -> list[File]:
    paths = [path for path in _files() if path.suffix == ".py"]
    return [File.of(path.relative_to(ROOT).as_posix(), path.read_text()) for path in paths]


@pytest.fixture(scope="module")
def sources() -> list[File]:
    return _sources()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rule(rule: Rule, sources: list[File]) -> None:
    found = [f"{file.path}:{line}: {sentence}" for file in sources for line, sentence in rule(file)]
    assert not found, "\n" + "\n".join(found)


def test_only_known_things_lie_at_the_top() -> None:
    unknown = {path.name for path in ROOT.iterdir()} - TOP - MADE_HERE
    assert not unknown, f"what is this, and does it belong here? {sorted(unknown)}"


def test_every_room_says_why_it_is() -> None:
    for place in ("app", "wechat"):
        rooms = [path for path in (ROOT / place).iterdir() if any(path.glob("*.py"))]
        for room in rooms:
            door = room / "__init__.py"
            assert door.exists(), f"{door.relative_to(ROOT)} is missing"
            assert ast.get_docstring(ast.parse(door.read_text())), (
                f"{door.relative_to(ROOT)}:1: why is there this room?"
            )


def test_no_text_names_a_path_of_one_machine() -> None:
    found = []
    for path in _files():
        if path.suffix in TEXT:
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                if MACHINE_PATH.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n" + "\n".join(found)


def test_the_two_commands_parse_on_an_old_python() -> None:
    for name in OLD_PYTHON:
        ast.parse((ROOT / name).read_text(), filename=name, feature_version=(3, 6))


def test_the_two_commands_import_only_the_standard_library_and_each_other() -> None:
    for name in OLD_PYTHON:
        file = File.of(name, (ROOT / name).read_text())
        for line, module, _ in house_rules.imports(file.tree):
            assert module in ("scripts", "scripts.bootstrap") or module in sys.stdlib_module_names, (
                f"{name}:{line}: {module}"
            )


def test_the_development_lock_holds_the_other_lock_at_the_same_versions() -> None:
    locks = [_locked(ROOT / name) for name in ("requirements.txt", "requirements-dev.txt")]
    assert locks[0].items() <= locks[1].items()
    assert len(locks[0]) > 30


def test_locks_name_no_address_and_hash_every_package() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        assert not re.search(r"://|^-[if] |index-url|find-links", text, re.MULTILINE), name
        for block in re.split(r"\n(?=[a-z0-9])", text)[1:]:
            assert "--hash=sha256:" in block, block


def _locked(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", path.read_text(), re.MULTILINE))


LONG_FUNCTION = "def f() -> None:\n" + "    g()\n" * 61
BREACHES = [
    (house_rules.sizes, "app/orders/placing.py", LONG_FUNCTION, 1),
    (house_rules.sizes, "app/orders/placing.py", "x = 1\n" * 401, 1),
    (house_rules.names, "app/orders/order_service.py", "", 0),
    (house_rules.names, "app/orders/services.py", "", 1),
    (house_rules.names, "app/utils/phone.py", "", 1),
    (house_rules.names, "app/orders/misc_rules.py", "", 1),
    (
        house_rules.docstrings,
        "wechat/pay.py",
        '"""A."""\ndef query() -> None: ...\ndef _own() -> None: ...\n',
        2,
    ),
    (
        house_rules.docstrings,
        "wechat/pay.py",
        '"""A."""\nclass Pay:\n    """B."""\n    def query(self) -> None: ...\n',
        4,
    ),
    (house_rules.docstrings, "scripts/x.py", "x = 1\n", 1),
    (house_rules.lazy_imports, "app/orders/x.py", "def f():\n    from app.stock import rows\n", 2),
    (house_rules.libraries, "app/orders/x.py", "from flask import request\n", 1),
    (house_rules.libraries, "app/api/x.py", "from flask import request\n", 0),
    (house_rules.libraries, "wechat/x.py", "import sqlalchemy as sa\n", 1),
    (house_rules.libraries, "wechat/x.py", "from models import orders\n", 1),
    (house_rules.libraries, "app/api/x.py", "import wechatpy\n", 1),
    (house_rules.libraries, "models/x.py", "from app.base import money\n", 1),
    (house_rules.libraries, "migrations/versions/x.py", "import models\n", 1),
    (house_rules.purity, "app/orders/rules.py", "import redis\n", 1),
    (house_rules.purity, "app/orders/rules.py", "from app.base.clock import utc_now\n", 1),
    (house_rules.purity, "app/orders/rules.py", "from datetime import datetime\nx = datetime.now()\n", 2),
    (
        house_rules.purity,
        "app/orders/rules.py",
        "from datetime import datetime\nfrom models.orders import State\n",
        0,
    ),
    (house_rules.signatures, "app/orders/x.py", "def f(order, session): ...\n", 1),
    (house_rules.signatures, "app/orders/x.py", "def f(*, session): ...\n", 1),
    (house_rules.signatures, "app/orders/x.py", "def f(pay, tx): ...\n", 1),
    (house_rules.signatures, "app/orders/x.py", "def f(tx, session): ...\n", 1),
    (house_rules.signatures, "app/orders/x.py", "def f(session):\n    session.commit()\n", 2),
    (house_rules.signatures, "app/orders/x.py", "def f(session, pay: Pay): ...\n", 1),
    (house_rules.signatures, "app/orders/x.py", "def f(tx, pay: Pay, *, order): ...\n", 0),
    (house_rules.money, "app/orders/x.py", "def f(price_fen: float): ...\n", 1),
    (house_rules.money, "app/orders/x.py", "x = price_fen / 100\n", 1),
    (house_rules.money, "app/orders/x.py", "x = float(line.price_fen)\n", 1),
    (house_rules.money, "app/orders/x.py", "def f(paid_at: int): ...\n", 1),
    (house_rules.states, "models/x.py", 'class S(StrEnum):\n    A = "A"  # begun\n    B = "B"\n', 3),
    (house_rules.honesty, "app/x.py", "try:\n    f()\nexcept Exception:\n    pass\n", 3),
    (house_rules.honesty, "app/x.py", "x = 1  # " + "type: ignore\n", 1),
    (house_rules.honesty, "app/x.py", "x = 1  # " + "noqa: E501\n", 1),
    (house_rules.honesty, "app/x.py", "x = 1  # " + "noqa: E501 - a long address\n", 0),
    (house_rules.real_tests, "tests/x.py", "@pytest.mark." + "skip\ndef test_x(): ...\n", 1),
    (
        house_rules.real_tests,
        "tests/x.py",
        "def test_x(monkeypatch):\n    monkeypatch.setattr(a, 'b', 1)\n",
        2,
    ),
    (house_rules.places, "app/x.py", 'x = "/' + 'home/me/x"\n', 1),
]


@pytest.mark.parametrize(("rule", "path", "source", "line"), BREACHES)
def test_the_rule_bites(rule: Rule, path: str, source: str, line: int) -> None:
    """`line` is where the breach must be reported; 0 means that this source keeps the rule."""
    found = {number for number, _ in rule(File.of(path, source))}
    assert found == ({line} if line else set())


def test_every_rule_is_seen_to_bite() -> None:
    assert {breach[0] for breach in BREACHES if breach[3]} == set(RULES)
