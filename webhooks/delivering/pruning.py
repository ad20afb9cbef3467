"""Forgetting deliveries, in pieces, so that neither memory nor a lock grows with how many there are."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Min, QuerySet
from django.utils import timezone

from webhooks.models import Delivery

BATCH = 5_000


def prune_tenant() -> int:
    """Forget the current tenant's deliveries older than the retention, with their attempts; returns how many.

    Deliveries that still wait go as well: after a month they help nobody.
    """
    limit = timezone.now() - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
    return forget_deliveries(Delivery.objects.filter(created_at__lt=limit))


def prune_after(moment: datetime) -> datetime:
    """When what is written at `moment` is kept no longer; by the day, or every delivery would have its own pruning."""
    end = moment + timedelta(days=settings.WEBHOOK_RETENTION_DAYS + 1)
    return end.replace(hour=2, minute=0, second=0, microsecond=0)


def next_pruning() -> datetime | None:
    """When the current tenant's oldest delivery is kept no longer."""
    oldest = Delivery.objects.aggregate(oldest=Min("created_at"))["oldest"]
    return max(prune_after(oldest), timezone.now()) if oldest else None


def forget_deliveries(deliveries: QuerySet[Delivery]) -> int:
    """Delete deliveries with their attempts; returns how many.

    Locked in one order, since several may forget the same ones: those that are old, and those of a visitor.
    """
    total, ordered = 0, deliveries.order_by("pk").select_for_update()
    while True:
        with transaction.atomic():
            chosen = list(ordered.values_list("pk", flat=True)[:BATCH])
            Delivery.objects.filter(pk__in=chosen).delete()
        if not chosen:
            return total
        total += len(chosen)
