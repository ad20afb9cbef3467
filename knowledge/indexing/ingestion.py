"""From a source to answers: `ingest` is the one way in.

claim → load → parse → chunk → compare with what is stored → embed what is new → swap. Everything slow happens outside
of transactions, and the old knowledge answers until the swap commits; if anything fails it goes on answering. What
did not change costs nothing: an unchanged source stops after loading, and an edited paragraph is one embedding.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import transaction

from bots.quotas.refusing import BudgetExceeded, QuotaExceeded
from bots.quotas.turns import TurnOver
from knowledge.documents.putting import choose_model, lacks_vectors, put_documents
from knowledge.edits.holding import lose_source
from knowledge.indexing.forgetting import forget_page
from knowledge.indexing.incoming import NewDocument
from knowledge.indexing.lexicon import lock_knowledge
from knowledge.indexing.loading import (
    IngestionError,
    Loaded,
    PageGone,
    fingerprint,
    fingerprint_setup,
    load_source,
)
from knowledge.indexing.reading import read_documents
from knowledge.indexing.staging import find_text, keep_text, read_text, touch_text
from knowledge.indexing.swap import announce_ingested
from knowledge.models import Source, SourceType, StagedText
from knowledge.models.states import SYNCED
from knowledge.retrieval.nyxcore import NyxCoreError, check_base, describe_base
from knowledge.sites.syncing import sync_source
from knowledge.sources.schedule import MAX_ATTEMPTS
from knowledge.versions.differing import Differing
from minirag.lib.errors import ProviderError
from minirag.lib.jobs.heartbeat import Heartbeat
from minirag.lib.jobs.job import ClaimLost
from minirag.lib.telling.kept_sentences import kept
from minirag.lib.tracing.spans import note_failure, span
from minirag.lib.tracing.stages import stage, timing_stages
from webhooks.event_types import EventType
from webhooks.events import emit

logger = structlog.get_logger(__name__)


def ingest(source_id: uuid.UUID) -> None:
    """Ingest a source and leave it ready or in error; does nothing if it is gone or another worker has it."""
    wait: float | None = 0.0
    while wait is not None:
        held = Source.objects.claim(source_id)
        wait = ingest_claimed(held) if held is not None else None
        time.sleep(wait or 0)


def ingest_claimed(held: Source) -> float | None:
    """`ingest` for a source that `Source.objects.claim` has put into the caller's hand.

    Returns after how many seconds there is more to do, of which a worker does a turn at a time. Raises only
    where not even a failure can be stored, such as without a database; then the sweeper finds the source by its
    heartbeat.
    """
    with (
        span("ingest", source_id=str(held.pk), source_type=held.source_type), timing_stages() as stages
    ):  # fmt: skip
        return _ingest_told(held, logger.bind(source_id=str(held.pk), stages=stages))


def _ingest_told(held: Source, log: Any) -> float | None:
    try:
        with Heartbeat(held):
            wait = _ingest_claimed(held)
        log.info("source ingested" if wait is None else "slice done")
        return wait
    except TurnOver:
        log.info("turn over")
        return _give_back(held)
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
    return None


def _give_back(held: Source) -> float | None:
    """Let another worker go on, at once; returns None where the source is not this worker's any more."""
    try:
        held.give_back(attempts=0)  # it has got further: what died at it before counts no more
    except ClaimLost:
        return None
    return 0.0


def _ingest_claimed(source: Source) -> float | None:
    if source.source_type == SourceType.NYXCORE:
        _check_connection(source)
        return None
    if source.source_type in SYNCED:
        return sync_source(source)
    _ingest_whole(source)
    return None


def _ingest_whole(source: Source) -> None:
    """Ingest what is loaded as a whole: one document, or an archive of them."""
    model = choose_model(source)
    staged = find_text(source, model)
    is_same = staged is not None and staged.facts["content_hash"].startswith(
        fingerprint_setup(source)
    )
    if staged is not None and is_same and source.source_type == SourceType.URL:
        _put(
            source, model, read_text(staged), staged.facts, staged
        )  # as it was when it was asked for
        return
    is_complete = source.chunk_count > 0 and not source.redo and not lacks_vectors(source, model)
    is_known = is_complete and source.content_hash.startswith(fingerprint_setup(source))
    with stage("ingestion", "load"):
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
    facts = {
        "content_hash": fingerprint(source, loaded.data), "etag": loaded.etag,
        "last_modified": loaded.last_modified,
    }  # fmt: skip
    if staged is not None and staged.facts["content_hash"] == facts["content_hash"]:
        _put(source, model, read_text(staged), facts, staged)
        return
    source.report("parsing")
    _put(source, model, read_documents(source, loaded, model), facts, None)


def _put(
    source: Source, model: str, documents: Sequence[NewDocument], facts: dict[str, Any],
    staged: StagedText | None,
) -> None:  # fmt: skip
    """`put_documents`; where that stops for others, keep what was read, so that nobody reads it again."""
    try:
        put_documents(source, model, documents, facts, also=Differing(source, documents).note)
    except TurnOver:
        if staged is None:
            keep_text(source, model, documents, facts)
        else:
            touch_text(staged)
        raise


def _check_connection(source: Source) -> None:
    """What an external base has instead of ingestion. By the contract its success sends no `source.ingested`."""
    holdings = check_base(describe_base(source))
    source.finish(document_count=holdings.documents, chunk_count=holdings.chunks, failed_searches=0)


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

    Not that of a page that is gone: at once where its server says so for good, else once it was gone several times.
    """
    with transaction.atomic():
        if isinstance(error, PageGone):
            lock_knowledge()  # before the row, as all writers of knowledge do
        mine = Source.objects.select_for_update(of=("self",)).defer("content")
        source = mine.filter(pk=held.pk, claim_id=held.claim_id, claim_id__isnull=False).first()
        if source is None:
            return
        facts, reason, retryable = _facts_of_failure(source, error)
        source.fail(error.code, reason, retryable=retryable, **facts)
        emit(EventType.SOURCE_FAILED, {"source_id": str(source.pk), "error": reason[:500]})
    logger.warning("source failed", source_id=str(held.pk), code=error.code)
    note_failure(error.code)


def _facts_of_failure(source: Source, error: IngestionError) -> tuple[dict[str, Any], str, bool]:
    """What else becomes of a failed source, the reason in full, and whether to try again unasked."""
    if not isinstance(error, PageGone):
        return {}, error.reason, error.retryable
    times = min(source.times_gone + 1, 1000)
    if not source.chunk_count:
        return {"times_gone": times}, error.reason, False
    if not error.for_good and times < MAX_ATTEMPTS:
        return {"times_gone": times}, error.reason, True
    if lose_source(source.pk):
        told = kept(
            f"{error.reason} What people have written in its place goes on answering until that is decided."
        )
        return {"times_gone": times}, told, False
    facts = {"times_gone": times, "stored_bytes": forget_page(source)}
    return facts, kept(f"{error.reason} What it said is not used any more."), False


def record_interruption(held: Source) -> None:
    """Put a source in error that has taken several workers with it."""
    record_failure(held, IngestionError("interrupted", held.interrupted_reason()))
