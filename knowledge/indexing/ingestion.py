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

from bots.models import BotProfile
from bots.quotas.refusing import BudgetExceeded, QuotaExceeded
from knowledge.indexing.embedding import embed_chunks
from knowledge.indexing.forgetting import forget_page
from knowledge.indexing.lexicon import lock_knowledge
from knowledge.indexing.loading import (
    IngestionError,
    Loaded,
    PageGone,
    Restricted,
    fingerprint,
    fingerprint_setup,
    load_source,
)
from knowledge.indexing.reading import read_documents
from knowledge.indexing.swap import (
    EmbedderChanged,
    KnowledgeChanged,
    NewChunk,
    NewDocument,
    announce_ingested,
    find_stored,
    identify_chunks,
    swap_knowledge,
)
from knowledge.indexing.vector_index import ensure_vector_index
from knowledge.models import Dataset, IndexEntry, Redo, Source, SourceType
from knowledge.retrieval.nyxcore import NyxCoreError, check_base, describe_base
from knowledge.sources.schedule import MAX_ATTEMPTS
from knowledge.sources.storage import measure_drafts, require_room
from minirag.ai.builtin.local import is_embedder_available, is_local
from minirag.lib.errors import ProviderError
from minirag.lib.jobs.heartbeat import Heartbeat
from minirag.lib.jobs.job import ClaimLost
from webhooks.event_types import EventType
from webhooks.events import emit

logger = structlog.get_logger(__name__)


def ingest(source_id: uuid.UUID) -> None:
    """Ingest a source and leave it ready or in error; does nothing if it is gone or another worker has it."""
    held = Source.objects.claim(source_id)
    if held is not None:
        ingest_claimed(held)


def ingest_claimed(held: Source) -> None:
    """`ingest` for a source that `Source.objects.claim` has put into the caller's hand.

    Raises only where not even a failure can be stored, such as without a database; then the sweeper finds the source
    by its heartbeat.
    """
    log = logger.bind(source_id=str(held.pk))
    try:
        with Heartbeat(held):
            _ingest_claimed(held)
        log.info("source ingested")
    except ClaimLost:
        log.warning("ingestion given up: cancelled, deleted, or another worker's")
    except IngestionError as error:
        record_failure(held, error)
    except (NyxCoreError, ProviderError, QuotaExceeded, BudgetExceeded) as error:
        record_failure(held, IngestionError(error.code, error.detail, error.retryable))
    except SoftTimeLimitExceeded:
        minutes = settings.CELERY_TASK_TIME_LIMIT // 60
        reason = f"Ingestion took longer than {minutes} minutes."
        record_failure(held, IngestionError("timeout", reason))
    except Exception:
        log.exception("ingestion failed")
        reason = (
            "Something went wrong on our side while this source was ingested. Please try again."
        )
        record_failure(held, IngestionError("internal", reason, retryable=True))


def _ingest_claimed(held: Source) -> None:
    whole = Source.objects.select_related("bot_profile", "dataset__bot_profile")
    source = whole.filter(pk=held.pk, claim_id=held.claim_id).first()
    if source is None:
        raise ClaimLost
    if source.source_type == SourceType.NYXCORE:
        _check_connection(source)
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
        _finish_unchanged(source, loaded)
        return
    source.report("parsing")
    documents = read_documents(source, loaded, model)
    chunks = identify_chunks(source.pk, documents)
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
        dimensions = _embed_and_swap(source, model, documents, chunks, facts)
    except (EmbedderChanged, KnowledgeChanged):
        source.dataset.refresh_from_db()
        dimensions = _embed_and_swap(
            source, source.dataset.embedding_model, documents, chunks, facts
        )
    ensure_vector_index(dimensions)


def _check_connection(source: Source) -> None:
    """What an external base has instead of ingestion. By the contract its success sends no `source.ingested`."""
    holdings = check_base(describe_base(source))
    source.finish(document_count=holdings.documents, chunk_count=holdings.chunks, failed_searches=0)


def _embed_and_swap(
    source: Source,
    model: str,
    documents: list[NewDocument],
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
    source.report("embedding", 0, len(unknown))
    vectors = embed_chunks(
        find_payer(source, model), model, unknown, source_id=source.pk,
        report=lambda done: source.report("embedding", done, len(unknown)),
    )  # fmt: skip
    source.report("indexing", len(chunks), len(chunks))
    swap_knowledge(
        source, documents, chunks, vectors, embedding_model=model, facts=facts,
        vectorless={chunk.id for chunk in unknown} - vectors.keys(),
    )  # fmt: skip
    return len(next(iter(vectors.values()))) if vectors else 0


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


def _finish_unchanged(source: Source, loaded: Loaded) -> None:
    """Nothing was ingested, so nobody is told of a page; but whoever asked for one hears that it is ready."""
    told = {"etag": loaded.etag, "last_modified": loaded.last_modified}
    with transaction.atomic():
        # What a server leaves out of a 304 is still valid.
        source.finish(**{name: value for name, value in told.items() if value})
        if source.source_type != SourceType.URL:
            announce_ingested(source, source.document_count, source.chunk_count)


def record_failure(held: Source, error: IngestionError) -> None:
    """Put the source in error with its reason, unless another worker has claimed it; its old knowledge stays.

    Not that of a document that is not for everybody, nor of a page that is gone: at once where its server says so for
    good, else once it was gone several times.
    """
    with transaction.atomic():
        if isinstance(error, PageGone | Restricted):
            lock_knowledge()  # before the row, as all writers of knowledge do
        mine = Source.objects.select_for_update(of=("self",)).defer("content")
        source = mine.filter(pk=held.pk, claim_id=held.claim_id, claim_id__isnull=False).first()
        if source is None:
            return
        facts, reason, retryable = _facts_of_failure(source, error)
        source.fail(error.code, reason, retryable=retryable, **facts)
        emit(EventType.SOURCE_FAILED, {"source_id": str(source.pk), "error": reason[:500]})
    logger.warning("source failed", source_id=str(held.pk), code=error.code)


def _facts_of_failure(source: Source, error: IngestionError) -> tuple[dict[str, Any], str, bool]:
    """What else becomes of a failed source, the reason in full, and whether to try again unasked."""
    if isinstance(error, Restricted):
        return {"stored_bytes": forget_page(source)}, error.reason, False
    if not isinstance(error, PageGone):
        return {}, error.reason, error.retryable
    times = min(source.times_gone + 1, 1000)
    if not source.chunk_count:
        return {"times_gone": times}, error.reason, False
    if not error.for_good and times < MAX_ATTEMPTS:
        return {"times_gone": times}, error.reason, True
    facts = {"times_gone": times, "stored_bytes": forget_page(source)}
    return facts, f"{error.reason} What it said is not used any more.", False


def record_interruption(held: Source) -> None:
    """Put a source in error that has taken several workers with it."""
    record_failure(held, IngestionError("interrupted", held.interrupted_reason()))
