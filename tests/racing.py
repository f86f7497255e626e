"""Real races: the same work in many threads that start together, each with its own connection."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(times: int, work: Callable[[int], T]) -> list[T]:
    """Run ``work(0..times-1)`` at the same moment; answers the results, raises the first exception."""
    gate = threading.Barrier(times)

    def run(number: int) -> T:
        gate.wait(timeout=20)
        return work(number)

    with ThreadPoolExecutor(max_workers=times) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, n) for n in range(times)]]
