"""Background work of conversations."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial

import structlog
from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from conversations.exports.jobs import claim_job, purge_expired, run_job, take_back_abandoned
from conversations.models import ExportJob, ExportStatus
from conversations.turns.recording import fail_abandoned
from tenants.tasks import PlatformTask, TenantTask, sum_over_tenants

logger = structlog.get_logger(__name__)

RESEND_AFTER = timedelta(seconds=55)
MESSAGE_SECONDS = (
    60  # a backlog has one message of each export in the queue, not one of every minute
)


def longest_turn_seconds() -> float:
    """Longer than any turn may take: four times the wait for a first token (see minirag.ai.chat), and then some."""
    return 4 * settings.MODEL_TIMEOUT_SECONDS + 300.0


@shared_task(base=PlatformTask)
def fail_abandoned_turns() -> int:
    """Close the turns whose web process was killed, so that no question stays `pending` for ever."""
    return sum_over_tenants(lambda: fail_abandoned(longest_turn_seconds()))


def queue_export(job: ExportJob) -> None:
    """Have a worker write the export soon. Never fails for want of a queue: the sweeper tries again."""
    transaction.on_commit(partial(_send_export, job.pk))


def _send_export(job_id: uuid.UUID) -> None:
    try:
        write_export.apply_async((str(job_id),), retry=False, expires=MESSAGE_SECONDS)
    except (OperationalError, OSError) as error:
        logger.warning("the queue is out of reach; left to the sweeper", error=type(error).__name__)


@shared_task(base=TenantTask, acks_late=True)
def write_export(job_id: str) -> None:
    """Write a pending export, or a slice of it, and call for the next one; a message that comes twice does nothing."""
    job = claim_job(uuid.UUID(job_id))
    if job is not None:
        run_job(job)
        send_waiting(limit=1)


def send_waiting(*, limit: int, before: timedelta = timedelta(0)) -> int:
    """Send messages for pending exports that have had none for `before`, those that wait longest first."""
    now = timezone.now()
    unsent = Q(queued_at__isnull=True) | Q(queued_at__lte=now - before)
    waiting = ExportJob.objects.filter(unsent, status=ExportStatus.PENDING).order_by("updated_at")
    found = list(waiting.values_list("pk", flat=True)[:limit])
    for job_id in found:
        ExportJob.objects.filter(pk=job_id, status=ExportStatus.PENDING).update(queued_at=now)
        _send_export(job_id)
    return len(found)


@shared_task(base=PlatformTask)
def sweep_exports() -> int:
    """Give back, in every tenant, the exports of dead workers and lost messages; returns how many."""
    return sum_over_tenants(
        lambda: take_back_abandoned() + send_waiting(limit=10, before=RESEND_AFTER)
    )


@shared_task(base=PlatformTask)
def purge_expired_exports() -> int:
    """Remove, in every tenant, the files that are kept no longer; returns how many."""
    return sum_over_tenants(purge_expired)
