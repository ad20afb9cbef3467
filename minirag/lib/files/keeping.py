"""Where files are kept that every process of an installation has to find: a folder on the disk, or a bucket.

`kept_files()` is that place, by the setting FILES_BUCKET. Names are ours and relative, with slashes; a folder is what
stands before the last slash of a name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, Final

from minirag.lib.errors import ProductError

PIECE: Final = 256 * 1024


class FilesFailed(ProductError):
    """The place did not do it; `detail` is a sentence without any secret."""

    status, code = 503, "files_unavailable"


class FileMissing(FilesFailed):
    """There is no file of this name any more."""

    status, code = 410, "file_missing"


class KeptFiles(ABC):
    """One place. All of it raises FilesFailed, and what is on the disk OSError."""

    @abstractmethod
    def writing(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A file that can be searched in, to write to; kept when the context ends well, and else not there."""

    @abstractmethod
    def reading(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A file that can be searched in. Raises FileMissing."""

    @abstractmethod
    def pieces(self, name: str) -> Iterator[bytes]:
        """The file from its beginning to its end, little by little. Raises FileMissing."""

    @abstractmethod
    def size(self, name: str) -> int | None:
        """How many bytes it has; None where there is no such file."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """All files below a folder, by their whole names, in order."""

    @abstractmethod
    def sizes(self, folder: str) -> list[int]:
        """How large all is that lies below a folder."""

    @abstractmethod
    def remove_folder(self, folder: str) -> None:
        """Remove all that is below a folder, and it."""

    @abstractmethod
    def check(self) -> str:
        """Write, read and remove a small file; returns where, for people."""
