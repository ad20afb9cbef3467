"""Background work of knowledge: ingestion by queue, the sweeper behind it, scheduled refreshes, and purges.

The queue in Redis may lose messages; the rows do not. `queued_at` says that a source waits for a worker, so a message
without it is a double and does nothing, and a row whose message got lost is sent again by the sweeper.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from celery import Task, shared_task
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from knowledge.indexing.claims import STALE_AFTER
from knowledge.indexing.forgetting import forget_knowledge
from knowledge.indexing.ingestion import ingest, record_cancellation, record_failure
from knowledge.indexing.loading import IngestionError
from knowledge.indexing.reembedding import find_outdated_datasets, reembed_dataset
from knowledge.models import Redo, Source, SourceStatus
from knowledge.sources.schedule import INTERVALS, MAX_ATTEMPTS
from tenants.tasks import PlatformTask, TenantTask, sum_over_tenants

logger = structlog.get_logger(__name__)

RESEND_AFTER = timedelta(seconds=55)  # so at every second sweep, a minute after the last message
MESSAGE_SECONDS = 60
"""How long a message to ingest is good: a backlog has one of each source in the queue, not one of every minute."""
BATCH = 500


def queue_ingestion(source: Source) -> None:
    """Have a worker ingest the source soon; once, however often it is asked for before that happens.

    Does nothing for a source that is being ingested, or that is deleted. Never fails for want of a queue.
    """
    waiting = Source.objects.filter(pk=source.pk, deleted_at__isnull=True, queued_at__isnull=True)
    if _put_in_queue(waiting.exclude(status=SourceStatus.PROCESSING), attempts=0):
        transaction.on_commit(partial(_send_ingestion, source.pk))


def queue_again(source_ids: Iterable[uuid.UUID], redo: Redo) -> int:
    """Have workers ingest sources though nothing has changed; returns how many, without those being ingested now."""
    waiting = Source.objects.filter(pk__in=list(source_ids), deleted_at__isnull=True)
    with transaction.atomic():
        free = waiting.exclude(status=SourceStatus.PROCESSING).order_by("pk").select_for_update()
        found = dict(free.values_list("pk", "redo"))
        # What is asked for most counts: new vectors come with new chunks.
        weaker = [pk for pk, asked in found.items() if asked != Redo.EMBED]
        _put_in_queue(Source.objects.filter(pk__in=weaker), attempts=0, redo=redo)
        _put_in_queue(Source.objects.filter(pk__in=found.keys() - set(weaker)), attempts=0)
        for source_id in found:
            transaction.on_commit(partial(_send_ingestion, source_id))
    return len(found)


def restart_ingestion(source: Source) -> None:
    """Queue a source, whose row the caller has locked and changed, also while a worker is at it: that one gives up."""
    if _put_in_queue(
        Source.objects.filter(pk=source.pk), attempts=0, claim_id=None, heartbeat_at=None
    ):
        transaction.on_commit(partial(_send_ingestion, source.pk))


def queue_purge(source: Source) -> None:
    """Have a worker remove the knowledge of a deleted source, which answers no more already."""
    transaction.on_commit(partial(_send, purge_source, source.pk))


def _put_in_queue(sources: QuerySet[Source], **fields: Any) -> int:
    now = timezone.now()
    return sources.update(
        queued_at=now, status=SourceStatus.PENDING, next_refresh_at=None, cancel_requested=False, updated_at=now,
        **fields,
    )  # fmt: skip


def _send_ingestion(source_id: uuid.UUID) -> None:
    _send(ingest_source, source_id, expires=MESSAGE_SECONDS)


def _send(task: Task, row_id: uuid.UUID, **options: Any) -> None:
    try:
        # No retry: a request waits for this, and the sweeper tries again anyway.
        task.apply_async((str(row_id),), retry=False, **options)
    except (OperationalError, OSError) as error:
        logger.warning(
            "the queue is out of reach; left to the sweeper",
            task=task.name,
            error=type(error).__name__,
        )


@shared_task(base=TenantTask, acks_late=True)
def ingest_source(source_id: str) -> None:
    """Ingest a source that waits for it; a message that comes twice finds nothing to do."""
    waiting = Source.objects.filter(Q(queued_at__isnull=False) | Q(status=SourceStatus.PROCESSING))
    claim = waiting.claim(uuid.UUID(source_id), stale_after=STALE_AFTER)
    if claim is not None:
        ingest(uuid.UUID(source_id), claim)


@shared_task(base=TenantTask, acks_late=True, runs_when_inactive=True)
def purge_source(source_id: str) -> None:
    """Remove the knowledge of a source if it still is deleted."""
    forget_knowledge(uuid.UUID(source_id), only_deleted=True)


@shared_task(base=TenantTask, acks_late=True)
def reembed(dataset_id: str) -> None:
    """Give a dataset the vectors of the embedding model that its bot names now."""
    reembed_dataset(uuid.UUID(dataset_id))


@shared_task(base=PlatformTask)
def sweep_ingestion() -> int:
    """Give back, in every tenant, what dead workers and lost messages left behind; returns how many sources."""
    return sum_over_tenants(sweep_tenant)


@shared_task(base=PlatformTask)
def refresh_due_sources() -> int:
    """Queue, in every tenant, the sources whose time has come; returns how many."""
    return sum_over_tenants(refresh_tenant)


@shared_task(base=PlatformTask)
def reembed_outdated_datasets() -> int:
    """Start, in every tenant, the change of embedding model that somebody asked for; returns how many."""
    return sum_over_tenants(reembed_tenant)


def reembed_tenant() -> int:
    """`reembed_outdated_datasets` for the current tenant."""
    outdated = list(find_outdated_datasets().values_list("pk", flat=True)[:BATCH])
    for dataset_id in outdated:
        # It expires before the next one is sent: while one runs, they must not pile up behind it.
        _send(reembed, dataset_id, expires=55)
    return len(outdated)


def sweep_tenant() -> int:
    """`sweep_ingestion` for the current tenant: one query if there is nothing to do."""
    now = timezone.now()
    abandoned = Q(status=SourceStatus.PROCESSING, heartbeat_at__lt=now - STALE_AFTER)
    unsent = Q(queued_at__lt=now - RESEND_AFTER) & ~Q(status=SourceStatus.PROCESSING)
    unpurged = Q(deleted_at__lt=now - RESEND_AFTER, chunk_count__gt=0)
    alive = Q(deleted_at__isnull=True)
    rows = Source.objects.filter((alive & (abandoned | unsent)) | unpurged).order_by("queued_at")
    found = list(rows.defer("content", "config")[:BATCH])
    for source in found:
        if source.deleted_at is not None:
            _send(purge_source, source.pk)
        elif source.status == SourceStatus.PROCESSING:
            _take_back(source)
        elif Source.objects.filter(pk=source.pk, queued_at=source.queued_at).update(queued_at=now):
            _send_ingestion(source.pk)
    return len(found)


def _take_back(source: Source) -> None:
    """Queue a source again whose worker died, unless it was cancelled or has taken several workers with it."""
    if source.cancel_requested and source.claim_id is not None:
        record_cancellation(source.pk, source.claim_id)
        return
    if source.attempts + 1 >= MAX_ATTEMPTS and source.claim_id is not None:
        reason = f"The ingestion was interrupted {MAX_ATTEMPTS} times. The source may be too large to be read here."
        record_failure(source.pk, source.claim_id, IngestionError("interrupted", reason))
        return
    abandoned = Source.objects.filter(
        pk=source.pk,
        status=SourceStatus.PROCESSING,
        claim_id=source.claim_id,
        heartbeat_at=source.heartbeat_at,
    )
    if _put_in_queue(abandoned, claim_id=None, attempts=F("attempts") + 1):
        logger.warning(
            "a worker died with this source; it is queued again", source_id=str(source.pk)
        )
        _send_ingestion(source.pk)


def refresh_tenant() -> int:
    """`refresh_due_sources` for the current tenant: one query if nothing is due."""
    now = timezone.now()
    due = Q(status=SourceStatus.ERROR, next_refresh_at__lte=now)
    for schedule, interval in INTERVALS.items():
        due |= Q(
            status=SourceStatus.READY,
            refresh_schedule=schedule,
            last_refreshed_at__lte=now - interval,
        )
    free = Source.objects.filter(deleted_at__isnull=True, is_active=True, queued_at__isnull=True)
    rows = free.filter(due, Q(parent__isnull=True) | Q(parent__is_active=True)).order_by(
        "last_refreshed_at"
    )
    queued = 0
    for source_id in rows.values_list("pk", flat=True)[:BATCH]:
        still_free = Source.objects.filter(pk=source_id, queued_at__isnull=True)
        if _put_in_queue(still_free.exclude(status=SourceStatus.PROCESSING)):
            _send_ingestion(source_id)
            queued += 1
    return queued
