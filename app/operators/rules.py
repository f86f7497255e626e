"""Rules of the back office's people, pure: which role has which scope, when a wrong try locks, what dies when."""

from datetime import datetime, timedelta

from app.base.errors import Invalid
from models.operators import OperatorRole

# A login ends after half an hour without a request, and after a working day in any case.
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
# So many wrong tries are free; then each one locks, twice as long as the last.
FREE_TRIES = 5
FIRST_LOCK = timedelta(minutes=1)
LONGEST_LOCK = timedelta(minutes=15)
# A day without a try and the count begins anew.
TRIES_MATTER = timedelta(days=1)


def check_scope(role: OperatorRole, *, entity: str | None, store: str | None) -> None:
    """Refuses (Invalid) a role without what it is bounded to, or bounded to what it does not know."""
    wrong: dict[str, str] = {}
    if (store is not None) != (role is OperatorRole.STORE_MANAGER):
        wrong["store"] = "a store manager has exactly one store, nobody else has one"
    if (entity is not None) != (role is OperatorRole.FRANCHISEE):
        wrong["entity"] = "a franchisee has exactly one legal entity, nobody else has one"
    if wrong:
        raise Invalid("The role does not fit the scope.", fields=wrong)


def locked_until(failures: int, *, now: datetime) -> datetime | None:
    """Until when the ``failures``-th wrong try in a row locks; None while tries are free."""
    if failures < FREE_TRIES:
        return None
    doublings = min(failures - FREE_TRIES, 10)
    return now + min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)
