"""A folder on the disk; with several machines one that all of them see."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from minirag.lib.files.keeping import PIECE, FileMissing, FilesFailed, KeptFiles


class DiskFiles(KeptFiles):
    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        return self.root / name

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        is_whole = False
        try:
            with path.open("wb") as file:
                yield file
            is_whole = True
        finally:
            if not is_whole:
                path.unlink(missing_ok=True)

    @contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        with self._open(name) as file:
            yield file

    def pieces(self, name: str) -> Iterator[bytes]:
        with self._open(name) as file:
            while piece := file.read(PIECE):
                yield piece

    def _open(self, name: str) -> BinaryIO:
        try:
            return self.path(name).open("rb")
        except FileNotFoundError:
            raise FileMissing("The file is not there any more.") from None

    def size(self, name: str) -> int | None:
        try:
            return self.path(name).stat().st_size
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def names(self, folder: str) -> list[str]:
        """What is no plain file is left out."""
        found = []
        for place, _, names in os.walk(self.path(folder)):
            for path in (Path(place) / name for name in names):
                if path.is_file() and not path.is_symlink():
                    found.append(path.relative_to(self.root).as_posix())
        return sorted(found)

    def sizes(self, folder: str) -> list[int]:
        paths = self.path(folder).rglob("*")
        return [path.lstat().st_size for path in paths if not path.is_dir()]

    def remove_folder(self, folder: str) -> None:
        shutil.rmtree(self.path(folder), onerror=_pass_over_what_is_gone)

    def check(self) -> str:
        directory = self.root
        while not directory.exists():
            directory = directory.parent
        if not os.access(directory, os.W_OK | os.X_OK):
            raise FilesFailed(f"{directory} cannot be written")
        return str(self.root)


def _pass_over_what_is_gone(
    function: object, path: str, error: tuple[type[BaseException], BaseException, TracebackType]
) -> None:
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]
