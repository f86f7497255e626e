"""What happens by itself on the box's clock in the official-account and mini-program half."""

from wechat.box import content_api, shipping
from wechat.box.inside import Box


def settle(box: Box) -> None:
    """Do what is due: results of media checks, receipts confirmed by time, settlements, reminders."""
    content_api.tell_due(box)
    shipping.settle_due(box)


def next_due(box: Box) -> float | None:
    """When the next of these is due, or None."""
    times = [at for at in (content_api.next_due(box), shipping.next_due(box)) if at is not None]
    return min(times, default=None)
