"""How far a starting child is, as it says itself: one byte for each step, through a pipe that it inherits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from minirag.lib.starting.readiness import SERVING, TELL_THROUGH, WARM


class Progress:
    """What a child has told since it was last started."""

    VARIABLE: Final = TELL_THROUGH

    def __init__(self) -> None:
        self._told = b""
        self._pipe: int | None = None

    @contextmanager
    def begin(self) -> Iterator[int]:
        """Yields the descriptor that a new child tells through."""
        self.end()
        self._told, (self._pipe, told_through) = b"", os.pipe()
        os.set_blocking(self._pipe, False)
        try:
            yield told_through
        finally:
            os.close(told_through)

    def end(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    @property
    def is_serving(self) -> bool:
        """Whether it takes connections."""
        return SERVING in self._read()

    @property
    def is_warm(self) -> bool:
        """Whether it has loaded what the first who asks would otherwise wait for."""
        return WARM in self._read()

    def _read(self) -> bytes:
        if self._pipe is not None:
            with suppress(BlockingIOError):
                if news := os.read(self._pipe, 16):
                    self._told += news
                else:
                    self.end()
        return self._told
