"""The processes of the house itself: web server, worker, the import of the demo brand, the tour. Whoever
starts them keeps them.
"""

import hashlib
import http.client
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from scripts.supervise import ROOT, Family, Spec, StartFailed

DEMO_BRAND = ROOT / "scripts" / "seed" / "lanxu"
WHICH_DATABASE = """
    SELECT system_identifier || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
      FROM pg_control_system()
"""


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """Answer `environ` with what our processes need: no proxy on the way to this machine, and output
    without delay.
    """
    local = ",".join(
        filter(None, [environ.get("NO_PROXY") or environ.get("no_proxy"), "127.0.0.1,localhost"])
    )
    return {**environ, "NO_PROXY": local, "no_proxy": local, "PYTHONUNBUFFERED": "1"}


def start_web(family: Family, env: Mapping[str, str], log: Path) -> None:
    """Start the web server where WEB_BIND in `env` says."""
    # -m, not the gunicorn program: its first line names the place where .venv was made, and checkouts get
    # moved.
    argv = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
    family.start(Spec("web", argv, log, env, grace_s=15))


def start_worker(family: Family, env: Mapping[str, str], log: Path) -> None:
    """Start one worker."""
    family.start(Spec("worker", [sys.executable, "-m", "scripts.worker"], log, env, grace_s=15))


def wait_until_ready(family: Family, url: str, *, timeout_s: float = 60) -> None:
    """Wait until the web server says that it can work; StartFailed with its last words when it gives up."""
    family.wait("web", lambda: answers_200(f"{url}/readyz"), timeout_s=timeout_s)


def answers_200(url: str) -> bool:
    """Tell whether a GET of `url` is answered with 200 now. Goes straight there, whatever proxy is set."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        line.request("GET", parts.path or "/")
        return line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def check_settings(family: Family, env: Mapping[str, str]) -> None:
    """Have the settings of real accounts checked before anything runs with them; what is wrong goes to
    the terminal.
    """
    if family.run(Spec("settings", [sys.executable, "-m", "scripts.check_settings"], None, env)) != 0:
        raise StartFailed(
            "OA_APPID is set, so real WeChat accounts are used, and their settings are not complete."
        )


def import_demo_brand(
    family: Family, env: Mapping[str, str], log: Path, mark: Path, say: Callable[[str], None]
) -> None:
    """Import the demo brand unless `mark` says that this database has these very files. StartFailed when
    it fails.
    """
    wanted = f"{_which_database(env['DATABASE_URL'])} {_digest(DEMO_BRAND)}\n"
    if mark.exists() and mark.read_text() == wanted:
        return
    say("importing the demo brand ...")
    # The demo's operators log in with what lies here; nobody has seen it on a terminal.
    passwords = ["--passwords", str(mark.with_name("operators.txt"))]
    argv = [sys.executable, "-m", "scripts.import_brand", str(DEMO_BRAND), *passwords]
    if family.run(Spec("import", argv, log, env)) != 0:
        raise StartFailed(f"the demo brand was not imported; see {log}.")
    mark.write_text(wanted)


def _which_database(url: str) -> str:
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute(WHICH_DATABASE).fetchone()
        return str(row[0]) if row else ""


def _digest(directory: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def tour(family: Family, env: Mapping[str, str], url: str, box_url: str, var: Path) -> bool:
    """Play the tour; its lines go to the terminal. Tell whether every step held."""
    told = {**env, "LIANKE_URL": url, "BOX_URL": box_url, "VAR_DIR": str(var)}
    return family.run(Spec("tour", [sys.executable, "-m", "scripts.tour"], None, told)) == 0
