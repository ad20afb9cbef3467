"""How slowly a request may come: a connection that is held open with a byte now and then costs its sender nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

WINDOW_SECONDS = 30.0
WINDOW_BYTES = 16 * 1024  # in each window: half of what the slowest mobile networks carry


class Pace:
    """Calls `give_up` once less than WINDOW_BYTES came in WINDOW_SECONDS in which we waited for the sender.

    The time in which we do not read is ours. Parts of it do not start the window again, or a byte at its end would do.
    `clock` is Twisted's reactor.
    """

    def __init__(self, clock: Any, give_up: Callable[[], None]) -> None:
        self._clock, self._give_up = clock, give_up
        self._waited = self._since = 0.0
        self._arrived = 0
        self._timer: Any = None

    def wait(self) -> None:
        """From now on the sender is waited for."""
        if self._timer is None:
            self._since = self._clock.seconds()
            self._timer = self._clock.callLater(WINDOW_SECONDS - self._waited, self._end_window)

    def rest(self) -> None:
        """Nothing is read for a while, or nothing more is expected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            waited = self._waited + self._clock.seconds() - self._since
            self._waited = min(waited, WINDOW_SECONDS)

    def count(self, size: int) -> None:
        self._arrived += size

    def _end_window(self) -> None:
        is_slow = self._arrived < WINDOW_BYTES
        self._timer, self._waited, self._arrived = None, 0.0, 0
        if is_slow:
            self._give_up()
        else:
            self.wait()
