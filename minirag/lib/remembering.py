"""What a process remembers of what it was asked, and may forget at any moment."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(dict[K, V]):
    """A dict of at most so many: full, it begins anew, which costs less than knowing what was used last.

    Any thread may do so while another reads: what was there a moment ago may be gone.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= self._most and key not in self:
            self.clear()
        super().__setitem__(key, value)
