"""Each tenant's queue, measured: how much waits for a worker, how much is at work, how long the oldest has waited.

What waits is in the tenants' rows, and whatever waits or runs has a reminder in the table of due work; so only tenants
with something in their queue are looked into.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.apps import apps
from django.db.models import Count, Min, Q, QuerySet, Value
from django.utils import timezone
from django.utils.translation import gettext

from minirag.lib.jobs.job import Job
from minirag.lib.telling.shown import show_number
from tenants.context import require_tenant, tenant_context
from tenants.due import DueKind, DueWork
from tenants.models import Tenant

MOST_TENANTS: Final = 200
"""Looked into for one list, those whose work is due first."""
_KINDS: Final = (DueKind.INGESTION, DueKind.REEMBEDDING, DueKind.EXPORTS, DueKind.EVALUATIONS)


@dataclass(frozen=True)
class Queue:
    """What a tenant has in it of the work that takes long: ingestions, re-embeddings, exports, evaluation runs."""

    tenant: Tenant
    waiting: int
    running: int
    oldest: datetime | None

    @property
    def slug(self) -> str:
        return self.tenant.slug

    @property
    def work_weight(self) -> int:
        return self.tenant.work_weight

    @property
    def oldest_wait_seconds(self) -> int | None:
        """For how long nothing has been done to the one that has waited longest."""
        return (
            max(0, round((timezone.now() - self.oldest).total_seconds())) if self.oldest else None
        )

    def __str__(self) -> str:
        if not self.waiting and not self.running:
            return gettext("nothing waits")
        wait = (
            ", "
            + gettext("the oldest for %(count)s s")
            % {"count": show_number(self.oldest_wait_seconds)}
            if self.oldest
            else ""
        )
        return gettext("%(waiting)s waiting%(wait)s; %(running)s at work") % {
            "waiting": show_number(self.waiting),
            "wait": wait,
            "running": show_number(self.running),
        }


def measure_queue() -> Queue:
    """The current tenant's, in one statement."""
    jobs = [each for each in apps.get_models() if issubclass(each, Job) and each.TAKES_LONG]
    measured = [_measure(each) for each in jobs]
    found = list(measured[0].union(*measured[1:], all=True))
    oldest = min((each["oldest"] for each in found if each["oldest"]), default=None)
    waiting, running = (sum(each[name] for each in found) for name in ("waiting", "running"))
    return Queue(require_tenant(), waiting, running, oldest)


def _measure(model: Any) -> QuerySet[Any, dict[str, Any]]:
    """One row, of the jobs of a kind; none where there are no jobs."""
    queued = Q(claim_id__isnull=True, queued_at__isnull=False)
    alive = Q(claim_id__isnull=False) & ~model.is_silent(timezone.now())
    rows = model._default_manager.order_by().annotate(job_model=Value(model._meta.label))
    return rows.values("job_model").annotate(
        waiting=Count("pk", filter=queued), running=Count("pk", filter=alive),
        oldest=Min("updated_at", filter=queued),  # `queued_at` is when its message was sent last
    )  # fmt: skip


def list_queues() -> list[Queue]:
    """Of the tenants that have something in it, the longest first."""
    with tenant_context(None):
        due = DueWork.objects.filter(kind__in=_KINDS).values("tenant_id")
        tenants = list(
            Tenant.objects.filter(pk__in=due, status="active").order_by("slug")[:MOST_TENANTS]
        )
    queues = []
    for tenant in tenants:
        with tenant_context(tenant):
            queues.append(measure_queue())
    found = [queue for queue in queues if queue.waiting or queue.running]
    return sorted(found, key=lambda queue: (-queue.waiting, -queue.running, queue.slug))
