"""The documents: links that lead somewhere, commands and variables that are all named, two READMEs alike."""

import ast
import re
from pathlib import Path

import pytest

from app.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
MADE_HERE = {".git", ".venv", "var", ".hypothesis", ".pytest_cache"}
READMES = ("README.md", "README.zh-CN.md")
COMMANDS = ("python3 scripts/start.py", "python3 scripts/test.py")
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def _documents() -> list[Path]:
    found = (path for path in sorted(ROOT.rglob("*.md")) if not MADE_HERE & set(path.relative_to(ROOT).parts))
    return list(found)


def _prose(path: Path) -> str:
    return FENCE.sub("", path.read_text())


def _headings(path: Path) -> list[str]:
    return re.findall(r"^#+ .+$", _prose(path), re.MULTILINE)


def _anchors(path: Path) -> set[str]:
    plain = (re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()) for heading in _headings(path))
    return {one.strip().replace(" ", "-") for one in plain}


def _fenced(path: Path) -> list[str]:
    return FENCE.findall(path.read_text())


def _gunicorn_variables() -> set[str]:
    tree = ast.parse((ROOT / "gunicorn.conf.py").read_text())
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in texts if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", text)}


@pytest.mark.parametrize("document", _documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    broken = []
    for pair in LINK.findall(_prose(document)):
        link = pair[0] or pair[1]
        place, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (document.parent / place).resolve() if place else document
        inside = target.exists() and target.is_relative_to(ROOT)
        if not inside or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert not broken, f"{document.name} links to nothing: {broken}"


@pytest.mark.parametrize("name", READMES)
def test_the_readme_shows_both_commands_to_copy(name: str) -> None:
    shown = {line.strip() for block in _fenced(ROOT / name) for line in block.splitlines()}
    assert shown.issuperset(COMMANDS)


@pytest.mark.parametrize("name", READMES)
def test_both_commands_stand_on_the_first_screen(name: str) -> None:
    first = "\n".join((ROOT / name).read_text().splitlines()[:30])
    assert [command for command in COMMANDS if command not in first] == []


def test_both_readmes_have_the_same_parts() -> None:
    one, other = ([heading.split(" ")[0] for heading in _headings(ROOT / name)] for name in READMES)
    assert one == other


def test_both_readmes_show_the_same_blocks_pictures_and_variables() -> None:
    one, other = (ROOT / name for name in READMES)
    assert _fenced(one) == _fenced(other)
    variable = re.compile(r"`([A-Z]+(?:_[A-Z0-9]+)+)`")
    assert set(variable.findall(one.read_text())) == set(variable.findall(other.read_text()))
    own = {"README.md", "README.zh-CN.md"}
    links = [{first or second for first, second in LINK.findall(_prose(path))} - own for path in (one, other)]
    assert links[0] == links[1]


def test_every_setting_has_its_row() -> None:
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    known = {name.upper() for name in Settings.model_fields} | _gunicorn_variables()
    assert len(_gunicorn_variables()) == 4
    assert sorted(rows) == sorted(known)


def test_the_readme_names_every_variable_that_must_be_set() -> None:
    text = (ROOT / "README.md").read_text()
    needed = [name.upper() for name, field in Settings.model_fields.items() if field.is_required()]
    assert [name for name in needed if f"`{name}`" not in text] == []


def test_every_decision_is_listed() -> None:
    place = ROOT / "docs/decisions"
    index = (place / "README.md").read_text()
    pages = sorted(path.name for path in place.glob("[0-9]*.md"))
    assert pages == re.findall(r"\((\d{4}-[\w-]+\.md)\)", index)
    for number, page in enumerate(pages, 1):
        assert page.startswith(f"{number:04}-")
        first = (place / page).read_text().splitlines()[0]
        assert first.startswith(f"# {number:04} ")
        assert f"[{number:04}]({page}) | {first[7:]} |" in index
