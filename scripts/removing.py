"""Deleting what was kept, also where it lies elsewhere: data out of an account's reach is a link (see
places.py).
"""

import shutil
from pathlib import Path

# What every directory outside a checkout is called that was made here.
PREFIX = "lianke-"


def forget(path: Path) -> None:
    """Delete `path` with its contents, and what it or its entries link to when that was made here. Absent
    is fine.
    """
    if path.is_symlink():
        home = path.resolve().parent
        path.unlink()
        if home.name.startswith(PREFIX):
            shutil.rmtree(home, ignore_errors=True)
    elif path.is_dir():
        for entry in path.iterdir():
            if entry.is_symlink():
                forget(entry)
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
