"""What signals ask of a supervisor: to stop (SIGTERM, Ctrl-C, a terminal that is closed), to hurry, or to replace its
processes without losing anybody (SIGHUP, as servers commonly have it).
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from types import FrameType

_LOOK_SECONDS = 0.2
_TERMINAL = "/dev/tty"


class Orders:
    """Made in the main thread. The first signal to stop sets `stopping`, the second calls `hurry`."""

    def __init__(self, stopping: threading.Event, hurry: Callable[[], None]) -> None:
        self._stopping = stopping
        self._wants_roll = threading.Event()
        self._hurry = hurry
        self._times_stopped = 0
        under_nohup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        self._minds_terminal = not under_nohup and _has_terminal()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def watch(
        self, look_after: Callable[[], None], roll: Callable[[], Generator[None, None, None]]
    ) -> None:
        """Calls `look_after` now and then, and goes through `roll` when asked to, until told to stop."""
        rolling: Generator[None, None, None] | None = None
        while not self._stopping.wait(_LOOK_SECONDS):
            look_after()
            if rolling is None and self._wants_roll.is_set():
                self._wants_roll.clear()
                rolling = roll()
            if rolling is not None:
                try:
                    next(rolling)
                except StopIteration:
                    rolling = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP and not (self._minds_terminal and not _has_terminal()):
            self._wants_roll.set()
            return
        self._times_stopped += 1
        self._stopping.set()
        if self._times_stopped == 2:
            self._hurry()


def _has_terminal() -> bool:
    """Whether there is a terminal that this process was started from, and it is still open."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
