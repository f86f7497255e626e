"""The lifecycle of an order as data (ORD-1). Pure."""

from models.orders import OrderState as S

# Anything that is not listed is refused with 409; I08 checks the log against this table.
TRANSITIONS: dict[S, frozenset[S]] = {
    S.CREATED: frozenset({S.PAID, S.CANCELLED}),
    S.PAID: frozenset({S.ALLOCATED, S.CANCELLED}),
    S.ALLOCATED: frozenset({S.FULFILLING, S.CANCELLED}),
    S.FULFILLING: frozenset({S.COMPLETED}),
    S.COMPLETED: frozenset({S.CLOSED}),
    S.CLOSED: frozenset(),
    # Money for an order that timed out, and the goods could be promised again (STK-4).
    S.CANCELLED: frozenset({S.PAID}),
}
REFUNDABLE = frozenset({S.ALLOCATED, S.COMPLETED})
TIMEOUT = "TIMEOUT"


def may_move(before: S, after: S) -> bool:
    """Whether the table allows this step."""
    return after in TRANSITIONS[before]


def may_revive(state: S, cancel_reason: str | None) -> bool:
    """STK-4: late money revives only what the clock cancelled, never what a person cancelled."""
    return state is S.CANCELLED and cancel_reason == TIMEOUT
