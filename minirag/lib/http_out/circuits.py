"""A circuit per remote party: after some failures in a row it is left alone for a while. In the process's memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable


class Circuits:
    """Remembers who failed. A party that is tried again after its pause and fails once more pauses again at once."""

    def __init__(
        self, *, failures: int, pause_seconds: float, capacity: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._limit, self._pause, self._capacity, self._clock = (
            failures,
            pause_seconds,
            capacity,
            clock,
        )
        self._failed: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def is_open(self, party: Hashable) -> bool:
        """Whether the party is not to be asked now."""
        count, last = self._failed.get(party, (0, 0.0))
        return count >= self._limit and self._clock() < last + self._pause

    def succeed(self, party: Hashable) -> None:
        self._failed.pop(party, None)

    def fail(self, party: Hashable) -> None:
        count, _ = self._failed.pop(party, (0, 0.0))
        self._failed[party] = (count + 1, self._clock())
        if len(self._failed) > self._capacity:
            self._failed.popitem(last=False)

    def reset(self) -> None:
        """Start over, for tests."""
        self._failed.clear()
