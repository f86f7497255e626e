"""Search for input that a parser of wechat/ stumbles over: `python scripts/fuzz.py TARGET [--seconds 60]`.

Guided by coverage, starting from tests/wechat/corpus/TARGET; what reached something new is kept in `--corpus`
(var/fuzz/TARGET) and the input of a finding in var/fuzz. Needs atheris, an optional tool that nothing else
uses. Ends with 0 when nothing was found, 2 when it cannot begin, and otherwise with what the fuzzer says.
"""

import argparse
import ast
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).resolve().parents[1]
if __package__ in (None, ""):
    sys.path[0] = str(ROOT)

SEEDS = ROOT / "tests" / "wechat" / "corpus"
FINDINGS = ROOT / "var" / "fuzz"
LONGEST_BYTES = 4096
SLOWEST_S = 10


def main(arguments: Sequence[str]) -> int:
    """Fuzz one target; answers only when it cannot begin, for the fuzzer ends the process itself."""
    parser = argparse.ArgumentParser(description="search for input that a parser of wechat/ stumbles over")
    parser.add_argument("target", help="push_xml, push_json, push_safe, notice, pay_answer or bill")
    parser.add_argument("--seconds", type=int, default=60, help="how long (60)")
    parser.add_argument("--corpus", type=Path, help="where to keep what reached something new")
    given = parser.parse_args(arguments)
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        print("fuzzing needs atheris: .venv/bin/pip install atheris", file=sys.stderr)
        return 2
    # What is to be watched must be imported under the eyes of the fuzzer, hence not above.
    with atheris.instrument_imports(include=["wechat"]):
        known = importlib.import_module("scripts.fuzz_targets").TARGETS
    if given.target not in known:
        parser.error(f"no such target; there are {', '.join(known)}")
    atheris.Setup(_settings(given.target, given.seconds, given.corpus), _quietly(known[given.target].outcome))
    atheris.Fuzz()
    return 0


def _settings(target: str, seconds: int, corpus: Path | None) -> list[str]:
    kept = corpus or FINDINGS / target
    kept.mkdir(parents=True, exist_ok=True)
    FINDINGS.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST_BYTES}", f"-timeout={SLOWEST_S}"]
    places = [
        f"-artifact_prefix={FINDINGS / target}-",
        f"-dict={_words(target)}",
        str(kept),
        str(SEEDS / target),
    ]
    return [sys.argv[0], *limits, "-print_final_stats=1", *places]


def _words(target: str) -> Path:
    """A dictionary for the fuzzer: the names that the parsers look for, as they stand in the source."""
    found = {"<![CDATA[", "]]>", "<xml>", "</xml>", '":', "&lt;", "<!DOCTYPE", "\r\n`", ",`"}
    for path in sorted((ROOT / "wechat").rglob("*.py")):
        if "box" not in path.parts:
            nodes = ast.walk(ast.parse(path.read_text()))
            found |= {node.value for node in nodes if isinstance(node, ast.Constant) and _is_word(node.value)}
    quoted = ("".join(f"\\x{byte:02x}" for byte in word.encode(errors="ignore")) for word in sorted(found))
    words = FINDINGS / f"{target}.dict"
    words.write_text("".join(f'"{word}"\n' for word in quoted))
    return words


def _is_word(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 2 <= len(value) <= 40 and " " not in value


def _quietly(outcome: Callable[[bytes], str]) -> Callable[[bytes], None]:
    def once(data: bytes) -> None:
        outcome(data)

    return once


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
