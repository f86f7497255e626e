"""Say in plain words what is missing or wrong in the environment: `python scripts/check_settings.py`
before a first start.

Reads the same variables as the house; ends with 0 when it would start with them, else with 2. Values are
never shown.
"""

import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from app.settings import settings_or_exit

if __name__ == "__main__":
    settings_or_exit()
    print("the settings are complete.")
