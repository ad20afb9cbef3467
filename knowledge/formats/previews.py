"""What ingestion would make of a file, without keeping anything of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from django.conf import settings

from knowledge.formats.archive.members import read_members
from knowledge.formats.parsing import ParsedDocument, parse_isolated
from knowledge.formats.registry import FORMATS, Format, is_archive
from knowledge.formats.restrictions import find_restriction
from knowledge.indexing.chunking import ChunkDraft, chunk_document
from knowledge.indexing.embedding import choose_counter
from minirag.ai.embeddings import profile_of

PREVIEW_LENGTH = 500
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
    is_restricted: bool

    @property
    def can_be_ingested(self) -> bool:
        return 0 < self.chunks <= settings.MAX_CHUNKS_PER_SOURCE and not self.is_restricted


def list_formats() -> list[Format]:
    """What can be uploaded, by the suffix that each is known by."""
    return sorted(FORMATS.values(), key=lambda row: row.suffixes[0])


def preview_file(data: bytes, *, kind: str, name: str) -> FilePreview:
    """Read and cut a file as ingestion does. Raises ParseError for one that cannot be read."""
    read = _join_members if is_archive(data, kind) else parse_isolated
    parsed = read(data, kind=kind, name=name)
    counter = choose_counter(settings.DEFAULT_EMBEDDING_MODEL, parsed.language)
    drafts = chunk_document(parsed, count_tokens=counter)
    pages = {section.page for section in parsed.sections if section.page is not None}
    return FilePreview(
        kind=kind, title=parsed.title, language=parsed.language, size=len(data),
        characters=sum(len(section.text) for section in parsed.sections), chunks=len(drafts),
        tokens=sum(draft.token_count for draft in drafts), pages=len(pages) or None,
        preview=_begin(parsed), warnings=tuple(_find_faults(parsed, drafts, len(pages))),
        is_restricted=find_restriction(parsed.metadata) is not None,
    )  # fmt: skip


def _join_members(data: bytes, *, kind: str, name: str) -> ParsedDocument:
    """The first files of an archive as one document; what could not be read, or was not looked at, in its notes."""
    members = list(islice(read_members(data, largest=settings.MAX_UPLOAD_BYTES), _FILES_LOOKED_AT))
    found = [member.document for member in members if member.document is not None]
    notes = [f"{member.path}: {member.reason}" for member in members if member.document is None]
    if members[0].total > len(members):
        notes.append(f"Only the first {len(members)} of {members[0].total} files were looked at.")
    sections = tuple(section for document in found for section in document.sections)
    return ParsedDocument(
        title=name, sections=sections, metadata={"notes": notes},
        language=found[0].language if found else "",
    )  # fmt: skip


def _begin(parsed: ParsedDocument) -> str:
    text = ""
    for section in parsed.sections:
        text += ("\n\n" if text else "") + section.text[:PREVIEW_LENGTH]
        if len(text) >= PREVIEW_LENGTH:
            break
    return text[:PREVIEW_LENGTH]


def _find_faults(parsed: ParsedDocument, drafts: list[ChunkDraft], pages: int) -> list[str]:
    faults = []
    if restriction := find_restriction(parsed.metadata):
        faults.append(f'It says of itself "{restriction}": nobody would be answered from it.')
    if not drafts:
        return [*parsed.notes, "There is no text in it: its ingestion would fail."]
    if len(drafts) > settings.MAX_CHUNKS_PER_SOURCE:
        faults.append(
            f"It makes {len(drafts)} chunks; at most {settings.MAX_CHUNKS_PER_SOURCE} are allowed."
        )
    if pages and sum(len(section.text) for section in parsed.sections) < _FEW_PER_PAGE * pages:
        faults.append("There is little text on its pages: they may be scans.")
    if parsed.language != "en" and profile_of(settings.DEFAULT_EMBEDDING_MODEL).english_only:
        faults.append(
            "It is not in English: the installation's embedder will find it by its words only."
        )
    return [*faults, *parsed.notes]
