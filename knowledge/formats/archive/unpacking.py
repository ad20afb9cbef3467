"""The files of an archive as they were packed, and the exports of other products that are archives as well."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from knowledge.formats.archive.opening import PackedFile, read_file
from knowledge.formats.registry import advise, format_of_upload, is_archive
from knowledge.formats.sections import ParseError


@dataclass(frozen=True)
class Unpacked:
    """A file of an archive as it was packed, or the code and the sentence that say why it cannot be read.

    `title` where the archive says it beside the file; `is_page`: its title says enough without its path.
    """

    path: str
    total: int
    data: bytes = b""
    kind: str = ""
    code: str = ""
    reason: str = ""
    title: str = ""
    is_page: bool = False

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


@dataclass(frozen=True)
class Export:
    """How another product packs what it holds: by which names it is known, and what of it is read, as what."""

    name: str
    recognises: Callable[[Sequence[str]], bool]
    unpack: Callable[[zipfile.ZipFile, list[PackedFile], int], Iterator[Unpacked]]


def unpack_each(
    archive: zipfile.ZipFile, files: list[PackedFile], largest: int
) -> Iterator[Unpacked]:
    """The files of an archive one after the other, of `largest` bytes each."""
    for file in files:
        yield unpack_file(archive, file, Unpacked(file.path, len(files)), largest)


def unpack_file(
    archive: zipfile.ZipFile, file: PackedFile, known: Unpacked, largest: int
) -> Unpacked:
    """One file, known by what its path there says, or why it cannot be read."""
    try:
        kind = _kind_of(known.path)
        data = read_file(archive, file, limit=largest)
        if is_archive(data, kind):
            raise _within()
        return replace(known, kind=kind, data=data)
    except ParseError as error:
        return replace(known, code=error.code, reason=error.reason)


def _kind_of(path: str) -> str:
    row = format_of_upload(path)
    if row is None:
        raise ParseError(f"Files of this kind cannot be read.{advise(path)}", code="unsupported")
    if row.is_archive:
        raise _within()
    return row.kind


def _within() -> ParseError:
    return ParseError("An archive within an archive is not read.", code="unsupported")
