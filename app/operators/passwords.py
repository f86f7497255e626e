"""Passwords: Argon2id (RFC 9106) of ``cryptography``; a few at a time, because each takes 46 MiB."""

import os
import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from app.base.errors import Invalid, TooMany

SHORTEST, LONGEST = 12, 128
MEMORY_KIB, PASSES = 46 * 1024, 2
# A wave of logins must not eat the machine: more than this wait, and after a while are sent away.
AT_ONCE, WAIT_S = 2, 3.0
# The hash of a password that nobody knows, at the same cost: a login under an unknown code takes as long.
NOBODYS = "$argon2id$v=19$m=47104,t=2,p=1$d50USw47QhuiMJVHwmrvsg$EHSBjiGACfN+o9k0LYFBR7SLLlFUoa5pZFyu6d/D+is"
_room = threading.BoundedSemaphore(AT_ONCE)


def hash_password(password: str) -> str:
    """The hash to keep, in PHC form with its salt and cost."""
    with _one_of_few():
        return _argon2().derive_phc_encoded(_bytes(password))


def is_password(password: str, kept: str) -> bool:
    """Whether it is the password behind a kept hash. Takes as long for a wrong one."""
    with _one_of_few():
        try:
            Argon2id.verify_phc_encoded(_bytes(password), kept)
        except InvalidKey:
            return False
        return True


def check_password(password: str, *, code: str, name: str) -> None:
    """Refuses (Invalid) what is too short, too long, made of few characters, or contains code or name.

    No rules about digits and signs: length is what guessing costs (NIST SP 800-63B, 3.1.1.2).
    """
    plain = password.casefold()
    if not SHORTEST <= len(password) <= LONGEST:
        raise _weak(f"must have {SHORTEST}-{LONGEST} characters")
    if any("\ud800" <= char <= "\udfff" for char in password):
        raise _weak("has characters that cannot be kept")
    if len(set(plain)) < 6 or _is_run(plain):
        raise _weak("is too regular")
    if any(len(word) >= 3 and word.casefold() in plain for word in (code, name, "lianke", "password")):
        raise _weak("must not contain the code, the name or a word that everybody tries")


def make_password() -> str:
    """A password that nobody chose: 100 random bits, readable over the phone in groups of five."""
    alphabet = "abcdefghjkmnpqrstwxyz23456789"
    drawn = "".join(secrets.choice(alphabet) for _ in range(20))
    return "-".join(drawn[at : at + 5] for at in range(0, 20, 5))


def _bytes(password: str) -> bytes:
    # The same letters typed on another keyboard are the same password (NIST SP 800-63B, 3.1.1.2).
    return unicodedata.normalize("NFKC", password).encode()


def _argon2() -> Argon2id:
    return Argon2id(salt=os.urandom(16), length=32, iterations=PASSES, lanes=1, memory_cost=MEMORY_KIB)


def _is_run(plain: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in pairwise(plain)}
    return len(steps) == 1


def _weak(reason: str) -> Invalid:
    return Invalid("The password is too easy to guess.", fields={"password": reason}, code="WEAK_PASSWORD")


@contextmanager
def _one_of_few() -> Iterator[None]:
    if not _room.acquire(timeout=WAIT_S):
        raise TooMany("BUSY", "Too many logins at once.", retry_after_s=2)
    try:
        yield
    finally:
        _room.release()
