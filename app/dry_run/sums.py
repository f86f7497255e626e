"""Adding up a replay: fen by party, by role and by store, as it is now and as it would be."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Gain:
    """What somebody has now and would have then, in fen, refunds taken off."""

    now_fen: int = 0
    then_fen: int = 0

    @property
    def delta_fen(self) -> int:
        """Positive = would gain."""
        return self.then_fen - self.now_fen

    def told(self) -> dict[str, int]:
        """As a report shows it."""
        return {"now_fen": self.now_fen, "then_fen": self.then_fen, "delta_fen": self.delta_fen}


@dataclass(frozen=True, slots=True)
class Net:
    """One share of one line after refunds. ``store``: the code of the store it belongs to, "" = none."""

    role: str
    party: str
    store: str
    fen: int


def _gains() -> dict[str, Gain]:
    return defaultdict(Gain)


@dataclass
class DryRun:
    """The outcome of a replay; its size grows with the parties, never with the orders.

    ``lines`` were paid for in the period; of them the policy would have decided ``decided_lines``, and
    people have since decided ``fixed_lines`` (disputes, merges, shared sales, exchanges): these stay as
    they are under any policy. ``changed_lines`` would have paid somebody another amount.
    """

    orders: int = 0
    lines: int = 0
    decided_lines: int = 0
    fixed_lines: int = 0
    changed_lines: int = 0
    whole: Gain = field(default_factory=Gain)
    by_party: dict[str, Gain] = field(default_factory=_gains)
    by_role: dict[str, Gain] = field(default_factory=_gains)
    by_store: dict[str, Gain] = field(default_factory=_gains)

    def add(self, now: Iterable[Net], then: Iterable[Net]) -> None:
        """Count one line."""
        for share in now:
            for gain in self._of(share):
                gain.now_fen += share.fen
        for share in then:
            for gain in self._of(share):
                gain.then_fen += share.fen

    def told(self) -> dict[str, Any]:
        """The report as JSON values: parties, roles and stores, the greatest gain first."""
        return {
            "orders": self.orders,
            "lines": self.lines,
            "decided_lines": self.decided_lines,
            "fixed_lines": self.fixed_lines,
            "changed_lines": self.changed_lines,
            "whole": self.whole.told(),
            "roles": _listed("role", self.by_role),
            "stores": _listed("store", self.by_store),
            "parties": _listed("party", self.by_party),
        }

    def _of(self, share: Net) -> Iterable[Gain]:
        yield self.whole
        yield self.by_party[share.party]
        yield self.by_role[share.role]
        if share.store:
            yield self.by_store[share.store]


def _listed(name: str, gains: dict[str, Gain]) -> list[dict[str, Any]]:
    ordered = sorted(gains.items(), key=lambda item: (-item[1].delta_fen, item[0]))
    return [{name: key} | gain.told() for key, gain in ordered]
