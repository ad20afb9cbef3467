"""Puts the text that somebody wants into the index, in place of a document's: `apply_claimed`.

What is new is embedded outside of any transaction; then chunks, statistics, counts, the document and the version before
change in one. What answers is the one text or the other at every instant, and a worker that dies leaves the one before.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import transaction
from django.db.models import F

from knowledge.corrections.fitting import Fitted, fit
from knowledge.corrections.keeping import (
    count_corrected,
    ids_of_theirs,
    keep_outcomes,
    load_corrections,
    take_stamp,
)
from knowledge.corrections.own_text import read_own_text
from knowledge.documents.putting import find_payer
from knowledge.indexing.chunk_rows import delete_chunks, insert_chunks, move_chunks, place_chunks
from knowledge.indexing.chunking import ChunkDraft
from knowledge.indexing.embedding import embed_chunks
from knowledge.indexing.forgetting import forget_document
from knowledge.indexing.incoming import NewChunk, count_ahead
from knowledge.indexing.lexicon import lock_knowledge, tend_statistics
from knowledge.indexing.search_indexes import ensure_indexes
from knowledge.indexing.swap import EmbedderChanged, KnowledgeChanged
from knowledge.models import (
    Chunk,
    ContentOrigin,
    Correction,
    Dataset,
    Document,
    DocumentEdit,
    IndexEntry,
    Source,
)
from knowledge.sources.storage import add_bytes
from knowledge.versions.keeping import Origin, keep_versions, pack_before
from knowledge.versions.texts import hash_drafts, join_drafts, unpack
from minirag.lib.errors import ProductError
from minirag.lib.jobs.heartbeat import Heartbeat
from minirag.lib.jobs.job import ClaimLost

logger = structlog.get_logger(__name__)

_TRIES: Final = 4


@dataclass(frozen=True)
class _Wish:
    """What is to answer, as it was when the edit was claimed."""

    document_id: uuid.UUID
    source_id: uuid.UUID
    drafts: Sequence[ChunkDraft]
    language: str
    origin: Origin
    is_gone: bool
    """The source's text is wanted, and it has the document no more."""
    noted_at: datetime
    """When what the source says was written down the last time."""


def apply_claimed(held: DocumentEdit) -> None:
    """Put a claimed edit into the index, or take it out again; a failure leaves what answered, with a reason."""
    log = logger.bind(document_id=str(held.pk))
    try:
        with Heartbeat(held):
            _apply(held)
        log.info("edit put in")
    except ClaimLost:
        log.warning("edit given up: deleted, changed again, or another worker's")
    except ProductError as error:
        _record_failure(held, error.code, str(error.detail), retryable=error.retryable)
    except (KnowledgeChanged, EmbedderChanged):
        reason = "The document was changed by others all the time."
        _record_failure(held, "knowledge_changed", reason, retryable=True)
    except SoftTimeLimitExceeded:
        minutes = settings.CELERY_TASK_TIME_LIMIT // 60
        _record_failure(held, "timeout", f"It took longer than {minutes} minutes.")
    except Exception:
        log.exception("edit failed")
        _record_failure(held, "internal", "Something went wrong on our side.", retryable=True)


def _apply(held: DocumentEdit) -> None:
    for tries_left in reversed(range(_TRIES)):
        try:
            dimensions = _embed_and_exchange(held)
        except (KnowledgeChanged, EmbedderChanged):
            if not tries_left:
                raise
        else:
            break
    tend_statistics()
    if dimensions:
        ensure_indexes(dimensions)


def _read_wish(held: DocumentEdit) -> _Wish:
    edit = (
        DocumentEdit.objects.select_related("document")
        .filter(pk=held.pk, claim_id=held.claim_id, document__source__deleted_at__isnull=True)
        .first()
    )
    if edit is None:
        raise ClaimLost
    body, language = (
        (edit.theirs, edit.theirs_language) if edit.is_undone else (edit.mine, edit.mine_language)
    )
    return _Wish(
        edit.pk, edit.document.source_id, unpack(body), language,
        Origin(ContentOrigin(edit.kind), edit.author), edit.is_undone and edit.is_gone, edit.updated_at,
    )  # fmt: skip


def _require_same_source(held: DocumentEdit, wish: _Wish) -> None:
    """What the source says may have become another text since it was read. Behind the lock of those who note it."""
    if wish.origin.kind == ContentOrigin.UNDO:
        mine = DocumentEdit.objects.filter(pk=held.pk, claim_id=held.claim_id)
        if not mine.filter(updated_at=wish.noted_at).exists():
            raise KnowledgeChanged


def _forget(held: DocumentEdit, wish: _Wish) -> None:
    """Nothing is left that could answer: nobody's text is wanted any more, and the source has none."""
    with transaction.atomic():
        lock_knowledge()
        Source.objects.select_for_update(of=("self",)).only("pk").filter(pk=wish.source_id).first()
        _require_same_source(held, wish)
        forget_document(wish.document_id)


def _embed_and_exchange(held: DocumentEdit) -> int:
    """Raises ClaimLost, KnowledgeChanged, EmbedderChanged, QuotaExceeded, BudgetExceeded, ProviderError."""
    wish = _read_wish(held)
    if wish.is_gone:
        _forget(held, wish)
        return 0
    whole = Source.objects.select_related("bot_profile", "dataset__bot_profile").defer("content")
    source = whole.get(pk=wish.source_id)
    model = source.dataset.embedding_model
    corrections = load_corrections(source.pk)
    said = _identify(wish)
    fitted = _fit(wish, corrections, said)
    chunks = fitted.chunks
    stored = _find_stored(wish)
    language = Document.objects.values_list("language", flat=True).get(pk=wish.document_id)
    kept = set(stored) if language == wish.language else set()
    new = [chunk for chunk in chunks if chunk.id not in kept or not stored[chunk.id]]
    vectors = embed_chunks(
        find_payer(source, model), model, new, source_id=source.pk, note=lambda batch: held.beat()
    )
    count_ahead(new)
    before = pack_before({wish.document_id: wish.drafts})
    with transaction.atomic():
        lock_knowledge()
        locked = Source.objects.select_for_update(of=("self",)).only("pk", "deleted_at")
        found = locked.filter(pk=source.pk, deleted_at__isnull=True).first()
        if found is None:
            raise ClaimLost
        dataset = Dataset.objects.select_for_update().get(pk=source.dataset_id)
        if dataset.embedding_model != model:
            raise EmbedderChanged
        _require_same_source(held, wish)
        if _find_stored(wish) != stored or _identify(wish) != said:
            raise KnowledgeChanged
        if take_stamp(load_corrections(source.pk)) != take_stamp(corrections):
            raise KnowledgeChanged
        keep_versions({wish.document_id: wish.drafts}, before, wish.origin)
        _exchange(wish, chunks, new, vectors)
        keep_outcomes(fitted.outcomes)
        count_corrected(source.pk)
        _end(held, wish)
    return len(next(iter(vectors.values()))) if vectors else 0


def _exchange(
    wish: _Wish, chunks: Sequence[NewChunk], new: Sequence[NewChunk], vectors: Mapping[uuid.UUID, Any]
) -> None:  # fmt: skip
    stay = {chunk.id for chunk in chunks} - {chunk.id for chunk in new}
    old = Chunk.objects.filter(document=wish.document_id).order_by()
    gone = [pk for pk in old.values_list("pk", flat=True) if pk not in stay]
    delete_chunks(gone)
    insert_chunks(wish.source_id, new, vectors)
    place_chunks(wish.source_id)  # of what is not for everybody elsewhere
    move_chunks([chunk for chunk in chunks if chunk.id in stay])
    Document.objects.filter(pk=wish.document_id).update(
        language=wish.language, content_hash=hash_drafts(wish.drafts), chunk_count=len(chunks),
        char_count=len(join_drafts(wish.drafts)), error_code="", error_message="",
    )  # fmt: skip
    added = len(new) - len(gone)
    Source.objects.filter(pk=wish.source_id).update(chunk_count=F("chunk_count") + added)


def _end(held: DocumentEdit, wish: _Wish) -> None:
    if wish.origin.kind != ContentOrigin.UNDO:
        held.apply()
        return
    size = DocumentEdit.objects.values_list("mine_bytes", flat=True).filter(pk=held.pk).first()
    if not held.dissolve():
        raise ClaimLost
    add_bytes(wish.source_id, -(size or 0))


def _fit(wish: _Wish, corrections: Sequence[Correction], said: Sequence[NewChunk]) -> Fitted:
    """What people have said of the document's single chunks, applied to the text that is wanted."""
    own = [each for each in corrections if each.document_id == wish.document_id]
    known = {chunk.id for chunk in read_own_text([wish.document_id])}
    languages = {wish.document_id: wish.language}
    return fit(own, said, languages, known=known, moves=False)


def _identify(wish: _Wish) -> list[NewChunk]:
    """Give each chunk the id that an ingestion would, or another where a document of the same source has that."""
    others = Chunk.objects.filter(source=wish.source_id).exclude(document=wish.document_id)
    hashes = [draft.content_hash for draft in wish.drafts]
    taken = set(others.filter(content_hash__in=hashes).order_by().values_list("pk", flat=True))
    # One that is switched off or corrected is not among them, and comes back by its own id.
    taken |= ids_of_theirs(load_corrections(wish.source_id), but_of=wish.document_id)
    chunks = []
    for draft in wish.drafts:
        number, chunk_id = 0, uuid.uuid5(wish.source_id, draft.content_hash)
        while chunk_id in taken:
            number += 1
            chunk_id = uuid.uuid5(wish.source_id, f"{draft.content_hash}#{number}")
        taken.add(chunk_id)
        chunks.append(NewChunk(chunk_id, wish.document_id, wish.language, draft))
    return chunks


def _find_stored(wish: _Wish) -> dict[uuid.UUID, int]:
    """The chunks that the index has of the document, and how many dimensions their vectors have."""
    rows = IndexEntry.objects.filter(chunk__document=wish.document_id).order_by()
    return dict(rows.values_list("chunk_id", "dim"))


def _record_failure(held: DocumentEdit, code: str, reason: str, *, retryable: bool = False) -> None:
    logger.warning("edit failed", document_id=str(held.pk), code=code)
    with suppress(ClaimLost), transaction.atomic():
        held.fail(code, reason, retryable=retryable)
