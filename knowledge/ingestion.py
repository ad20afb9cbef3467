"""Takes a source from where it lies into the index: `ingest` is the one entry.

Claimed by a conditional UPDATE, loaded, parsed, chunked, and only what is new embedded, all outside of any
transaction; then one transaction swaps the old knowledge for the new. Whatever goes wrong before that leaves the old
knowledge answering. A worker that lost its claim (it was killed, hung, or the source was deleted) changes nothing.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bots.models import UsageKind
from bots.usage import record_usage
from knowledge.chunking import ChunkDraft, chunk_document
from knowledge.indexing import ChunkPlan, Plan, ensure_vector_index, plan_chunks, rebake_weights, swap_knowledge
from knowledge.loading import IngestionError, Loaded, LoadedDocument, load_source
from knowledge.models import Chunk, Dataset, IndexEntry, RefreshSchedule, Source, SourceQuerySet, SourceStatus
from minirag.ai import local
from minirag.ai.embeddings import EmbedderMissing, embed_texts
from minirag.lib.errors import ProductError, ProviderError
from webhooks.events import emit
from webhooks.models import EventType

logger = structlog.get_logger(__name__)

STALE_AFTER = timedelta(seconds=90)  # without a heartbeat; one batch of embeddings takes a few seconds
EMBED_BATCH = 64
_INTERVALS = {
    RefreshSchedule.HOURLY: timedelta(hours=1),
    RefreshSchedule.DAILY: timedelta(days=1),
    RefreshSchedule.WEEKLY: timedelta(weeks=1),
}


class ClaimLost(Exception):
    """Another worker has the source now, or it was deleted or cancelled: stop, and touch nothing."""


def ingest(source_id: uuid.UUID) -> None:
    """Ingest a source of the current tenant; its row tells how it went. Does nothing if another worker is at it."""
    claim = Source.objects.claim(source_id, stale_after=STALE_AFTER)
    if claim is None:
        return
    source = Source.objects.select_related("bot_profile", "dataset", "file").get(pk=source_id)
    try:
        _ingest(source, claim)
    except ClaimLost:
        _release(source, claim)
    except IngestionError as error:
        _fail(source, claim, error.code, error.reason)
    except ProductError as error:
        _fail(source, claim, error.code, error.detail)
    except Exception as error:
        logger.exception("ingestion failed", source_id=str(source_id))
        _fail(source, claim, "internal", f"Something went wrong on our side ({type(error).__name__}).")
        raise


def _ingest(source: Source, claim: uuid.UUID) -> None:
    loaded = load_source(source)
    digest = hash_documents(source, loaded.documents)
    if loaded.unchanged or (digest == source.content_hash and source.chunk_count):
        _finish_unchanged(source, claim, loaded)
        return
    beat(source, claim, "chunking", 0, len(loaded.documents))
    drafts = [(document, chunk_document(document.parsed)) for document in loaded.documents]
    plan = _plan(source, drafts)
    _embed(source, claim, plan)
    beat(source, claim, "indexing", len(plan.new), len(plan.new))
    _swap(source, claim, plan, loaded, digest)
    if plan.new:
        rebake_weights()
        ensure_vector_index(source.dataset.embedding_dimensions or 0)


def hash_documents(source: Source, documents: Sequence[LoadedDocument]) -> str:
    """Hash all that decides over the chunks: the documents and the embedding model."""
    digest = hashlib.sha256(source.dataset.embedding_model.encode())
    for document in documents:
        digest.update(document.content_hash.encode())
    return digest.hexdigest()


def _plan(source: Source, drafts: Sequence[tuple[LoadedDocument, list[ChunkDraft]]]) -> Plan:
    chunks = plan_chunks(source.pk, drafts)
    if not chunks:
        raise IngestionError("no_chunks", "Chunking produced no output")
    if len(chunks) > settings.MAX_CHUNKS_PER_SOURCE:
        raise IngestionError(
            "too_many_chunks",
            f"This source has {len(chunks):,} pieces; at most {settings.MAX_CHUNKS_PER_SOURCE:,} are allowed.",
        )
    stored = set(Chunk.objects.filter(source_id=source.pk).values_list("pk", flat=True))
    usable = IndexEntry.objects.filter(source_id=source.pk)
    if local.is_embedder_available(source.dataset.embedding_model):
        usable = usable.exclude(dim=0)  # indexed by words alone while the embedder was missing: embed them now
    kept = stored & set(usable.values_list("pk", flat=True))
    return Plan(tuple(document for document, _ in drafts), chunks, frozenset(kept))


def _embed(source: Source, claim: uuid.UUID, plan: Plan) -> None:
    """Give every new chunk its vector, batch by batch; without an embedder they stay without, found by words."""
    new, done = plan.new, 0
    for start in range(0, len(new), EMBED_BATCH):
        beat(source, claim, "embedding", done, len(new))
        batch = new[start : start + EMBED_BATCH]
        if not _embed_batch(source, batch):
            return
        done += len(batch)


def _embed_batch(source: Source, batch: list[ChunkPlan]) -> bool:
    dataset, bot = source.dataset, source.bot_profile
    try:
        found = embed_texts(
            dataset.embedding_model, [chunk.text for chunk in batch], kind="document", credentials=bot.credentials
        )
    except EmbedderMissing:
        logger.warning("indexing by words alone: the embedder's files are missing", source_id=str(source.pk))
        return False
    except ProviderError as error:
        raise IngestionError(error.code, error.detail, retryable=error.retryable) from None
    dimensions = found.vectors.shape[1]
    if dataset.embedding_dimensions not in (None, dimensions):
        raise IngestionError("dimensions_changed", "The embedding model gives vectors of another size than before.")
    if dataset.embedding_dimensions is None:
        Dataset.objects.filter(pk=dataset.pk).update(embedding_dimensions=dimensions)
        dataset.embedding_dimensions = dimensions
    for chunk, vector in zip(batch, found.vectors, strict=True):
        chunk.vector = vector
    record_usage(
        UsageKind.EMBEDDING, bot_profile_id=bot.pk, model=found.model, prompt_tokens=found.tokens,
        cost_usd=found.cost_usd, source_id=source.pk,
    )
    return True


def beat(source: Source, claim: uuid.UUID, stage: str, done: int, total: int) -> None:
    """Show progress and that we live; raises ClaimLost where we no longer may go on."""
    alive = _mine(source, claim).update(
        heartbeat_at=timezone.now(), progress_stage=stage, progress_done=done, progress_total=total
    )
    if not alive:
        raise ClaimLost


def _mine(source: Source, claim: uuid.UUID) -> SourceQuerySet:
    return Source.objects.filter(
        pk=source.pk, claim_id=claim, status=SourceStatus.PROCESSING, cancel_requested=False, deleted_at__isnull=True
    )


def _swap(source: Source, claim: uuid.UUID, plan: Plan, loaded: Loaded, digest: str) -> None:
    with transaction.atomic():
        # Locks the row: a deletion that comes now waits, and then finds the knowledge to purge.
        if _mine(source, claim).select_for_update(of=("self",)).first() is None:
            raise ClaimLost
        swap_knowledge(source, plan)
        _mark_ready(
            source, claim, loaded, document_count=len(plan.documents), chunk_count=len(plan.chunks),
            content_hash=digest, language=plan.documents[0].parsed.language,
        )


def _finish_unchanged(source: Source, claim: uuid.UUID, loaded: Loaded) -> None:
    with transaction.atomic():
        if _mine(source, claim).select_for_update(of=("self",)).first() is None:
            raise ClaimLost
        _mark_ready(source, claim, loaded, document_count=source.document_count, chunk_count=source.chunk_count)


def _mark_ready(source: Source, claim: uuid.UUID, loaded: Loaded, **fields: object) -> None:
    now = timezone.now()
    Source.objects.filter(pk=source.pk, claim_id=claim).update(
        status=SourceStatus.READY, error_message=None, error_code="", last_refreshed_at=now, claim_id=None,
        heartbeat_at=None, progress_stage="", progress_done=0, progress_total=0, attempts=0,
        next_refresh_at=next_refresh(source, failures=0), etag=loaded.etag[:255],
        last_modified=loaded.last_modified[:64], **fields,
    )
    emit(
        EventType.SOURCE_INGESTED,
        {
            "source_id": str(source.pk), "source_name": source.name, "document_count": fields["document_count"],
            "chunk_count": fields["chunk_count"],
        },
    )


def _fail(source: Source, claim: uuid.UUID, code: str, reason: str) -> None:
    """Tell why; the old knowledge stays and goes on answering."""
    with transaction.atomic():
        failures = source.attempts + 1
        failed = Source.objects.filter(pk=source.pk, claim_id=claim).update(
            status=SourceStatus.ERROR, error_message=reason[:2000], error_code=code[:64], claim_id=None,
            heartbeat_at=None, progress_stage="", attempts=failures,
            next_refresh_at=next_refresh(source, failures=failures),
        )
        if failed:
            emit(EventType.SOURCE_FAILED, {"source_id": str(source.pk), "error": reason[:500]})


def _release(source: Source, claim: uuid.UUID) -> None:
    """Give back a claim that was cancelled; one that another worker took over is no longer ours to touch."""
    status = SourceStatus.READY if source.chunk_count else SourceStatus.PENDING
    Source.objects.filter(pk=source.pk, claim_id=claim).update(
        status=status, claim_id=None, heartbeat_at=None, progress_stage="", cancel_requested=False
    )


def next_refresh(source: Source, *, failures: int) -> datetime | None:
    """When a scheduled source is due again; each failure doubles the wait, up to a week."""
    interval = _INTERVALS.get(RefreshSchedule(source.refresh_schedule)) if source.refresh_schedule else None
    if interval is None:
        return None
    return timezone.now() + min(interval * 2 ** min(failures, 10), max(interval, timedelta(weeks=1)))


def cancel_ingestion(source: Source) -> None:
    """Ask the worker that is at this source to stop; what it knew before stays."""
    Source.objects.filter(pk=source.pk).update(cancel_requested=True, queued_at=None)
