"""Passwords that a command draws: kept in a file that only its owner can read, or told once on the terminal."""

import os
from pathlib import Path

from app.operators.passwords import hash_password, make_password


class ToldPasswords:
    """Draws passwords by operator's code. With ``file`` they are kept there, one line each: code, password."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.drawn: dict[str, str] = {}

    @property
    def are_initial(self) -> bool:
        """Whether they have to be changed at the first login: those that a terminal showed."""
        return self.file is None

    def hash_for(self, code: str) -> str:
        """Draw one and answer its hash."""
        self.drawn[code] = make_password()
        return hash_password(self.drawn[code])

    def keep(self) -> None:
        """Write the file, mode 0600, whole or not at all; lines of other codes stay.

        Call it before the commit: a password in the file that opens nothing does no harm, the other way round it does.
        """
        if self.file is None or not self.drawn:
            return
        kept = self._kept() | self.drawn
        fresh = self.file.with_name(self.file.name + ".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.writelines(f"{code} {password}\n" for code, password in sorted(kept.items()))
        fresh.replace(self.file)

    def tell(self) -> None:
        """Say where they are, or what they are if they are nowhere else. Call it after the commit."""
        if not self.drawn:
            return
        if self.file is not None:
            print(f"passwords of the new operators are in {self.file}")
            return
        print(
            "New operators, each with the password that is told only here and is changed at the first login:"
        )
        for code, password in self.drawn.items():
            print(f"  {code}  {password}")

    def _kept(self) -> dict[str, str]:
        if self.file is None or not self.file.exists():
            return {}
        lines = (line.split() for line in self.file.read_text().splitlines())
        return {words[0]: words[1] for words in lines if len(words) == 2}
