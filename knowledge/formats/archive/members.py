"""The documents of an archive: each read by itself, so that one that cannot be read leaves the others alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from knowledge.formats.archive.opening import PackedFile, open_archive, read_file
from knowledge.formats.parsing import ParsedDocument, ParseError, parse_isolated
from knowledge.formats.registry import format_of_upload
from knowledge.formats.restrictions import find_restriction


@dataclass(frozen=True)
class Member:
    """A file of an archive: its document, or the code and the sentence that say why there is none."""

    path: str
    total: int
    document: ParsedDocument | None = None
    code: str = ""
    reason: str = ""


def read_members(data: bytes, *, largest: int) -> Iterator[Member]:
    """Read the files of an archive one after the other, of `largest` bytes each. Raises ParseError for the whole."""
    archive, files = open_archive(data)
    with archive:
        for file in files:
            member = Member(file.path, len(files))
            try:
                found = _read(read_file(archive, file, limit=largest), file)
                yield replace(member, document=found)
            except ParseError as error:
                yield replace(member, code=error.code, reason=error.reason)


def _read(data: bytes, file: PackedFile) -> ParsedDocument:
    row = format_of_upload(file.path)
    if row is None:
        raise ParseError("Files of this kind cannot be read.", code="unsupported")
    if row.is_archive:
        raise ParseError("An archive within an archive is not read.", code="unsupported")
    document = parse_isolated(data, kind=row.kind, name=PurePosixPath(file.path).name)
    if restriction := find_restriction(document.metadata):
        raise ParseError(
            f'It says of itself "{restriction}", and who asks is not known.', code="restricted"
        )
    if not document.sections:
        raise ParseError("There is no text in it.", code="no_text")
    is_named = document.title != PurePosixPath(file.path).stem
    return replace(
        document,
        title=document.title if is_named else file.path,
        metadata={**document.metadata, "path": file.path},
    )
