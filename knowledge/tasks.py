"""Background work of knowledge: ingestion, purging, and what beat starts.

A queued source is a row first and a message second: if the message is lost, or Redis was down, the sweeper finds the
row. Tasks are idempotent by claim, so a message that comes twice does the work once.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import structlog
from celery import shared_task
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerDown

from knowledge.indexing import forget_knowledge
from knowledge.ingestion import STALE_AFTER, ingest
from knowledge.models import RefreshSchedule, Source, SourceStatus
from tenants.context import tenant_context
from tenants.tasks import PlatformTask, TenantTask, active_tenants

logger = structlog.get_logger(__name__)

LOST_AFTER = timedelta(minutes=2)  # a queued row whose message nobody took; long queues only cost a second message


def queue_ingestion(source: Source) -> None:
    """Queue a source for ingestion after the caller's transaction; queuing what is queued changes nothing."""
    queued = Source.objects.filter(
        ~Q(status=SourceStatus.PROCESSING), pk=source.pk, deleted_at__isnull=True, queued_at__isnull=True
    ).update(queued_at=timezone.now(), status=SourceStatus.PENDING, cancel_requested=False)
    if queued:
        transaction.on_commit(lambda: _send(source.pk))


def queue_purge(source: Source) -> None:
    """Remove a deleted source's knowledge after the caller's transaction; it has stopped answering already."""
    transaction.on_commit(lambda: _publish(purge_source, source.pk))


def _send(source_id: uuid.UUID) -> None:
    _publish(ingest_source, source_id)


def _publish(task: TenantTask, source_id: uuid.UUID) -> None:
    try:
        task.apply_async((str(source_id),), retry=False)
    except (BrokerDown, OSError) as error:
        logger.warning("queue unreachable, left to the sweeper", task=task.name, error=type(error).__name__)


@shared_task(base=TenantTask, bind=True, max_retries=None)
def ingest_source(self: TenantTask, source_id: str) -> None:
    ingest(uuid.UUID(source_id))


@shared_task(base=TenantTask, runs_when_inactive=True)
def purge_source(source_id: str) -> None:
    """Forget what a deleted source knew; one that was brought back meanwhile is left alone."""
    with transaction.atomic():
        deleted = Source.objects.select_for_update(of=("self",)).filter(pk=source_id, deleted_at__isnull=False).first()
        if deleted is not None:
            forget_knowledge(deleted.pk)


@shared_task(base=PlatformTask)
def sweep_ingestion() -> int:
    """Queue anew what was queued but never taken, what a dead worker left, and purge what was missed."""
    found = 0
    for tenant in active_tenants():
        with tenant_context(tenant):
            found += _sweep_tenant()
    return found


def _sweep_tenant() -> int:
    now = timezone.now()
    lost = Q(queued_at__lt=now - LOST_AFTER) & ~Q(status=SourceStatus.PROCESSING)
    stale = Q(status=SourceStatus.PROCESSING) & (Q(heartbeat_at__lt=now - STALE_AFTER) | Q(heartbeat_at__isnull=True))
    waiting = list(Source.objects.filter(lost | stale, deleted_at__isnull=True).values_list("pk", flat=True)[:500])
    Source.objects.filter(pk__in=waiting, queued_at__isnull=False).update(queued_at=now)
    for source_id in waiting:
        _publish(ingest_source, source_id)
    left = Source.objects.filter(deleted_at__lt=now - LOST_AFTER, chunk_count__gt=0).values_list("pk", flat=True)[:500]
    for source_id in left:
        _publish(purge_source, source_id)
    return len(waiting)


@shared_task(base=PlatformTask)
def refresh_due_sources() -> int:
    """Queue the scheduled sources that are due."""
    found = 0
    for tenant in active_tenants():
        with tenant_context(tenant):
            found += _refresh_tenant()
    return found


def _refresh_tenant() -> int:
    now = timezone.now()
    scheduled = Source.objects.filter(is_active=True, deleted_at__isnull=True, queued_at__isnull=True).exclude(
        Q(refresh_schedule__isnull=True) | Q(refresh_schedule=RefreshSchedule.NONE)
    )
    # A schedule that was set after the last ingestion has no due time yet: it is due now.
    due = scheduled.filter(Q(next_refresh_at__lte=now) | Q(next_refresh_at__isnull=True)).exclude(
        status=SourceStatus.PROCESSING
    )
    sources = list(due.only("pk")[:500])
    for source in sources:
        queue_ingestion(source)
    return len(sources)
