"""What ingestion would make of a file, without keeping anything of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings

from knowledge.formats.archive.members import unpack_members
from knowledge.formats.archive.unpacking import Unpacked
from knowledge.formats.isolated.asking import SECONDS
from knowledge.formats.isolated.measuring import PREVIEW_LENGTH, Figures, measure_isolated
from knowledge.formats.parsing import ParseError
from knowledge.formats.registry import FORMATS, Format, is_archive
from knowledge.indexing.embedding import find_counter
from minirag.ai.embeddings import profile_of
from minirag.lib.telling.kept_sentences import kept

_FEW_PER_PAGE = 200
_FILES_LOOKED_AT = 20


@dataclass(frozen=True)
class FilePreview:
    """`preview` is the beginning of the text; `warnings` are sentences for the person who uploads the file."""

    kind: str
    title: str
    language: str
    size: int
    characters: int
    chunks: int
    tokens: int
    pages: int | None
    preview: str
    warnings: tuple[str, ...]

    @property
    def can_be_ingested(self) -> bool:
        return 0 < self.chunks <= settings.MAX_CHUNKS_PER_SOURCE


def list_formats() -> list[Format]:
    """What can be uploaded, by the suffix that each is known by."""
    return sorted(FORMATS.values(), key=lambda row: row.suffixes[0])


def preview_file(data: bytes, *, kind: str, name: str) -> FilePreview:
    """Read and cut a file as ingestion does. Raises ParseError for one that cannot be read.

    Nothing of it is read or cut in this process, but for what takes a tenth of a second at most.
    """
    found = _measure_members(data, name) if is_archive(data, kind) else _measure(data, kind, name)
    return FilePreview(
        kind=kind, title=found.title, language=found.language, size=len(data),
        characters=found.characters, chunks=found.chunks, tokens=found.tokens, pages=found.pages,
        preview=found.beginning, warnings=tuple(_find_faults(found)),
    )  # fmt: skip


def _measure(data: bytes, kind: str, name: str, seconds: float = SECONDS) -> Figures:
    counter = find_counter(settings.DEFAULT_EMBEDDING_MODEL)
    return measure_isolated(data, kind=kind, name=name, counter=counter, seconds=seconds)


def _measure_members(data: bytes, name: str) -> Figures:
    """The first files of an archive together; what could not be read, or was not looked at, in the notes."""
    ends_at = time.monotonic() + SECONDS
    found: list[Figures] = []
    notes: list[str] = []
    looked = total = 0
    for packed in unpack_members(data, largest=settings.MAX_UPLOAD_BYTES):
        left = ends_at - time.monotonic()
        total = packed.total
        if looked == _FILES_LOOKED_AT or left < 1:
            break
        looked += 1
        try:
            found.append(_measure_member(packed, left))
        except ParseError as error:
            notes.append(kept(f"{packed.path}: {error.reason}"))
    if total > looked:
        notes.append(kept(f"Only the first {looked} of {total} files were looked at."))
    return Figures(
        title=name, language=found[0].language if found else "",
        characters=sum(each.characters for each in found), chunks=sum(each.chunks for each in found),
        tokens=sum(each.tokens for each in found), pages=sum(each.pages or 0 for each in found) or None,
        beginning="\n\n".join(each.beginning for each in found)[:PREVIEW_LENGTH],
        notes=tuple(notes), restriction=None,
    )  # fmt: skip


def _measure_member(packed: Unpacked, seconds: float) -> Figures:
    if packed.reason:
        raise ParseError(packed.reason, code=packed.code)
    found = _measure(packed.data, packed.kind, packed.name, seconds)
    if not found.chunks:
        raise ParseError("There is no text in it.", code="no_text")
    return found


def _find_faults(found: Figures) -> list[str]:
    faults = []
    if found.restriction:
        groups = ", ".join(found.groups)
        says = found.restriction
        faults.append(
            kept(
                f'It says of itself "{says}": only visitors in these groups are answered from it: {groups}'
            )
            if groups
            else kept(f'It says of itself "{says}": no visitor is answered from it.')
        )
    if not found.chunks:
        return [*found.notes, kept("There is no text in it: its ingestion would fail.")]
    if found.chunks > settings.MAX_CHUNKS_PER_SOURCE:
        faults.append(
            kept(
                f"It makes {found.chunks} chunks; at most {settings.MAX_CHUNKS_PER_SOURCE} are allowed."
            )
        )
    if found.pages and found.characters < _FEW_PER_PAGE * found.pages:
        faults.append(kept("There is little text on its pages: they may be scans."))
    if found.language != "en" and profile_of(settings.DEFAULT_EMBEDDING_MODEL).english_only:
        faults.append(
            kept(
                "It is not in English: the installation's embedder will find it by its words only."
            )
        )
    return [*faults, *found.notes]
