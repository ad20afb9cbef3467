"""Background work of bots."""

from __future__ import annotations

from celery import shared_task

from bots.rollup import roll_up_usage
from tenants.context import tenant_context
from tenants.tasks import PlatformTask, active_tenants


@shared_task(base=PlatformTask)
def roll_up_usage_of_tenants() -> int:
    """Add up, in every tenant, the usage that is not yet; returns how many events there were."""
    total = 0
    for tenant in active_tenants():
        with tenant_context(tenant):
            total += roll_up_usage()
    return total
