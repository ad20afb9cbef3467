"""Puts knowledge into the index: `swap_knowledge`, one transaction. Taking it out is in knowledge.indexing.forgetting.

A reader sees the old knowledge of a source until the very moment it sees the new one. Chunk ids are derived from the
source and the content, so what did not change keeps its row, its vectors and the citations that point to it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from bots.models import LONGEST_TAG, MOST_TAGS
from knowledge.formats.sections import day_of, tags_of
from knowledge.indexing.chunking import ChunkDraft, indexed_text
from knowledge.indexing.lexicon import (
    add_statistics,
    choose_mean_length,
    fill_in_spellings,
    lock_knowledge,
    rebake_if_drifted,
    remove_statistics,
    spell_terms,
)
from knowledge.indexing.vector_index import refresh_planner_statistics
from knowledge.indexing.vectors import (
    COPY_HEADER,
    COPY_TRAILER,
    count_terms,
    count_words,
    pack_index_row,
    weigh_terms,
)
from knowledge.models import (
    Dataset,
    Document,
    IndexEntry,
    Source,
)
from knowledge.sources.storage import count_bytes
from minirag.lib.jobs.job import ClaimLost
from webhooks.event_types import EventType
from webhooks.events import emit

if TYPE_CHECKING:
    from knowledge.indexing.vectors import Vector

_ANALYSE_FROM = 500
_read_tags = partial(tags_of, most=MOST_TAGS, longest=LONGEST_TAG)


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


@dataclass(frozen=True)
class NewChunk:
    """A chunk on its way into the index."""

    id: uuid.UUID
    document_id: uuid.UUID
    language: str
    draft: ChunkDraft

    @property
    def text(self) -> str:
        return indexed_text(self.draft)


@dataclass(frozen=True)
class Stored:
    """What the index has of a chunk."""

    dimensions: int
    language: str


class EmbedderChanged(Exception):
    """The dataset was given another embedding model while this one's vectors were made."""


class KnowledgeChanged(Exception):
    """Chunks that were to stay, and so were not embedded, have been removed in the meantime."""


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


def identify_document(source_id: uuid.UUID, document: NewDocument) -> uuid.UUID:
    return uuid.uuid5(source_id, f"document {document.key}")


def find_stored(source_id: uuid.UUID) -> dict[uuid.UUID, Stored]:
    """Return what the index has of a source now, by chunk id."""
    rows = IndexEntry.objects.filter(source_id=source_id).values_list(
        "chunk_id", "dim", "chunk__document__language"
    )
    return {chunk_id: Stored(dimensions, language) for chunk_id, dimensions, language in rows}


def swap_knowledge(
    held: Source, documents: Sequence[NewDocument], chunks: Sequence[NewChunk],
    vectors: Mapping[uuid.UUID, Vector], *, embedding_model: str, facts: Mapping[str, Any] | None = None,
    vectorless: Collection[uuid.UUID] = (), also: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Replace all that a source says, set it ready, and tell its webhooks, in one transaction.

    `vectors` are those of the chunks that were embedded now, `vectorless` the chunks that could not be and are found
    by their words only; all others must be in the index. `facts` are further fields of the source. Raises ClaimLost,
    EmbedderChanged, KnowledgeChanged, QuotaExceeded.
    """
    # Half of the work, done before the tenant's other writers have to wait.
    likely, _, _ = _sort_changes(chunks, find_stored(held.pk), vectors)
    counts = {chunk.id: count_words(chunk.text, chunk.language) for chunk in likely}
    with transaction.atomic():
        lock_knowledge()
        source = _lock_source(held)
        dataset = Dataset.objects.select_for_update().get(pk=source.dataset_id)
        if dataset.embedding_model != embedding_model:
            raise EmbedderChanged
        stored = find_stored(source.pk)
        added, kept, kept_vectors = _sort_changes(chunks, stored, vectors)
        if {chunk.id for chunk in added} - (counts.keys() & {*vectors, *kept_vectors, *vectorless}):
            raise KnowledgeChanged
        facts = {**(facts or {}), **_describe_source(source, documents)}
        count_bytes(
            source.bot_profile_id,
            facts.get("stored_bytes", source.stored_bytes) - source.stored_bytes,
        )
        _store_documents(source, documents)
        delete_chunks([*(stored.keys() - {chunk.id for chunk in kept})])
        _insert_chunks(source.pk, added, counts, {**kept_vectors, **vectors})
        _move_chunks(kept)
        Document.objects.filter(source=source).exclude(
            pk__in={identify_document(source.pk, document) for document in documents}
        )._raw_delete("default")
        if vectors and dataset.embedding_dimensions is None:
            dataset.embedding_dimensions = len(next(iter(vectors.values())))
            dataset.save(update_fields=["embedding_dimensions", "updated_at"])
        _finish(source, documents, len(chunks), facts)
        also()
    if len(added) >= _ANALYSE_FROM:
        refresh_planner_statistics()
    rebake_if_drifted()
    fill_in_spellings()


def _lock_source(held: Source) -> Source:
    mine = Source.objects.select_for_update(of=("self",)).defer("content")
    source = mine.filter(pk=held.pk, claim_id=held.claim_id, claim_id__isnull=False).first()
    if source is None:
        raise ClaimLost
    return source


def _describe_source(source: Source, documents: Sequence[NewDocument]) -> dict[str, Any]:
    """The day and the tags that its document says of itself, where no person has said others."""
    own = documents[0].metadata if len(documents) == 1 else {}
    facts: dict[str, Any] = {}
    stored = Document.objects.filter(source=source).values_list("metadata", flat=True)[:2]
    for name, read in (("dated_on", day_of), ("tags", _read_tags)):
        said, found = getattr(source, name), read(own)
        is_persons = said and [read(each) for each in stored] != [said]
        if not is_persons and (found or None) != (said or None):
            facts[name] = found
    return facts


def _sort_changes(
    chunks: Sequence[NewChunk],
    stored: Mapping[uuid.UUID, Stored],
    vectors: Mapping[uuid.UUID, Vector],
) -> tuple[list[NewChunk], list[NewChunk], dict[uuid.UUID, Vector]]:
    """Which chunks are written and which stay; a chunk whose language is another now is written with its old vector."""
    added, kept, reread = [], [], []
    for chunk in chunks:
        known = stored.get(chunk.id)
        if known is None or chunk.id in vectors:
            added.append(chunk)
        elif known.language != chunk.language:
            added.append(chunk)
            reread.append(chunk.id)
        else:
            kept.append(chunk)
    rows = IndexEntry.objects.filter(chunk_id__in=reread, dim__gt=0).values_list("chunk_id", "emb")
    return (
        added,
        kept,
        {chunk_id: emb for chunk_id, emb in rows if emb is not None} if reread else {},
    )


def _store_documents(source: Source, documents: Sequence[NewDocument]) -> None:
    rows = [
        Document(
            id=identify_document(source.pk, document), source=source, title=document.title[:500],
            url=document.url[:2048], metadata=document.metadata, language=document.language[:8],
            content_hash=_hash_document(document), char_count=document.char_count, chunk_count=len(document.drafts),
            error_code=document.error_code[:64], error_message=document.error_message[:500],
        )
        for document in documents
    ]  # fmt: skip
    edited = Document.objects.select_for_update().filter(source=source).exclude(originals={})
    _keep_edits(rows, {document.pk: document for document in edited})
    Document.objects.bulk_create(
        rows, batch_size=1000, update_conflicts=True, unique_fields=["id"],
        update_fields=[
            "title", "url", "metadata", "originals", "language", "content_hash", "char_count", "chunk_count",
            "error_code", "error_message",
        ],
    )  # fmt: skip


def _keep_edits(rows: Sequence[Document], edited: Mapping[uuid.UUID, Document]) -> None:
    """What a person has edited stays as it is; what the source says of it now is kept for when the edit is undone."""
    for row in rows:
        for name in edited[row.pk].originals if row.pk in edited else ():
            row.originals[name] = getattr(row, name)
            setattr(row, name, getattr(edited[row.pk], name))


def _hash_document(document: NewDocument) -> str:
    return hashlib.sha256(
        "".join(draft.content_hash for draft in document.drafts).encode()
    ).hexdigest()


def delete_chunks(chunk_ids: list[uuid.UUID]) -> None:
    """Remove chunks with their index rows and statistics; the caller holds `lock_knowledge`."""
    if not chunk_ids:
        return
    remove_statistics(chunk_ids)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM chunk_index WHERE chunk_id = ANY(%s)", [chunk_ids])
        cursor.execute("DELETE FROM knowledge_chunk WHERE id = ANY(%s)", [chunk_ids])


def _insert_chunks(
    source_id: uuid.UUID, chunks: Sequence[NewChunk], counted: Mapping[uuid.UUID, Counter[str]],
    vectors: Mapping[uuid.UUID, Vector],
) -> None:  # fmt: skip
    if not chunks:
        return
    counts = [count_terms(counted[chunk.id]) for chunk in chunks]
    lengths = [count.total() for count in counts]
    mean = choose_mean_length(lengths)
    with connection.cursor() as cursor:
        columns = "id, document_id, source_id, ordinal, heading, content, page, token_count, content_hash, place"
        with cursor.copy(f"COPY knowledge_chunk ({columns}) FROM STDIN") as copy:
            for chunk in chunks:
                draft = chunk.draft
                copy.write_row((
                    chunk.id, chunk.document_id, source_id, draft.ordinal, draft.heading[:1000], draft.content,
                    draft.page, draft.token_count, draft.content_hash, draft.place,
                ))  # fmt: skip
        columns = "chunk_id, source_id, dl, dim, emb, lex"
        with cursor.copy(f"COPY chunk_index ({columns}) FROM STDIN (FORMAT binary)") as copy:
            copy.write(COPY_HEADER)
            for chunk, count, length in zip(chunks, counts, lengths, strict=True):
                copy.write(
                    pack_index_row(
                        chunk.id, source_id, length, vectors.get(chunk.id), weigh_terms(count, mean)
                    )
                )
            copy.write(COPY_TRAILER)
    frequencies: Counter[int] = Counter()
    for count in counts:
        frequencies.update(count.keys())
    words = (word for chunk in chunks for word in counted[chunk.id])
    add_statistics(
        frequencies, chunks=len(chunks), length=sum(lengths), spellings=spell_terms(words)
    )


def _move_chunks(chunks: Sequence[NewChunk]) -> None:
    """A chunk that stays may have moved within the source."""
    if not chunks:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE knowledge_chunk AS c SET document_id = n.document_id, ordinal = n.ordinal, page = n.page, "
            "place = n.place "
            "FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::int[], %s::text[]) "
            "AS n(id, document_id, ordinal, page, place) "
            "WHERE c.id = n.id AND (c.document_id, c.ordinal, c.page, c.place) "
            "IS DISTINCT FROM (n.document_id, n.ordinal, n.page, n.place)",
            [
                [chunk.id for chunk in chunks], [chunk.document_id for chunk in chunks],
                [chunk.draft.ordinal for chunk in chunks], [chunk.draft.page for chunk in chunks],
                [chunk.draft.place for chunk in chunks],
            ],
        )  # fmt: skip


def _finish(
    source: Source, documents: Sequence[NewDocument], chunk_count: int, facts: Mapping[str, Any]
) -> None:
    languages = Counter(document.language for document in documents if document.language)
    source.finish(
        document_count=len(documents), chunk_count=chunk_count,
        language=max(sorted(languages), key=lambda name: languages[name], default=""), **facts,
    )  # fmt: skip
    announce_ingested(source, len(documents), chunk_count)


def announce_ingested(source: Source, document_count: int, chunk_count: int) -> None:
    """Tell the tenant's webhooks, in the caller's transaction."""
    emit(
        EventType.SOURCE_INGESTED,
        {
            "source_id": str(source.pk), "source_name": source.name, "document_count": document_count,
            "chunk_count": chunk_count,
        },
    )  # fmt: skip
