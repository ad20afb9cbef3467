"""Knowledge on its way into the index: documents and chunks that are not stored yet, and their lasting ids."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from knowledge.indexing.chunking import ChunkDraft, indexed_text
from knowledge.indexing.vectors import count_words


@dataclass(frozen=True)
class NewDocument:
    """A document with its chunks, not stored yet. `key` tells it from the source's other ones: its path in an archive.

    One that could not be read has no chunks, and a code and a sentence that say why.
    """

    title: str
    language: str
    drafts: Sequence[ChunkDraft]
    url: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    char_count: int = 0
    key: str = ""
    error_code: str = ""
    error_message: str = ""
    id: uuid.UUID | None = None
    """Of a document that is there already and whose key is not known."""


@dataclass(frozen=True)
class NewChunk:
    """A chunk on its way into the index."""

    id: uuid.UUID
    document_id: uuid.UUID
    language: str
    draft: ChunkDraft
    is_pinned: bool = False

    @property
    def text(self) -> str:
        return indexed_text(self.draft)

    @cached_property
    def words(self) -> dict[str, int]:
        """How often each term occurs in it."""
        return count_words(self.text, self.language)


def count_ahead(chunks: Iterable[NewChunk]) -> int:
    """Count the chunks' words now, where nobody waits for it; returns how many terms there are."""
    return sum(len(chunk.words) for chunk in chunks)


def identify_chunks(source_id: uuid.UUID, documents: Iterable[NewDocument]) -> list[NewChunk]:
    """Give every chunk its lasting id; what a source says twice gets the number of its occurrence into the id."""
    seen: Counter[str] = Counter()
    chunks = []
    for document in documents:
        document_id = identify_document(source_id, document)
        for draft in document.drafts:
            number = seen[draft.content_hash]
            seen[draft.content_hash] += 1
            name = f"{draft.content_hash}#{number}" if number else draft.content_hash
            chunks.append(
                NewChunk(uuid.uuid5(source_id, name), document_id, document.language, draft)
            )
    return chunks


def identify_page_document(source_id: uuid.UUID, url: str) -> uuid.UUID:
    """The id of the document that a page of a site, or a file of a connector, is."""
    return identify_document(source_id, NewDocument(title="", language="", drafts=[], key=url))


def identify_document(source_id: uuid.UUID, document: NewDocument) -> uuid.UUID:
    return document.id or uuid.uuid5(source_id, f"document {document.key}")
