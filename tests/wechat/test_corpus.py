"""What fuzzing found worth keeping, thrown again at every parser of wechat/: each file ends in an answer or in
an error that the target allows. `scripts/fuzz.py` finds more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.fuzz_targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
ROOT = CORPUS.parents[2]
FEWEST = {"push_xml": 40, "push_json": 40, "push_safe": 30, "notice": 25, "pay_answer": 50, "bill": 25}
MOST_BYTES = 150_000


def files(target: str) -> list[Path]:
    return sorted((CORPUS / target).iterdir())


@pytest.mark.parametrize("target", TARGETS)
def test_every_file_ends_in_an_answer_or_an_allowed_error(target: str) -> None:
    ends = set()
    for path in files(target):
        try:
            ends.add(TARGETS[target].outcome(path.read_bytes()))
        except Exception as error:
            error.add_note(f"{target}/{path.name}")
            raise
    # A corpus of which all is understood, or nothing, says little.
    assert "answer" in ends
    assert len(ends) > 1


def test_the_corpus_is_there_and_small() -> None:
    assert sorted(path.name for path in CORPUS.iterdir()) == sorted(TARGETS)
    counts = {target: len(files(target)) for target in TARGETS}
    assert all(counts[target] >= fewest for target, fewest in FEWEST.items()), counts
    assert sum(path.stat().st_size for target in TARGETS for path in files(target)) < MOST_BYTES


def test_without_atheris_one_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "atheris.py").write_text("raise ImportError\n")
    command = [sys.executable, "scripts/fuzz.py", "push_xml"]
    told = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == "fuzzing needs atheris: .venv/bin/pip install atheris\n"
