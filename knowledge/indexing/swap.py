"""Puts knowledge into the index: `swap_knowledge`, one transaction. Taking it out is in knowledge.indexing.forgetting.

A reader sees the old knowledge of a source until the very moment it sees the new one. Chunk ids are derived from the
source and the content, so what did not change keeps its row, its vectors and the citations that point to it.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction

from bots.models import LONGEST_TAG, MOST_TAGS
from knowledge.documents.present import Present, Stored, look_at
from knowledge.formats.sections import day_of, tags_of
from knowledge.indexing.chunk_rows import (
    delete_chunks,
    insert_chunks,
    move_chunks,
    place_chunks,
    store_parts,
)
from knowledge.indexing.incoming import NewChunk, NewDocument, count_ahead, identify_document
from knowledge.indexing.lexicon import lock_knowledge, tend_statistics
from knowledge.indexing.search_indexes import refresh_outgrown_statistics
from knowledge.models import Document, IndexEntry, Source
from knowledge.sources.storage import count_bytes
from knowledge.versions.keeping import Origin, forget_texts, keep_versions, pack_before
from knowledge.versions.texts import hash_drafts
from minirag.lib.jobs.job import ClaimLost
from webhooks.event_types import EventType
from webhooks.events import emit

if TYPE_CHECKING:
    from knowledge.indexing.vectors import Vector

_ANALYSE_FROM = 500
_read_tags = partial(tags_of, most=MOST_TAGS, longest=LONGEST_TAG)


class EmbedderChanged(Exception):
    """The dataset was given another embedding model while this one's vectors were made."""


class KnowledgeChanged(Exception):
    """Chunks that were to stay, and so were not embedded, have been removed in the meantime; or people have changed
    what they say of a source's chunks."""


def swap_knowledge(
    held: Source, documents: Sequence[NewDocument], chunks: Sequence[NewChunk],
    vectors: Mapping[uuid.UUID, Vector], *, embedding_model: str, facts: Mapping[str, Any] | None = None,
    vectorless: Collection[uuid.UUID] = (), there: Present | None = None,
    also: Callable[[Present], None] = lambda there: None,
) -> None:  # fmt: skip
    """Replace all that a source says, set it ready, and tell its webhooks, in one transaction.

    `vectors` are those of the chunks that were embedded now, `vectorless` the chunks that could not be and are found
    by their words only; all others must be in the index. `facts` are further fields of the source, `there` is what the
    caller has found of it before, and `also` is called with what is there now. Raises ClaimLost, EmbedderChanged,
    KnowledgeChanged, QuotaExceeded.
    """
    # Half of the work, done before the tenant's other writers have to wait.
    there = there or _look_at(held)
    likely, _, _ = _sort_changes(chunks, there.stored, vectors)
    count_ahead(likely)
    drafts = {identify_document(held.pk, each): each.drafts for each in documents}
    before = pack_before(drafts) if there.has_documents else {}
    with transaction.atomic():
        lock_knowledge()
        source = _lock_source(held)
        dataset = source.dataset
        if dataset.embedding_model != embedding_model:
            raise EmbedderChanged
        there = _look_at(held)
        added, kept, kept_vectors = _sort_changes(chunks, there.stored, vectors)
        if {chunk.id for chunk in added} - {*vectors, *kept_vectors, *vectorless}:
            raise KnowledgeChanged
        facts = {**(facts or {}), **_describe_source(source, documents)}
        count_bytes(
            source.bot_profile_id,
            facts.get("stored_bytes", source.stored_bytes) - source.stored_bytes,
        )
        if there.has_documents:
            keep_versions(drafts, before, Origin())
        sizes = Counter(chunk.document_id for chunk in chunks)
        has_parts = _store_documents(source, documents, sizes, there) or there.has_parts
        delete_chunks([*(there.stored.keys() - {chunk.id for chunk in kept})])
        insert_chunks(source.pk, added, {**kept_vectors, **vectors}, is_whole=not has_parts)
        move_chunks(kept)
        if vectors and dataset.embedding_dimensions is None:
            dataset.embedding_dimensions = len(next(iter(vectors.values())))
            dataset.save(update_fields=["embedding_dimensions", "updated_at"])
        _finish(source, documents, len(chunks), facts)
        also(there)
        # Last: what people have written there by now is looked at before.
        if there.has_documents:
            left = Document.objects.filter(source=source).exclude(pk__in=drafts)
            forget_texts(left.values_list("pk", flat=True))
            left._raw_delete("default")
        if has_parts:
            place_chunks(source.pk)
    if len(added) >= _ANALYSE_FROM:
        refresh_outgrown_statistics()
    tend_statistics()


def _look_at(held: Source) -> Present:
    there = look_at(held.pk)
    if there is None:
        raise ClaimLost
    return there


def _lock_source(held: Source) -> Source:
    """The source with its dataset, both locked."""
    rows = Source.objects.select_related("dataset").defer("content")
    mine = rows.select_for_update(of=("self", "dataset"))
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


def _store_documents(
    source: Source, documents: Sequence[NewDocument], counts: Mapping[uuid.UUID, int],
    there: Present,
) -> bool:  # fmt: skip
    """Write them; returns whether any says that it is not for everybody."""
    parts = store_parts(source.pk, documents)
    rows = [
        Document(
            id=identify_document(source.pk, document), source=source, title=document.title[:500],
            url=document.url[:2048], metadata=document.metadata, language=document.language[:8],
            content_hash=hash_drafts(document.drafts), char_count=document.char_count,
            chunk_count=counts.get(identify_document(source.pk, document), 0),
            error_code=document.error_code[:64], error_message=document.error_message[:500],
            restricted_to_id=parts[place],
        )
        for place, document in enumerate(documents)
    ]  # fmt: skip
    if there.has_documents:
        edited = Document.objects.select_for_update().filter(source=source).exclude(originals={})
        _keep_edits(rows, {document.pk: document for document in edited})
    Document.objects.bulk_create(
        rows, batch_size=1000, update_conflicts=True, unique_fields=["id"],
        update_fields=[
            "title", "url", "metadata", "originals", "language", "content_hash", "char_count", "chunk_count",
            "error_code", "error_message", "restricted_to",
        ],
    )  # fmt: skip
    return any(part is not None for part in parts.values())


def _keep_edits(rows: Sequence[Document], edited: Mapping[uuid.UUID, Document]) -> None:
    """What a person has edited stays as it is; what the source says of it now is kept for when the edit is undone."""
    for row in rows:
        for name in edited[row.pk].originals if row.pk in edited else ():
            row.originals[name] = getattr(row, name)
            setattr(row, name, getattr(edited[row.pk], name))


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
