"""Background work of conversations."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from conversations.recording import mark_abandoned
from tenants.context import tenant_context
from tenants.tasks import PlatformTask, active_tenants


def longest_turn_seconds() -> float:
    """Longer than any turn may take: four times the wait for a first token (see minirag.ai.chat), and then some."""
    return 4 * settings.MODEL_TIMEOUT_SECONDS + 300.0


@shared_task(base=PlatformTask)
def fail_abandoned_turns() -> int:
    """Close the turns whose web process was killed, so that no question stays `pending` for ever."""
    closed = 0
    for tenant in active_tenants():
        with tenant_context(tenant):
            closed += mark_abandoned(longest_turn_seconds())
    return closed
