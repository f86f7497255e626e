"""scripts/test.py: what fails is seen, whatever it is; and the import rules of pyproject.toml bite."""

import subprocess
import sys
from pathlib import Path

from scripts import checks
from tests.machinery.checkouts import copy_checkout


def test_the_table_says_how_each_step_ended() -> None:
    outcomes = [checks.Outcome("lint", 0, 0.1), checks.Outcome("types", 1, 2), checks.Outcome("tests", 5, 3)]
    assert checks.table(outcomes).splitlines() == [
        "lint          held                          0.1 s",
        "types         FAILED                        2.0 s",
        "tests         FAILED (no test ran)          3.0 s",
        "together                                    5.1 s",
    ]


def test_a_step_answers_the_exit_code_of_what_it_ran() -> None:
    assert checks.run("tests", [sys.executable, "-c", "import sys; sys.exit(5)"]).code == 5


def test_the_import_rules_hold_and_bite(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "copy")
    assert _lint_imports(checkout) == 0
    with (checkout / "app" / "stores" / "rows.py").open("a") as room:
        room.write("\nimport app.orders.placing\n")
    assert _lint_imports(checkout) == 1


def _lint_imports(checkout: Path) -> int:
    argv = [sys.executable, "-c", checks.LINT_IMPORTS]
    return subprocess.run(argv, cwd=checkout, capture_output=True, check=False).returncode
