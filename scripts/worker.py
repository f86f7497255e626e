"""The worker process: runs the jobs of app/jobs.py until SIGTERM or SIGINT. `python -m scripts.worker`,
any number of them.
"""

import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from app.jobs import run_worker
from app.settings import settings_or_exit

if __name__ == "__main__":
    run_worker(settings_or_exit())
