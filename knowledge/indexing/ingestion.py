"""From a source to answers: `ingest` is the one way in.

claim → load → parse → chunk → compare with what is stored → embed what is new → swap. Everything slow happens outside
of transactions, and the old knowledge answers until the swap commits; if anything fails it goes on answering. What
did not change costs nothing: an unchanged source stops after loading, and an edited paragraph is one embedding.
"""

from __future__ import annotations

import uuid
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bots.models import BotProfile
from bots.quotas.refusing import BudgetExceeded, QuotaExceeded
from knowledge.indexing.chunking import chunk_document
from knowledge.indexing.claims import STALE_AFTER, Claim, ClaimLost, IngestionCancelled
from knowledge.indexing.embedding import choose_counter, embed_chunks
from knowledge.indexing.loading import (
    IngestionError,
    Loaded,
    fingerprint,
    fingerprint_setup,
    load_source,
    parse_loaded,
)
from knowledge.indexing.swap import (
    EmbedderChanged,
    KnowledgeChanged,
    NewChunk,
    NewDocument,
    announce_ingested,
    find_stored,
    finished_fields,
    identify_chunks,
    swap_knowledge,
)
from knowledge.indexing.vector_index import ensure_vector_index
from knowledge.models import Dataset, IndexEntry, Redo, Source, SourceStatus, SourceType
from knowledge.retrieval.nyxcore import NyxCoreError, check_base, describe_base
from knowledge.sources.schedule import next_attempt
from knowledge.sources.storage import measure_drafts, require_room
from minirag.ai.local import is_embedder_available, is_local
from minirag.lib.errors import ProviderError
from webhooks.events import emit
from webhooks.models import EventType

logger = structlog.get_logger(__name__)


def ingest(source_id: uuid.UUID, claim: uuid.UUID | None = None) -> None:
    """Ingest a source and leave it ready or in error; does nothing if it is gone or another worker has it.

    `claim` is one that was made with `Source.objects.claim`. Raises only where not even a failure can be stored, such
    as without a database; then the sweeper finds the source by its heartbeat.
    """
    claim_id = claim or Source.objects.claim(source_id, stale_after=STALE_AFTER)
    if claim_id is None:
        return
    log = logger.bind(source_id=str(source_id))
    try:
        with Claim(source_id, claim_id) as held:
            _ingest_claimed(held)
        log.info("source ingested")
    except ClaimLost:
        log.warning("ingestion given up: the source is another worker's, or deleted")
    except IngestionCancelled:
        record_cancellation(source_id, claim_id)
        log.info("ingestion cancelled")
    except IngestionError as error:
        record_failure(source_id, claim_id, error)
    except (NyxCoreError, ProviderError, QuotaExceeded, BudgetExceeded) as error:
        record_failure(
            source_id, claim_id, IngestionError(error.code, error.detail, error.retryable)
        )
    except SoftTimeLimitExceeded:
        minutes = settings.CELERY_TASK_TIME_LIMIT // 60
        record_failure(
            source_id,
            claim_id,
            IngestionError("timeout", f"Ingestion took longer than {minutes} minutes."),
        )
    except Exception:
        log.exception("ingestion failed")
        reason = (
            "Something went wrong on our side while this source was ingested. Please try again."
        )
        record_failure(source_id, claim_id, IngestionError("internal", reason, retryable=True))


def cancel_ingestion(source: Source) -> bool:
    """Stop a source's ingestion, or take it out of the queue; returns whether there was one.

    A running one stops at its next step. What the source said before goes on answering.
    """
    dequeued = Source.objects.filter(pk=source.pk, queued_at__isnull=False).exclude(
        status=SourceStatus.PROCESSING
    )
    if dequeued.update(queued_at=None, status=_status_at_rest(source)):
        return True
    running = Source.objects.filter(pk=source.pk, status=SourceStatus.PROCESSING)
    return bool(running.update(cancel_requested=True, queued_at=None))


def _ingest_claimed(claim: Claim) -> None:
    source = Source.objects.select_related("bot_profile", "dataset__bot_profile").get(
        pk=claim.source_id
    )
    if source.source_type == SourceType.NYXCORE:
        _check_connection(claim, source)
        return
    model = choose_model(source)
    is_complete = source.chunk_count > 0 and not source.redo and not _lacks_vectors(source, model)
    is_known = is_complete and source.content_hash.startswith(fingerprint_setup(source))
    loaded = load_source(source, conditional=is_known)
    if loaded.data is None and not is_known:
        raise IngestionError(
            "bad_response", "The server says that nothing changed, but it was not asked.", True
        )
    if loaded.data is None or (
        is_complete and fingerprint(source, loaded.data) == source.content_hash
    ):
        _finish_unchanged(claim, source, loaded)
        return
    claim.report("parsing")
    document = read_document(source, loaded, model)
    chunks = identify_chunks(source.pk, [document])
    if not chunks:
        raise IngestionError("no_chunks", "Chunking produced no output")
    if len(chunks) > settings.MAX_CHUNKS_PER_SOURCE:
        limit = settings.MAX_CHUNKS_PER_SOURCE
        raise IngestionError(
            "too_large", f"This makes {len(chunks)} pieces of text; at most {limit} are allowed."
        )
    size = measure_drafts(source, (chunk.draft for chunk in chunks))
    require_room(source, size)
    facts = {
        "stored_bytes": size, "content_hash": fingerprint(source, loaded.data), "etag": loaded.etag,
        "last_modified": loaded.last_modified,
    }  # fmt: skip
    try:
        dimensions = _embed_and_swap(claim, source, model, document, chunks, facts)
    except (EmbedderChanged, KnowledgeChanged):
        source.dataset.refresh_from_db()
        dimensions = _embed_and_swap(
            claim, source, source.dataset.embedding_model, document, chunks, facts
        )
    ensure_vector_index(dimensions)


def _check_connection(claim: Claim, source: Source) -> None:
    """What an external base has instead of ingestion. As the contract has it, success is no `source.ingested`."""
    holdings = check_base(describe_base(source))
    claim.report("indexing")
    Source.objects.filter(pk=source.pk, claim_id=claim.claim_id).update(
        document_count=holdings.documents, chunk_count=holdings.chunks, failed_searches=0,
        **finished_fields(source, timezone.now()),
    )  # fmt: skip


def _embed_and_swap(
    claim: Claim,
    source: Source,
    model: str,
    document: NewDocument,
    chunks: list[NewChunk],
    facts: dict[str, Any],
) -> int:
    """Embed what the index lacks and swap; returns the vectors' dimensions, 0 if nothing was embedded."""
    stored = find_stored(source.pk)
    if source.redo == Redo.EMBED and is_embedder_available(model):
        unknown = chunks
    else:
        unknown = [
            chunk for chunk in chunks if chunk.id not in stored or not stored[chunk.id].dimensions
        ]
    claim.report("embedding", 0, len(unknown))
    vectors = embed_chunks(
        find_payer(source, model), model, unknown, source_id=source.pk,
        report=lambda done: claim.report("embedding", done, len(unknown)),
    )  # fmt: skip
    claim.report("indexing", len(chunks), len(chunks))
    swap_knowledge(
        claim, [document], chunks, vectors, embedding_model=model, facts=facts,
        vectorless={chunk.id for chunk in unknown} - vectors.keys(),
    )  # fmt: skip
    return len(next(iter(vectors.values()))) if vectors else 0


def read_document(source: Source, loaded: Loaded, model: str) -> NewDocument:
    """Parse and chunk what was loaded. Raises IngestionError."""
    parsed = parse_loaded(source, loaded)
    drafts = chunk_document(parsed, count_tokens=choose_counter(model, parsed.language))
    return NewDocument(
        title=parsed.title, language=parsed.language, drafts=drafts, url=loaded.url, metadata=parsed.metadata,
        char_count=sum(len(section.text) for section in parsed.sections),
    )  # fmt: skip


def choose_model(source: Source) -> str:
    """Return the embedding model of the source's dataset; a bot's without any knowledge takes its present model."""
    dataset = source.dataset
    if dataset.bot_profile is None:
        return dataset.embedding_model
    wanted = dataset.bot_profile.effective_embedding_model
    embedded = dataset.sources.filter(chunk_count__gt=0).exclude(source_type=SourceType.NYXCORE)
    if dataset.embedding_model != wanted and not embedded.exists():
        Dataset.objects.filter(pk=dataset.pk).update(
            embedding_model=wanted, embedding_dimensions=None
        )
        dataset.embedding_model, dataset.embedding_dimensions = wanted, None
    return dataset.embedding_model


def find_payer(source: Source, model: str) -> BotProfile | None:
    """Return the bot whose key embeds a source and whose account is charged: its own, else the first that is linked.

    None if there is none and `model` costs nothing. Raises IngestionError where it does.
    """
    if source.bot_profile is not None:
        return source.bot_profile
    links = source.dataset.bot_links.order_by("-is_active", "priority", "created_at", "id")
    link = links.select_related("bot_profile").first()
    if link is None and not is_local(model):
        raise IngestionError(
            "no_bot_linked", "Link a bot with the dataset first: its key is used for the embedding."
        )
    return link.bot_profile if link else None


def _lacks_vectors(source: Source, model: str) -> bool:
    """Whether it was ingested while the embedder was missing, and it no longer is."""
    return (
        is_embedder_available(model)
        and IndexEntry.objects.filter(source_id=source.pk, dim=0).exists()
    )


def _finish_unchanged(claim: Claim, source: Source, loaded: Loaded) -> None:
    with transaction.atomic():
        claim.report("indexing")
        fields = finished_fields(source, timezone.now())
        if loaded.etag or loaded.last_modified:
            fields |= {"etag": loaded.etag, "last_modified": loaded.last_modified}
        Source.objects.filter(pk=source.pk, claim_id=claim.claim_id).update(**fields)
        announce_ingested(source, source.document_count, source.chunk_count)


def record_failure(source_id: uuid.UUID, claim_id: uuid.UUID, error: IngestionError) -> None:
    """Put the source in error with its reason, unless another worker has it by now; its old knowledge stays."""
    with transaction.atomic():
        source = (
            Source.objects.select_for_update(of=("self",))
            .only("pk", "attempts", "refresh_schedule", "claim_id")
            .filter(pk=source_id, claim_id=claim_id)
            .first()
        )
        if source is None:
            return
        now, failures = timezone.now(), source.attempts + 1
        Source.objects.filter(pk=source_id).update(
            status=SourceStatus.ERROR, error_message=error.reason[:2000], error_code=error.code[:64],
            attempts=min(failures, 1000), claim_id=None, heartbeat_at=None, progress_stage="", updated_at=now,
            next_refresh_at=next_attempt(
                source.refresh_schedule, now, failures=failures, retryable=error.retryable
            ),
        )  # fmt: skip
        emit(EventType.SOURCE_FAILED, {"source_id": str(source_id), "error": error.reason[:500]})
    logger.warning("source failed", source_id=str(source_id), code=error.code)


def record_cancellation(source_id: uuid.UUID, claim_id: uuid.UUID) -> None:
    """Give a cancelled source back: ready with its old knowledge, or pending if it never had any."""
    source = (
        Source.objects.only("pk", "chunk_count").filter(pk=source_id, claim_id=claim_id).first()
    )
    if source is None:
        return
    Source.objects.filter(pk=source_id, claim_id=claim_id).update(
        status=_status_at_rest(source), error_message="The ingestion was cancelled.", error_code="cancelled",
        claim_id=None, heartbeat_at=None, cancel_requested=False, progress_stage="", progress_done=0, progress_total=0,
        updated_at=timezone.now(),
    )  # fmt: skip


def _status_at_rest(source: Source) -> SourceStatus:
    return SourceStatus.READY if source.chunk_count else SourceStatus.PENDING
