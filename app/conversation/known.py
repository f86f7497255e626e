"""Answers that many fans ask for, kept for a moment: the goods behind a word, the stores of a city.

They depend on goods and stores only, never on who asks. A change of either is known at once (freshness);
without that news nothing is kept.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from app.base.freshness import Freshness

# Somebody may have changed a table by hand, without a word to us.
KEPT_FOR = timedelta(seconds=5)
MOST_ANSWERS = 500


class Known:
    """The answers of one process. Thread-safe; losing them costs one query each."""

    def __init__(self, fresh: Freshness) -> None:
        self._fresh = fresh
        self._answers: OrderedDict[tuple[str, str], tuple[tuple[int, ...], datetime, str]] = OrderedDict()

    def recall(self, topic: str, question: str, *, now: datetime) -> str | None:
        """The answer that is kept and still holds, or None."""
        kept = self._answers.get((topic, question))
        if kept is None or kept[0] != self._fresh.versions((topic,)) or now >= kept[1]:
            return None
        return kept[2] if self._fresh.live() else None

    def tell(self, topic: str, question: str, find: Callable[[], str], *, now: datetime) -> str:
        """The answer to a question about goods or stores (a topic of freshness), found anew when need be."""
        # Before the tables are read: a change that commits meanwhile makes the answer stale at once.
        versions = self._fresh.versions((topic,))
        kept = self.recall(topic, question, now=now)
        if kept is not None:
            return kept
        answer = find()
        self._answers[topic, question] = (versions, now + KEPT_FOR, answer)
        while len(self._answers) > MOST_ANSWERS:
            self._answers.popitem(last=False)
        return answer
