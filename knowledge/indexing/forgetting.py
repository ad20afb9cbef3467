"""Takes knowledge out of the index for good: all of a source, or one of its documents, each in one transaction."""

from __future__ import annotations

import uuid

from django.db import transaction

from knowledge.corrections.keeping import lose_corrections
from knowledge.indexing.chunk_rows import delete_chunks
from knowledge.indexing.lexicon import lock_knowledge
from knowledge.indexing.staging import drop_staged
from knowledge.models import (
    Chunk,
    Correction,
    Document,
    RestrictedPart,
    SitePage,
    SiteSync,
    Source,
    SourceType,
    SyncState,
)
from knowledge.models.states import SYNCED
from knowledge.sources.storage import count_bytes, measure_drafts
from knowledge.versions.keeping import forget_texts


def forget_knowledge(source_id: uuid.UUID, *, only_deleted: bool = False) -> bool:
    """Remove all that a source says, its file and text excepted; returns whether there was anything to remove.

    `only_deleted`: leave a source alone that has been brought back in the meantime.
    """
    with transaction.atomic():
        lock_knowledge()
        sources = Source.objects.filter(pk=source_id)
        if only_deleted:
            sources = sources.filter(deleted_at__isnull=False)
        if not sources.select_for_update().exists():
            return False
        chunk_ids = list(Chunk.objects.filter(source_id=source_id).values_list("pk", flat=True))
        delete_chunks(chunk_ids)
        lose_corrections(Correction.objects.filter(source=source_id))
        documents = Document.objects.filter(source_id=source_id)
        forget_texts(documents.values_list("pk", flat=True))
        documents._raw_delete("default")
        drop_staged(source_id)
        RestrictedPart.objects.filter(source_id=source_id)._raw_delete("default")
        SiteSync.objects.open_of(source_id).end(SyncState.CANCELLED)
        SitePage.objects.filter(sync__source=source_id)._raw_delete("default")
        sources.update(document_count=0, chunk_count=0, content_hash="", etag="", last_modified="")
    return bool(chunk_ids)


def forget_page(source: Source) -> int:
    """Remove what a source said that must say it no more, in the caller's transaction; returns how many bytes are left.

    Of a web page the text that was read is all that is stored, but for what people have written into it.
    """
    forget_knowledge(source.pk)
    source.refresh_from_db(fields=["stored_bytes"])
    kept = measure_drafts(source, ())
    count_bytes(source.bot_profile_id, kept - source.stored_bytes)
    return kept


def forget_document(document_id: uuid.UUID) -> bool:
    """Remove a document and its chunks; returns whether it was there. A worker that is at its source gives up.

    A source that loses its last document is pending: nothing but a request to ingest it reads it again.
    """
    with transaction.atomic():
        lock_knowledge()
        source = (
            Source.objects.select_for_update(of=("self",))
            .only(
                "pk",
                "status",
                "source_type",
                "bot_profile_id",
                "stored_bytes",
                "corrected_bytes",
                "refresh_schedule",
            )
            .filter(documents=document_id, deleted_at__isnull=True)
            .first()
        )
        if source is None:
            return False
        delete_chunks(
            list(Chunk.objects.filter(document_id=document_id).values_list("pk", flat=True))
        )
        lose_corrections(Correction.objects.filter(source=source, document_id=document_id))
        forget_texts([document_id])
        source.refresh_from_db(fields=["stored_bytes"])
        Document.objects.filter(pk=document_id)._raw_delete("default")
        documents = Document.objects.filter(source=source).count()
        chunks = Chunk.objects.filter(source=source).count()
        # Of what was read from the web the text is all that is stored.
        is_read = source.source_type in (SourceType.URL, *SYNCED)
        kept = source.corrected_bytes if is_read and not documents else source.stored_bytes
        count_bytes(source.bot_profile_id, kept - source.stored_bytes)
        source.lose_document(documents=documents, chunks=chunks, stored_bytes=kept)
    return True
