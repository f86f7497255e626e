"""From a bare Python to the packages: quick when they are there, one sentence when they cannot be had."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import bootstrap
from tests.machinery.checkouts import clean_environment, copy_checkout, run

ENSURE = """
import sys, time
sys.path[0] = sys.argv[1]
from scripts import bootstrap
began = time.perf_counter()
assert bootstrap.ensure("requirements.txt") == sys.argv[1] + "/.venv/bin/python"
print(time.perf_counter() - began)
"""


@pytest.mark.parametrize("version", [(3, 10, 14), (3, 9, 2), (2, 7, 18)])
def test_an_old_python_gets_a_sentence_that_names_it(version: tuple[int, ...]) -> None:
    with pytest.raises(bootstrap.CannotStart, match=re.escape(".".join(map(str, version)))) as refusal:
        bootstrap.refuse_old_python(version)
    assert str(refusal.value).startswith("Lianke needs Python 3.11 or later and this is ")


def test_windows_is_told_what_to_use() -> None:
    with pytest.raises(bootstrap.CannotStart, match="WSL 2"):
        bootstrap.refuse_old_python(system="nt")


def _pretend_installed(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    digest = hashlib.sha256((checkout / "requirements.txt").read_bytes()).hexdigest()
    (checkout / ".venv" / "installed.json").write_text(json.dumps({"requirements.txt": digest}))


def test_what_is_installed_costs_a_later_start_less_than_50_ms(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "copy", with_packages=False)
    _pretend_installed(checkout)
    argv = [sys.executable, "-c", ENSURE, str(checkout)]
    seconds = [
        float(subprocess.run(argv, capture_output=True, text=True, check=True).stdout) for _ in range(3)
    ]
    assert min(seconds) < 0.05


def test_a_changed_lock_is_installed_again_and_without_network_that_is_one_sentence(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "copy", with_packages=False)
    _pretend_installed(checkout)
    with (checkout / "requirements.txt").open("a") as lock:
        lock.write("# another day\n")
    ended = run(checkout, **_without_network(tmp_path))
    assert ended.returncode == 2
    assert "making .venv ..." in ended.stdout, "a link to another Python is not taken for a .venv"
    assert ended.stderr == (
        "start: the first start downloads packages and cannot reach the package index; check network or proxy.\n"
    )


def _without_network(tmp_path: Path) -> dict[str, str]:
    # Nobody listens on port 9 of this machine, and no setting or cache of this machine may help out.
    closed = "http://127.0.0.1:9/simple"
    others = {name: "" for name in clean_environment() if name.startswith("PIP_")}
    return {
        **others,
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": closed,
        "PIP_EXTRA_INDEX_URL": closed,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_CACHE_DIR": str(tmp_path / "cache"),
    }
