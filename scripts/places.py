"""Where server data and server programs can live, given who may read what.

PostgreSQL refuses to run as root, so a root starter runs its servers under an unprivileged account, and
that account has to reach the data and the programs. Nothing of the user's is opened up for it: where the
checkout is out of its reach, a directory under /var/lib is used instead, and `var/` points there.
"""

import hashlib
import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.removing import PREFIX
from scripts.supervise import StartFailed, User

SHARED_PARENTS = (Path("/var/lib"), Path("/var/tmp"))


def server_user() -> User | None:
    """Answer the account servers run under: None (the starter's own) unless the starter is root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(found.pw_uid, found.pw_gid)
    raise StartFailed(
        "PostgreSQL does not run as root and this system has no account 'nobody'; start as another user."
    )


def owner_of(data: Path) -> User | None:
    """Answer the account that must serve `data`: whoever owns it, when the starter is root and somebody
    else does.
    """
    if os.geteuid() != 0 or not data.exists():
        return server_user()
    facts = data.stat()
    return User(facts.st_uid, facts.st_gid) if facts.st_uid else server_user()


def can_reach(user: User | None, path: Path) -> bool:
    """Tell whether `user` can enter or run `path`; asked of the system itself, so that access lists count
    too.
    """
    test = ["/bin/sh", "-c", 'test -r "$1" && test -x "$1"', "sh", str(path)]
    if user is None:
        return subprocess.run(test, check=False).returncode == 0
    return (
        subprocess.run(test, user=user.uid, group=user.gid, extra_groups=[], cwd="/", check=False).returncode
        == 0
    )


def data_directory(var: Path, name: str, user: User | None) -> Path:
    """Answer the real path of `var/name`, made for `user` alone (0700) on the first call.

    Where `user` cannot reach the checkout, `var/name` becomes a link to a place that it can reach.
    """
    path = var.resolve() / name
    if path.exists():
        return _checked(path.resolve(), user)
    path.unlink(missing_ok=True)  # a link whose target is gone
    path.mkdir(mode=0o700)
    if user is None:
        return path
    os.chown(path, user.uid, user.gid)
    if can_reach(user, path):
        return path
    path.rmdir()
    home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}data-", dir=_shared_parent(user)))
    home.chmod(0o711)
    (home / "belongs-to").write_text(f"{path}\n")
    (home / name).mkdir(mode=0o700)
    os.chown(home / name, user.uid, user.gid)
    path.symlink_to(home / name)
    return home / name


def _checked(path: Path, user: User | None) -> Path:
    if can_reach(user, path):
        return path
    raise StartFailed(
        f"{path} cannot be reached by the account that made it; move the checkout back, or --reset."
    )


def _shared_parent(user: User) -> Path:
    for parent in SHARED_PARENTS:
        if os.access(parent, os.W_OK) and can_reach(user, parent):
            return parent
    raise StartFailed(
        f"no directory that account {user.uid} can reach for server data; start as a normal user instead."
    )


def programs_for(user: User | None, program: Path, trees: Sequence[Path]) -> Path:
    """Answer where `user` can run `program`: itself, or its copy beside copies of `trees` (which it needs,
    same layout).
    """
    if user is None or can_reach(user, program):
        return program
    top = trees[0].parent
    home = _shared_parent(user) / f"{PREFIX}programs-{_fingerprint(trees)}"
    if not home.exists():
        _copy_trees(trees, home)
    _refuse_foreign(home)
    return home / program.relative_to(top)


def _fingerprint(trees: Sequence[Path]) -> str:
    """One copy serves every checkout with these programs, so names and sizes make the mark, not places."""
    total = hashlib.sha256()
    for tree in trees:
        for path in sorted(tree.rglob("*")):
            if "__pycache__" not in path.parts:
                total.update(f"{path.relative_to(tree.parent)}:{path.lstat().st_size}\n".encode())
    return total.hexdigest()[:16]


def _copy_trees(trees: Sequence[Path], home: Path) -> None:
    fresh = Path(tempfile.mkdtemp(prefix=f"{PREFIX}new-", dir=home.parent))
    for tree in trees:
        shutil.copytree(tree, fresh / tree.name, symlinks=True)
    fresh.chmod(0o711)
    try:
        fresh.rename(home)
    except OSError:  # another start was quicker; its copy is the same
        shutil.rmtree(fresh)


def _refuse_foreign(home: Path) -> None:
    """Refuse a directory that somebody else could have prepared: /var/tmp is open to all."""
    facts = home.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        raise StartFailed(f"{home} was not made by this program; remove it and start again.")


def free_port(preferred: int | None = None) -> int:
    """Answer a free TCP port on 127.0.0.1: `preferred` when that one is free, else any."""
    if preferred and is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Tell whether a server of ours could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        # As servers do; without it, a port that was in use a minute ago would count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    # Some systems let a second program bind beside one that listens on every address: ask whether somebody
    # answers.
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) != 0
