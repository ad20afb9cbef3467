"""Forgetting deliveries, in pieces, so that neither memory nor a lock grows with how many there are."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from webhooks.models import Delivery

BATCH = 5_000


def prune_tenant() -> int:
    """Forget the current tenant's deliveries older than the retention, with their attempts; returns how many.

    What still waits goes as well: after a month nobody is helped by it.
    """
    limit = timezone.now() - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
    return forget_deliveries(Delivery.objects.filter(created_at__lt=limit))


def forget_deliveries(deliveries: QuerySet[Delivery]) -> int:
    """Delete deliveries with their attempts; returns how many."""
    total = 0
    while chosen := list(deliveries.order_by().values_list("pk", flat=True)[:BATCH]):
        Delivery.objects.filter(pk__in=chosen).delete()
        total += len(chosen)
    return total
