"""A copy of the demo brand's files for a test to spoil, and a key to load it with."""

import shutil
from pathlib import Path

LANXU = Path(__file__).parents[1] / "scripts" / "seed" / "lanxu"
KEY = "7f1c0de2b94a6358e0d1c2b3a4958677"


def copy_lanxu(directory: Path) -> Path:
    """The demo brand's files in a new folder of ``directory``."""
    return Path(shutil.copytree(LANXU, directory / "brand"))


def edit(directory: Path, file: str, *changes: tuple[str, str]) -> None:
    """Replace pieces of one file, each of which must be there exactly once."""
    path = directory / file
    content = path.read_text("utf-8")
    for old, new in changes:
        assert content.count(old) == 1, f"{old!r} is {content.count(old)} times in {file}"
        content = content.replace(old, new)
    path.write_text(content, "utf-8", newline="")
