"""Lock the direct choices of requirements*.in into requirements*.txt: every package, every platform, with
hashes.

Run `.venv/bin/python scripts/lock.py [--upgrade]` after changing a .in file. The answer names packages
and hashes only: where they were fetched from is the business of whoever installs them.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = "python scripts/lock.py"
FOREIGN = re.compile(r"(https?|file)://|^--|^-[if] ", re.MULTILINE)


def lock(name: str, options: list[str]) -> None:
    """Write `name`.txt from `name`.in; SystemExit when the resolver fails or an address got into the file."""
    target = ROOT / f"{name}.txt"
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
    command += ["--python-version", "3.11", "--no-emit-index-url", "--no-emit-find-links", *options]
    command += ["--custom-compile-command", HEADER, f"{name}.in", "-o", target.name]
    # A pip setting of this machine must not steer what everybody will install.
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PIP_"))}
    if subprocess.run(command, cwd=ROOT, env=clean, check=False).returncode != 0:
        raise SystemExit(f"{name}.in could not be resolved; {target.name} is as it was.")
    if found := FOREIGN.search(target.read_text()):
        raise SystemExit(f"{target.name} names an address ({found.group()}); remove it before committing.")


def main(options: list[str]) -> int:
    """Lock both files, the development one on top of the other."""
    lock("requirements", options)
    lock("requirements-dev", options)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
