"""The documents of an archive: each read by itself, so that one that cannot be read leaves the others alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from knowledge.formats.archive.opening import PackedFile, open_archive, read_file
from knowledge.formats.parsing import ParsedDocument, ParseError, parse_isolated
from knowledge.formats.registry import advise, format_of_upload


@dataclass(frozen=True)
class Member:
    """A file of an archive: its document, or the code and the sentence that say why there is none."""

    path: str
    total: int
    document: ParsedDocument | None = None
    code: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Unpacked:
    """A file of an archive as it was packed, or the code and the sentence that say why it cannot be read."""

    path: str
    total: int
    data: bytes = b""
    kind: str = ""
    code: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


def unpack_members(data: bytes, *, largest: int) -> Iterator[Unpacked]:
    """Unpack the files of an archive one after the other, of `largest` bytes each. Raises ParseError for the whole."""
    archive, files = open_archive(data)
    with archive:
        for file in files:
            member = Unpacked(file.path, len(files))
            try:
                kind = _kind_of(file)
                yield replace(member, kind=kind, data=read_file(archive, file, limit=largest))
            except ParseError as error:
                yield replace(member, code=error.code, reason=error.reason)


def read_members(data: bytes, *, largest: int) -> Iterator[Member]:
    """Read the files of an archive one after the other, of `largest` bytes each. Raises ParseError for the whole."""
    for packed in unpack_members(data, largest=largest):
        member = Member(packed.path, packed.total, code=packed.code, reason=packed.reason)
        try:
            yield member if packed.reason else replace(member, document=_read(packed))
        except ParseError as error:
            yield replace(member, code=error.code, reason=error.reason)


def _kind_of(file: PackedFile) -> str:
    row = format_of_upload(file.path)
    if row is None:
        advice = advise(file.path)
        raise ParseError(f"Files of this kind cannot be read.{advice}", code="unsupported")
    if row.is_archive:
        raise ParseError("An archive within an archive is not read.", code="unsupported")
    return row.kind


def _read(packed: Unpacked) -> ParsedDocument:
    document = parse_isolated(packed.data, kind=packed.kind, name=packed.name)
    if not document.sections:
        raise ParseError("There is no text in it.", code="no_text")
    is_named = document.title != PurePosixPath(packed.path).stem
    return replace(
        document,
        title=document.title if is_named else packed.path,
        metadata={**document.metadata, "path": packed.path},
    )
