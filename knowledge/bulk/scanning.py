"""What is in a folder or a zip archive: its files under ids that last, and of each that is not taken the reason.

Links are not followed, so nothing outside of the folder is read; hidden files and folders are passed over. A file is
read only when it is asked for, so that ten thousand of them cost the memory of one.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from django.conf import settings
from django.utils.translation import gettext

from knowledge.formats.archive.members import unpack_members
from knowledge.formats.registry import advise, format_of_upload
from knowledge.formats.sections import ParseError
from knowledge.formats.uploads import largest_bytes, shorten_file_name
from minirag.lib.telling.kept_sentences import kept

LONGEST_ID: Final = 255
MOST_FILES: Final = 100_000


class NotTaken(Exception):
    """A file that is not taken; its words say why."""


@dataclass(frozen=True)
class Found:
    """A file, or why it is not taken.

    `total` is of how many. `mark` changes with the file; `read` returns its bytes, or raises NotTaken. `hides`: which
    files are in it is not known.
    """

    path: str
    total: int = 0
    mark: tuple[int, ...] = ()
    read: Callable[[], bytes] = bytes
    reason: str = ""
    hides: bool = False

    @property
    def external_id(self) -> str:
        """Its path, and of one that is too long the end of it after a fingerprint of the whole."""
        if len(self.path) <= LONGEST_ID:
            return self.path
        digest = hashlib.sha256(self.path.encode()).hexdigest()[:16]
        return f"{digest}…{self.path[-(LONGEST_ID - 17) :]}"

    @property
    def name(self) -> str:
        return shorten_file_name(PurePosixPath(self.path).name)


def scan(place: Path) -> Iterator[Found]:
    """Return what is in a folder or an archive, in the order of the paths. Raises ParseError, OSError for the whole."""
    if not place.is_dir():
        yield from _scan_archive(place)
        return
    found = list(_scan_folder(place))
    yield from (replace(each, total=len(found)) for each in found)


def _scan_folder(top: Path) -> Iterator[Found]:
    def fail(error: OSError) -> None:
        if error.filename == os.fspath(top):
            raise error
        refused.append(_refuse(top, Path(error.filename), _explain(error)))

    refused: list[Found] = []
    count = 0
    for folder, folders, names in os.walk(top, onerror=fail):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(n for n in folders if not n.startswith(".") and n not in links)
        for name in sorted([*names, *links]):
            if name.startswith("."):
                continue
            count += 1
            if count > MOST_FILES:
                raise ParseError(
                    gettext("There are more than %(most_files)s files.")
                    % {"most_files": f"{MOST_FILES:,}"},
                    code="too_large",
                )
            yield _look_at(top, here / name)
        yield from refused
        refused.clear()
    yield from refused


def _look_at(top: Path, file: Path) -> Found:
    try:
        facts = file.lstat()
    except OSError as error:
        return _refuse(top, file, _explain(error))
    path = shown_path(top, file)
    if stat.S_ISLNK(facts.st_mode):
        return Found(path, reason="It is a link, which is not followed.")
    if not stat.S_ISREG(facts.st_mode):
        return Found(path, reason="It is no regular file.")
    if reason := _find_fault(path, facts.st_size):
        return Found(path, reason=reason)
    mark = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
    return Found(path, mark=mark, read=partial(_read, top, file, path))


def _read(top: Path, file: Path, path: str) -> bytes:
    try:
        with os.fdopen(_open_below(top, file), "rb") as opened:
            data = opened.read(largest_bytes(path) + 1)
    except OSError as error:
        raise NotTaken(_explain(error)) from error
    if reason := _find_fault(path, len(data)):  # it may have grown since
        raise NotTaken(reason)
    return data


def _open_below(top: Path, file: Path) -> int:
    """Open a file part by part: not through a link that has taken a folder's place since it was looked at."""
    *folders, name = file.relative_to(top).parts
    at = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)


def find_marks(place: Path) -> dict[str, tuple[int, ...]]:
    """What changes with the files of a folder, or with an archive as a whole, which is not opened. Raises as `scan`."""
    if place.is_dir():
        return {found.path: found.mark for found in scan(place)}
    facts = place.stat()
    return {"": (facts.st_mtime_ns, facts.st_size, facts.st_ino)}


def _scan_archive(place: Path) -> Iterator[Found]:
    largest = 5 * settings.MAX_UPLOAD_BYTES
    if place.stat().st_size > largest:
        limit = largest // 2**20
        raise ParseError(
            gettext("An archive may be %(limit)s MB; unpack it and name the folder.")
            % {"limit": limit}
        )
    for packed in unpack_members(place.read_bytes(), largest=settings.MAX_UPLOAD_BYTES):
        reason = packed.reason or _find_fault(packed.path, len(packed.data))
        row = format_of_upload(packed.path)
        hides = row is not None and row.is_archive and packed.code != "unsupported"
        yield Found(
            packed.path, packed.total, read=partial(bytes, packed.data), reason=reason, hides=hides,
        )  # fmt: skip


def _find_fault(path: str, size: int) -> str:
    """Why a file of this name and size is not taken; empty for one that is."""
    if format_of_upload(path) is None:
        return kept(f"Files of this kind cannot be read.{advise(path)}")
    if not size:
        return kept("It is empty.")
    largest = largest_bytes(path)
    return kept(f"It is larger than {largest // 2**20} MB.") if size > largest else ""


def _refuse(top: Path, file: Path, reason: str) -> Found:
    return Found(shown_path(top, file), reason=reason)


def shown_path(top: Path, file: Path) -> str:
    """The path below the folder as text that can be stored: bytes that are no text are written out."""
    return as_text(file.relative_to(top).as_posix())


def as_text(path: str) -> str:
    """A path with bytes that are no text, and signs that are not seen, written out."""
    shown = path.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in shown)


def _explain(error: OSError) -> str:
    fault = error.strerror or type(error).__name__
    return kept(f"It cannot be read: {fault}.")
