"""The whole house on one machine: what scripts/start.py does once .venv is there.

Servers, migration, demo brand, WeChat in a box, web, worker, tour; then it stays, starts again who dies,
and stops all in order.
"""

import errno
import os
import shutil
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import psycopg

from scripts import box, house, keeping
from scripts.migrate import upgrade
from scripts.places import free_port, is_free
from scripts.servers import Servers, launch
from scripts.start import parse
from scripts.supervise import ROOT, Family, StartFailed, stop_leftovers

VAR = ROOT / "var"
LOGS = VAR / "log"


class Stopped(Exception):
    """Ctrl-C or a signal asked the starter to end."""


class Stage:
    """One start, from the first check to the last process stopped."""

    def __init__(self, options: Namespace) -> None:
        self.options = options
        self.url = f"http://127.0.0.1:{options.port}"
        self.box: box.Box | None = None
        self.family = Family(VAR, say=say)
        self.env: dict[str, str] = {}
        self._began = time.monotonic()
        self._ending = False

    def listen_to_signals(self) -> None:
        """From now on Ctrl-C, SIGTERM and a closed terminal end the stage in order."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_end)

    def _asked_to_end(self, number: int, frame: FrameType | None) -> None:
        # The first request unwinds whatever is going on; while that runs, a second one only shortens the
        # waiting.
        if self._ending:
            self.family.hurried = True
        else:
            self._ending = True
            raise Stopped

    def play(self) -> int:
        """Start everything, play the tour, stay until asked to end; answer the exit code."""
        with self.family:
            try:
                self._start()
                self._tell()
                held = self._tour()
                if self.options.exit_after_tour:
                    return self._end(0 if held else 1)
                say("\nLianke stays up; Ctrl-C stops everything.")
                while True:
                    self.family.tick()
                    time.sleep(0.2)
            except Stopped:
                return self._end(130 if self.options.exit_after_tour else 0)

    def _end(self, code: int) -> int:
        self._ending = True
        say("\nstopping web, worker, box, valkey and postgres, in this order ...")
        return code

    def _start(self) -> None:
        if not is_free(self.options.port):
            raise StartFailed(
                f"port {self.options.port} is taken; stop who uses it, or choose another with --port."
            )
        ports = keeping.read_ports(VAR)
        servers = launch(self.family, VAR, os.environ, ports=ports)
        self.env = self._environment(servers)
        if not os.environ.get("OA_APPID"):
            callback = f"{self.url}/callbacks/wechat/oa"
            port = free_port(ports.get("box"))
            self.box = box.start(
                self.family, VAR / "box", LOGS / "box.log", port=port, callback=callback, env=self.env
            )
        servers.wait()
        if upgrade(servers.database_url):
            say("database: migrated to the newest revision")
        if self.box:
            self.env |= box.settings(self.box.wait(self.family), VAR / "keys")
        else:
            house.check_settings(self.family, self.env)
        # A shop with real accounts on a database of its own is somebody's business: no demo goes in there.
        if self.box or "DATABASE_URL" not in os.environ:
            house.import_demo_brand(self.family, self.env, LOGS / "import.log", VAR / "imported", say)
        house.start_worker(self.family, self.env, LOGS / "worker.log")
        house.start_web(self.family, self.env, LOGS / "web.log")
        keeping.write_ports(VAR, servers, self.box)
        house.wait_until_ready(self.family, self.url)

    def _environment(self, servers: Servers) -> dict[str, str]:
        """What every process of the house is given: the starter's environment, and what it does not say
        itself.
        """
        metrics = VAR / "metrics"
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir()
        ours = {
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "PUBLIC_URL": os.environ.get("PUBLIC_URL") or self.url,
            "SECRET_KEY": os.environ.get("SECRET_KEY") or box.secret_key(VAR / "secret"),
            "WEB_BIND": self.url.removeprefix("http://"),
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        }
        return {**house.surroundings(os.environ), **ours}

    def _tell(self) -> None:
        seconds = time.monotonic() - self._began
        say(f"Lianke is ready after {seconds:.1f} s")
        for what, where in self._addresses().items():
            say(f"  {what:<14}{where}")

    def _addresses(self) -> Mapping[str, str]:
        rows = {"server": self.url, "API docs": f"{self.url}/openapi"}
        if self.box:
            rows["WeChat (box)"] = f"{self.box.url}/box/"
        return {
            **rows,
            "PostgreSQL": keeping.without_password(self.env["DATABASE_URL"]),
            "logs": shown(LOGS / "*.log"),
        }

    def _tour(self) -> bool:
        if self.options.no_tour:
            return True
        if not self.box:
            say("real WeChat accounts are set: the tour, which plays the fans itself, is left out")
            return True
        return house.tour(self.family, self.env, self.url, self.box.url, VAR)


def say(text: str) -> None:
    """Tell the person at the terminal, at once."""
    print(text, flush=True)


def shown(path: Path) -> str:
    """Answer `path` as a person in the checkout would type it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def main(arguments: list[str]) -> int:
    """Run one start; 2 and one sentence on standard error when something stands in the way."""
    options = parse(arguments)
    # Keys, chats and logs below var/ are for the account that started them.
    os.umask(0o077)
    stage = Stage(options)
    stage.listen_to_signals()
    try:
        with keeping.only_one(VAR, stage.url):
            if options.reset:
                stop_leftovers(VAR)
                keeping.reset(VAR, sure=options.yes)
            return stage.play()
    except StartFailed as error:
        print(f"start: {error}", file=sys.stderr)
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        print(f"start: the database that DATABASE_URL names cannot be used: {reason}", file=sys.stderr)
    except Stopped:
        return 130
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = (
            "the disk is full" if full else f"cannot write {error.filename}: it belongs to another account"
        )
        print(f"start: {reason} ({error.strerror}).", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
