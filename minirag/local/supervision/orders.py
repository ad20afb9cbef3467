"""What signals ask of a supervisor: to stop (SIGTERM, Ctrl-C, a terminal that is closed), to hurry, or to replace its
processes without losing anybody (SIGHUP, as servers commonly have it).
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
from collections.abc import Callable, Generator
from types import FrameType

_LOOK_SECONDS = 0.2
_TERMINAL = "/dev/tty"


class Stopping:
    """Whether somebody asked to stop, which a signal handler may say while the main thread waits for it.

    A `threading.Event` must not be used for that: its lock is held for a moment by the thread that waits, which is
    the one that runs the handler. A `SimpleQueue` promises that `put` may come at any moment.
    """

    def __init__(self) -> None:
        self._is_asked = False
        self._asked: queue.SimpleQueue[None] = queue.SimpleQueue()

    def set(self) -> None:
        self._is_asked = True
        self._asked.put(None)

    def is_set(self) -> bool:
        return self._is_asked

    def wait(self, seconds: float) -> bool:
        """Return whether it was asked, as soon as it is and after `seconds` at the latest."""
        if not self._is_asked:
            with contextlib.suppress(queue.Empty):
                self._asked.get(timeout=seconds)
        return self._is_asked


class Orders:
    """Made in the main thread. The first signal to stop sets `stopping`, the second calls `hurry`."""

    def __init__(self, stopping: Stopping, hurry: Callable[[], None]) -> None:
        self._stopping = stopping
        self._wants_roll = False
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
            if rolling is None and self._wants_roll:
                self._wants_roll = False
                rolling = roll()
            if rolling is not None:
                try:
                    next(rolling)
                except StopIteration:
                    rolling = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP and not (self._minds_terminal and not _has_terminal()):
            self._wants_roll = True
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
