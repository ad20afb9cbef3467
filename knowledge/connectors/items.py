"""What every connector speaks of: items in lists, and what an item holds. A connector is a class on `Connector`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

from knowledge.indexing.loading import IngestionError

START: Final = "/"
"""The list that a look begins with."""
_DIGITS: Final = 18


@dataclass(frozen=True)
class Item:
    """A file of a list. `key` is its path, the same at each look; one of the same `version` is not fetched again."""

    key: str
    version: str = ""
    size: int | None = None


@dataclass(frozen=True)
class Listing:
    """One list's items, and the further lists that it leads to. `is_cut`: there is more that it does not tell.

    `rest` is where the same list goes on, which is no path: whatever its name looks like, it is read.
    """

    items: tuple[Item, ...] = ()
    lists: tuple[str, ...] = ()
    rest: str = ""
    is_cut: bool = False


class ItemGone(IngestionError):
    """There is no such item any more."""

    def __init__(self, reason: str = "It is not there any more.") -> None:
        super().__init__("not_found", reason)


class Connector(ABC):
    """Where files are: lists them and reads them, one at a time. Opened for a worker's slice, and closed after it.

    `slices`: how many slices it is open for, of one for which opening costs much.
    """

    slices = 1
    seconds: float | None = None
    """How long a request may take, where somebody waits."""
    largest_archive: int | None = None

    def hurry(self, seconds: float, largest_archive: int) -> None:
        """Take no longer for a request, and fetch no larger archive: somebody waits."""
        self.seconds, self.largest_archive = seconds, largest_archive

    def find_version(self) -> str:
        """A short name of the whole as it is now, another one as soon as any item is; empty where there is none.

        Asked before the first list. While it stays the same nothing is listed. Raises IngestionError.
        """
        return ""

    @abstractmethod
    def list_items(self, at: str) -> Listing:
        """Read one list, first the one at START. Raises IngestionError."""

    @abstractmethod
    def fetch(self, key: str, *, largest: int) -> bytes:
        """Read an item of at most `largest` bytes. Raises ItemGone, IngestionError."""

    def find_link(self, key: str) -> str:
        """The address that a citation of the item leads to; empty where it has none."""
        return ""

    def close(self) -> None:  # noqa: B027 - most hold nothing open
        """Let go of what is open."""


def read_size(said: str) -> int | None:
    """A length as a server says it; None for what is none."""
    return int(said) if said.isdecimal() and len(said) <= _DIGITS else None


def too_large(largest: int) -> IngestionError:
    return IngestionError("too_large", f"It is larger than {largest / 2**20:g} MB.")
