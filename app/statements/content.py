"""A statement as every form of it says it: the figures, and one line for each row, in the reader's language."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from models.settlement import BatchState, Channel, PartyState


@dataclass(frozen=True, slots=True)
class TierLine:
    """SET-2: one month of sales, its target, and what its tier adds to this batch."""

    month: str
    target_fen: int
    attained_fen: int
    attainment_bp: int
    multiplier_bp: int
    scale_version: int
    rows_fen: int
    amount_fen: int
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """One share in the settlement. ``amount_fen`` is what this batch counts of it, below zero for a loss.

    ``id`` orders the lines of a statement and is never shown.
    """

    id: int
    order: str
    goods: str
    sku: str
    qty: int
    role: str
    role_name: str
    kind: str
    kind_name: str
    earned_at: datetime
    base_fen: int
    pool_bp: int
    amount_fen: int
    evidence: str
    policy: str
    policy_version: int | None
    bearer: str
    reason: str

    @property
    def policy_words(self) -> str:
        """The policy and its version, ``DEFAULT v3``."""
        return f"{self.policy} v{self.policy_version}" if self.policy_version else self.policy


@dataclass(frozen=True, slots=True)
class Statement:
    """The settlement of one month with one party; sums in fen, all rows of it by ``reading.lines``.

    gross + adjusted + tier + carried_in = payable + carried_out. ``agrees``: the rows make the sums, and
    the ledger has posted the same.
    """

    number: str
    month: str
    batch_state: BatchState
    party: str
    party_name: str
    entity: str
    entity_name: str
    store: str | None
    state: PartyState
    state_name: str
    channel: Channel
    channel_name: str
    rows: int
    gross_fen: int
    adjusted_fen: int
    tier_fen: int
    carried_in_fen: int
    payable_fen: int
    carried_out_fen: int
    debt_left_fen: int
    carried_cycles: int
    paid_fen: int
    returned_fen: int
    tax_preview_fen: int
    tiers: tuple[TierLine, ...]
    published_at: datetime | None
    why: str | None
    agrees: bool


# Lines in pages, so that a statement of any length is written with the memory of one page.
Pages = Callable[[], Iterable[list[Line]]]
