"""From a bare Python to .venv with the locked packages. Standard library only, and it must parse on
Python 3.6.

An old interpreter has to get as far as the sentence that says it is too old; hence the plain style of
this file.
"""

import ctypes
import errno
import hashlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import typing

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "installed.json")
VAR = os.path.join(ROOT, "var")
OLDEST = (3, 11)
PR_SET_PDEATHSIG = 1
PROGRESS = re.compile(
    r"^\s*(?:Collecting|Processing|Requirement already satisfied:) (?:\S*/)?([\w.]+(?:-[a-zA-Z][\w.]*)*)"
)


class CannotStart(Exception):
    """What stands in the way, as one sentence for the person at the terminal; the commands end with 2."""


class Terminated(BaseException):
    """SIGTERM or a closed terminal, raised so that an installer under way is ended too."""


def listen_to_signals() -> None:
    """From now on SIGTERM and SIGHUP raise Terminated."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)


def _terminate(number: int, frame: object) -> None:
    raise Terminated


def refuse_old_python(version: "tuple[int, ...]" = sys.version_info[:3], system: str = os.name) -> None:
    """Raise CannotStart unless this Python and this system can run Lianke."""
    if system != "posix":
        raise CannotStart("Lianke runs on Linux and macOS; on Windows use WSL 2.")
    if version >= OLDEST:
        return
    mine = ".".join(str(part) for part in version)
    newer = [name for name in ("python3.14", "python3.13", "python3.12", "python3.11") if shutil.which(name)]
    hint = f"try `{newer[0]} {sys.argv[0]}`" if newer else "install one from your system or python.org"
    raise CannotStart(f"Lianke needs Python 3.11 or later and this is {mine}; {hint}.")


def ensure(requirements: str) -> str:
    """Answer the Python of .venv with everything in the lock file `requirements` installed.

    A few milliseconds when it is there already. Else makes or mends .venv; an interrupted install is
    taken up again, and of two starts at once one waits. Raises CannotStart with one sentence.
    """
    if _is_installed(requirements):
        return PYTHON
    try:
        os.makedirs(os.path.join(VAR, "log"), exist_ok=True)
        with open(os.path.join(VAR, "install.lock"), "w") as lock:
            _wait_for(lock)
            if not _is_installed(requirements):
                _install(requirements)
    except PermissionError as error:
        raise CannotStart(f"cannot write {error.filename}: it belongs to another account.") from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise CannotStart("the disk is full." if full else f"{error.strerror or error}.") from error
    return PYTHON


def hand_over(module: str, arguments: "list[str]") -> None:
    """Become `.venv/bin/python -m module arguments`, in the checkout; does not come back."""
    os.chdir(ROOT)
    os.execv(PYTHON, [PYTHON, "-m", module, *arguments])


def _digest(requirements: str) -> str:
    with open(os.path.join(ROOT, requirements), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _is_installed(requirements: str) -> bool:
    try:
        with open(STAMP) as file:
            stamp = json.load(file)
        return os.access(PYTHON, os.X_OK) and stamp.get(requirements) == _digest(requirements)
    except (OSError, ValueError):
        return False


def _wait_for(lock: "typing.TextIO") -> None:
    # Not at the top: fcntl does not exist on Windows, which has to get its sentence first.
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("another start is installing; waiting for it ...", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


def _install(requirements: str) -> None:
    started = time.time()
    _make_venv()
    _pip(requirements)
    # The development lock holds everything the other one does, at the same versions (tests/machinery checks
    # that).
    done = [requirements] if requirements == "requirements.txt" else [requirements, "requirements.txt"]
    fresh = STAMP + ".new"
    with open(fresh, "w") as file:
        json.dump({name: _digest(name) for name in done}, file)
    os.replace(fresh, STAMP)
    print(f"packages ready in {time.time() - started:.0f} s", flush=True)


def _make_venv() -> None:
    # A link to the system's own Python would also run pip, and install into the system.
    if _runs([PYTHON, "-c", "import pip, sys; sys.exit(sys.prefix == sys.base_prefix)"]):
        return
    if not _runs([sys.executable, "-c", "import ensurepip, venv"]):
        short = "python{}.{}".format(*sys.version_info[:2])
        raise CannotStart(
            f"this Python has no venv module; install it (Debian, Ubuntu: `apt install {short}-venv`)."
        )
    print("making .venv ...", flush=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", VENV], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if made.returncode != 0:
        raise CannotStart(_reason(made.stdout.decode(errors="replace")))


def _runs(command: "list[str]") -> bool:
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def _pip(requirements: str) -> None:
    command = [PYTHON, "-m", "pip", "install", "--require-hashes", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "--retries", "2"]
    command += ["-r", os.path.join(ROOT, requirements)]
    pip = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, preexec_fn=_end_with_starter
    )
    try:
        output = _follow(pip, _count(requirements))
    except BaseException:
        pip.terminate()
        pip.wait()
        raise
    if pip.wait() != 0:
        raise CannotStart(_reason(output))


def _end_with_starter() -> None:
    """Have Linux end this process when its starter is killed; elsewhere it ends at its next line."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _count(requirements: str) -> int:
    with open(os.path.join(ROOT, requirements)) as file:
        return sum(1 for line in file if re.match(r"[a-zA-Z0-9]\S*==", line))


def _follow(pip: "subprocess.Popen[bytes]", total: int) -> str:
    """Show pip's progress, one line that changes on a terminal and a line per package elsewhere; answer
    all it said.
    """
    log_path = os.path.join(VAR, "log", "install.log")
    said, seen, unfinished, shown = [], 0, b"", Progress(total)
    assert pip.stdout is not None
    with open(log_path, "wb") as log:
        while True:
            if not select.select([pip.stdout], [], [], 1)[0]:
                shown.still()
                continue
            chunk = os.read(pip.stdout.fileno(), 65536)
            log.write(chunk)
            *lines, unfinished = (unfinished + chunk).split(b"\n")
            for line in [raw.decode(errors="replace") for raw in lines]:
                said.append(line)
                match = PROGRESS.match(line)
                if match:
                    seen += 1
                    shown.package(seen, match.group(1))
                elif line.startswith("Installing collected packages"):
                    shown.unpacking()
            if not chunk:
                shown.end()
                return "\n".join([*said, unfinished.decode(errors="replace")])


class Progress:
    """One line that is written over again on a terminal; plain lines elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._terminal = sys.stdout.isatty()
        self._text = "asking the package index"
        self._since = time.time()

    def package(self, number: int, name: str) -> None:
        """Say that package `number` is being fetched."""
        self._say(f"fetching {number} of at most {self._total}: {name}")

    def unpacking(self) -> None:
        """Say that all are there and are being unpacked."""
        self._say("unpacking")

    def still(self) -> None:
        """Show on a terminal that time passes."""
        if self._terminal:
            self._write()

    def end(self) -> None:
        """Leave the line."""
        if self._terminal:
            sys.stdout.write("\r\033[K")
            sys.stdout.flush()

    def _say(self, text: str) -> None:
        self._text = text
        if self._terminal:
            self._write()
        else:
            print("  " + text, flush=True)

    def _write(self) -> None:
        sys.stdout.write(f"\r\033[K  {self._text} ({time.time() - self._since:.0f} s)")
        sys.stdout.flush()


def _reason(output: str) -> str:
    """Say in one sentence why making .venv or installing failed."""
    if "No space left on device" in output or "Errno 28" in output:
        return "the disk is full."
    offline = (
        "NewConnectionError",
        "NameResolutionError",
        "ConnectTimeout",
        "ProxyError",
        "Network is unreachable",
    )
    if any(word in output for word in offline):
        return (
            "the first start downloads packages and cannot reach the package index; check network or proxy."
        )
    if "DO NOT MATCH THE HASHES" in output:
        return "a downloaded package is not the one that was locked; nothing was installed from it."
    errors = [line.strip() for line in output.splitlines() if "error" in line.lower()]
    return "installing failed: {} (log: var/log/install.log)".format(
        errors[-1] if errors else "no reason given"
    )
