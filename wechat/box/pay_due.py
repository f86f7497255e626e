"""What time alone does to the money in the box: refunds, splits and transfers come to their end, frozen money
thaws."""

from wechat.box import purse, refunds, sharing, sharing_back, transfers
from wechat.box.inside import Box

_BOOKS = (refunds, sharing, sharing_back, transfers, purse)


def settle(box: Box) -> None:
    """Do everything whose time has come on the box's clock. Safe to repeat, and from many threads."""
    for book in _BOOKS:
        book.settle_due(box)


def next_due(box: Box) -> float | None:
    """When the next of it is due, on the box's clock; None when nothing waits."""
    times = (book.next_due(box) for book in _BOOKS)
    return min((at for at in times if at is not None), default=None)
