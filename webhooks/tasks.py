"""Background work of webhooks: deliveries by queue, the sweeper behind it, and the pruning of old rows.

The queue in Redis may lose messages; the rows do not. `queued_at` says that a message is on its way, so a burst of
events sends one for each webhook and not one for each event.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from minirag.lib.jobs.sending import send_now
from tenants.tasks import TenantTask
from webhooks.delivering.batch import deliver_batch
from webhooks.models import Webhook

WAKE_WITHIN = timedelta(seconds=40)
"""What is due so soon is woken by a message of its own; what is due later waits for the sweeper."""
BATCH = 500


def queue_webhooks(webhook_ids: Iterable[UUID]) -> None:
    """Have a worker deliver soon; once for each webhook, however often it is asked for before that happens.

    Call it after the commit. Never fails because the queue is down.
    """
    for webhook_id in webhook_ids:
        if Webhook.objects.filter(pk=webhook_id).call():
            send_now(deliver, webhook_id)


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
    if Webhook.objects.filter(pk=webhook_id).wake(at, now):
        send_now(deliver, webhook_id, seconds=(at - now).total_seconds())


def sweep_deliveries() -> int:
    """Queue the current tenant's webhooks with something due: retries, lost messages, dead workers; returns how many.

    One query where there is nothing to do, on an index that holds nothing but what waits.
    """
    found = list(Webhook.objects.owed(timezone.now()).values_list("pk", flat=True)[:BATCH])
    queue_webhooks(found)
    return len(found)
