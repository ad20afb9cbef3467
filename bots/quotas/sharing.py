"""Workers are shared: no tenant takes the last process of a worker for work that takes long.

The queue is one for all, first come, first served, and what a tenant has waiting is in its rows: of a thousand sources
few have a message, and who works on one goes on with the next until its turn is over (`bots.quotas.turns`). What is
beyond a tenant's share of the processes is left waiting as well: whoever picks up such a message drops it at once, and
the next row is sent when one of the tenant's turns has ended. So a small source of another tenant finds a process soon,
whatever is queued or runs. Where there is one active tenant it has them all. The share is counted over a tenant's jobs
of every kind that TAKES_LONG, on whichever worker they run.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any, TypeVar

from celery import Task
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction

from minirag.lib.jobs.job import Job, JobQuerySet
from minirag.lib.jobs.sending import send_now
from tenants.context import scoped_name
from tenants.models import Tenant, TenantStatus

J = TypeVar("J", bound=Job)

_processes: list[int] = []
"""Of the worker that this process belongs to; a child inherits it."""


def note_processes(count: int) -> None:
    """Remember how many processes this worker has, before it makes them."""
    _processes[:] = [count]


def claim_in_share(rows: JobQuerySet[J], pk: uuid.UUID) -> J | None:
    """`claim`, unless the current tenant has its share of long work in hand; then the row waits on."""
    at_most = find_share()
    if at_most is None:
        return rows.claim(pk)
    with transaction.atomic():
        with connection.cursor() as cursor:  # only one at a time counts the tenant's jobs
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [scoped_name("long jobs")]
            )
        if count_long_jobs() >= at_most:
            return None
        return rows.claim(pk)


def claim_next(rows: JobQuerySet[J]) -> J | None:
    """`claim_in_share` for the one of `rows` that waits longest; None if none waits or the share is used up."""
    waiting = rows.filter(claim_id__isnull=True, queued_at__isnull=False).order_by("queued_at")
    for pk in waiting.values_list("pk", flat=True)[:3]:  # another process may be faster
        if (held := claim_in_share(rows, pk)) is not None:
            return held
    return None


def send_next(rows: JobQuerySet[Any], task: Task) -> None:
    """A turn has ended, so there is room in the tenant's share: have the longest waiting of `rows` done."""
    rows.send_longest_waiting(partial(send_now, task))


def call_for_help(rows: JobQuerySet[Any], task: Task) -> None:
    """A turn has begun: have another process work on `rows` as well, if the tenant may have one more."""
    share = find_share()
    if count_long_jobs() < (sum(_processes) if share is None else share):
        send_next(rows, task)


def find_share() -> int | None:
    """How many long jobs the current tenant may have in hand at once; None where nobody needs to share."""
    at_most = settings.LONG_JOBS_PER_TENANT or sum(_processes) - 1
    if at_most < 0 or Tenant.objects.filter(status=TenantStatus.ACTIVE)[:2].count() < 2:
        return None
    return max(1, at_most)


def count_long_jobs() -> int:
    """The current tenant's jobs that take long and that living workers have in hand."""
    managers: list[Any] = [  # of JobQuerySet, which each model says
        model._default_manager
        for model in apps.get_models()
        if issubclass(model, Job) and model.TAKES_LONG
    ]
    return sum(manager.running().count() for manager in managers)
