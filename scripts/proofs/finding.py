"""One line of the report, and the ways to a negative one."""

from dataclasses import dataclass
from enum import Enum

from wechat.errors import Refused, WeChatError


class State(Enum):
    """How a proof ended."""

    OK = "ok"
    NOT_OK = "not ok"
    UNSEEN = "cannot be checked from here"


@dataclass(frozen=True)
class Finding:
    """A setting by its short name, how it stands, and what was seen or is to be done about it."""

    name: str
    state: State
    words: str

    def __str__(self) -> str:
        return f"{self.name}: {self.state.value}. {self.words}"


def ok(name: str, words: str) -> Finding:
    """It holds; ``words``: what was seen."""
    return Finding(name, State.OK, words)


def wrong(name: str, words: str) -> Finding:
    """It does not hold; ``words``: what to do about it."""
    return Finding(name, State.NOT_OK, words)


def unseen(name: str, words: str) -> Finding:
    """Nobody can say from here; ``words``: why, or what proves it."""
    return Finding(name, State.UNSEEN, words)


def failed(name: str, error: WeChatError) -> Finding:
    """The line for an error that has no sentence of its own: a refusal is wrong, silence proves nothing."""
    if isinstance(error, Refused):
        return wrong(name, f"WeChat refuses {error.api} with {error.code}: {error.detail}")
    return unseen(name, f"{error.api} brought no answer ({error.code}); try again in a minute.")
