"""Say in plain words what is missing or wrong in the environment: `python scripts/check_settings.py`
before a first start.

Reads the same variables as the house; ends with 0 when it would start with them, else with 2. Values are
never shown.
"""

import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from pydantic import ValidationError

from app.settings import Settings


def problems() -> list[str]:
    """Answer one line per variable that is missing or wrong; an empty list when the house would start."""
    try:
        Settings()
    except ValidationError as error:
        return [f"{_name(one['loc'])}: {_words(one['type'], one['msg'])}" for one in error.errors()]
    return []


def _name(place: tuple[int | str, ...]) -> str:
    return str(place[0]).upper() if place else "together"


def _words(kind: str, message: str) -> str:
    return "is not set" if kind == "missing" else message.removeprefix("Value error, ")


def main() -> int:
    """Print what is wrong, or that nothing is."""
    found = problems()
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print("the settings are complete.")
    return 2 if found else 0


if __name__ == "__main__":
    sys.exit(main())
