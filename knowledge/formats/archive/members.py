"""The documents of an archive: each read by itself, so that one that cannot be read leaves the others alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from knowledge.formats.archive.exports import find_export
from knowledge.formats.archive.opening import (
    MOST_FILES,
    MOST_UNPACKED,
    choose_name,
    open_archive,
)
from knowledge.formats.archive.unpacking import Unpacked, unpack_each
from knowledge.formats.parsing import ParsedDocument, ParseError, parse_isolated


@dataclass(frozen=True)
class Member:
    """A file of an archive: its document, or the code and the sentence that say why there is none."""

    path: str
    total: int
    document: ParsedDocument | None = None
    code: str = ""
    reason: str = ""


def unpack_members(data: bytes, *, largest: int) -> Iterator[Unpacked]:
    """Unpack the files of an archive one after the other, of `largest` bytes each. Raises ParseError for the whole.

    Of another product's export: what it holds, under the names that people gave it.
    """
    archive, files = open_archive(data)
    export = find_export([file.path for file in files])
    taken: set[str] = set()
    size = 0
    with archive:
        for packed in (export.unpack if export else unpack_each)(archive, files, largest):
            size += len(packed.data)
            if len(taken) >= MOST_FILES or size > MOST_UNPACKED:
                raise ParseError("This archive unpacks to more than is allowed.", code="too_large")
            path = choose_name(packed.path, taken)
            taken.add(path)
            yield replace(packed, path=path)


def read_members(data: bytes, *, largest: int) -> Iterator[Member]:
    """Read the files of an archive one after the other, of `largest` bytes each. Raises ParseError for the whole."""
    for packed in unpack_members(data, largest=largest):
        member = Member(packed.path, packed.total, code=packed.code, reason=packed.reason)
        try:
            yield member if packed.reason else replace(member, document=_read(packed))
        except ParseError as error:
            yield replace(member, code=error.code, reason=error.reason)


def _read(packed: Unpacked) -> ParsedDocument:
    document = parse_isolated(packed.data, kind=packed.kind, name=packed.name)
    if not document.sections:
        raise ParseError("There is no text in it.", code="no_text")
    is_named = packed.is_page or document.title != PurePosixPath(packed.path).stem
    return replace(
        document,
        title=packed.title or (document.title if is_named else packed.path),
        metadata={**document.metadata, "path": packed.path},
    )
