"""Background work of bots."""

from __future__ import annotations

from celery import shared_task

from bots.usage.rollup import roll_up_usage
from tenants.tasks import PlatformTask, sum_over_tenants


@shared_task(base=PlatformTask)
def roll_up_usage_of_tenants() -> int:
    """Add up, in every tenant, the usage that is not yet; returns how many events there were."""
    return sum_over_tenants(roll_up_usage)
