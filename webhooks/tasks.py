"""Background work of webhooks: deliveries by queue, the sweeper behind it, and the nightly pruning.

The queue in Redis may lose messages; the rows do not. `queued_at` says that a message is on its way, so a burst of
events sends one for each webhook and not one for each event.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from celery import shared_task
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from tenants.tasks import PlatformTask, TenantTask, sum_over_tenants
from webhooks.delivery import deliver_batch
from webhooks.models import Delivery, DeliveryStatus, Webhook
from webhooks.pruning import prune_tenant

logger = structlog.get_logger(__name__)

RESEND_AFTER = timedelta(seconds=55)
MESSAGE_SECONDS = 50
"""How long a message is good: less than RESEND_AFTER, so that a backlog has one of each webhook in the queue."""
WAKE_WITHIN = timedelta(seconds=40)
"""What is due so soon is woken by a message of its own; what is due later waits for the sweeper."""
BATCH = 500


def queue_webhooks(webhook_ids: Iterable[UUID]) -> None:
    """Have a worker deliver soon; once for each webhook, however often it is asked for before that happens.

    Call it after the commit. Never fails for want of a queue.
    """
    now = timezone.now()
    for webhook_id in webhook_ids:
        unsent = Q(queued_at__isnull=True) | Q(queued_at__lt=now - RESEND_AFTER)
        if Webhook.objects.filter(unsent, pk=webhook_id, is_active=True).update(queued_at=now):
            _send(webhook_id)


def _send(webhook_id: UUID, **options: Any) -> None:
    try:
        # No retry: a request waits for this, and the sweeper tries again anyway.
        deliver.apply_async(
            (str(webhook_id),), retry=False, **{"expires": MESSAGE_SECONDS, **options}
        )
    except (OperationalError, OSError) as error:
        logger.warning("the queue is out of reach; left to the sweeper", error=type(error).__name__)


@shared_task(base=TenantTask, acks_late=True)
def deliver(webhook_id: str) -> None:
    """Deliver what is due for one webhook; a message that comes twice, or meets another at work, does nothing."""
    pk = UUID(webhook_id)
    next_due = deliver_batch(pk)
    if next_due is None:
        return
    now = timezone.now()
    if next_due <= now:
        queue_webhooks([pk])
    elif next_due - now <= WAKE_WITHIN:
        _wake(pk, next_due, now)


def _wake(webhook_id: UUID, at: datetime, now: datetime) -> None:
    """Send a message that runs at `at`, unless one is set that runs before."""
    later = Q(wake_at__isnull=True) | Q(wake_at__lte=now) | Q(wake_at__gt=at)
    if Webhook.objects.filter(later, pk=webhook_id).update(wake_at=at):
        seconds = (at - now).total_seconds()
        _send(webhook_id, countdown=seconds, expires=seconds + MESSAGE_SECONDS)


@shared_task(base=PlatformTask)
def sweep_deliveries() -> int:
    """Queue, in every tenant, the webhooks with something due: retries, lost messages, dead workers; returns how many.

    One query for each tenant, on an index that holds nothing but what waits.
    """
    return sum_over_tenants(sweep_tenant)


def sweep_tenant() -> int:
    """`sweep_deliveries` for the current tenant."""
    now = timezone.now()
    due = Delivery.objects.filter(
        webhook=OuterRef("pk"), status=DeliveryStatus.PENDING, next_attempt_at__lte=now
    )
    is_free = Q(busy_until__isnull=True) | Q(busy_until__lte=now)
    found = list(
        Webhook.objects.filter(is_free, Exists(due), is_active=True).values_list("pk", flat=True)[
            :BATCH
        ]
    )
    queue_webhooks(found)
    return len(found)


@shared_task(base=PlatformTask)
def prune_deliveries() -> int:
    """Forget, in every tenant, deliveries older than the retention with their attempts; returns how many."""
    return sum_over_tenants(prune_tenant)
