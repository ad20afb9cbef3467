"""`/metrics`, for Prometheus: what the processes have counted, and what the database says waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from minirag.lib.database import OUTAGES
from minirag.lib.errors import NotAuthenticated, NotFound
from minirag.lib.http_in.doors import OPEN_DOOR, door
from minirag.lib.http_in.rest import error_response
from minirag.lib.metrics.counted import read_counted
from minirag.operations.backing_up.nightly import find_last_backup
from minirag.operations.health import connect_redis, measure_health, read_redis_memory
from tenants.context import tenant_context
from tenants.due import DueWork
from tenants.models import Tenant, TenantStatus
from tenants.platform.queues import list_queues

_STATES = ("active", "idle", "idle in transaction")


@door(OPEN_DOOR)
@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """Answer who shows METRICS_TOKEN as a bearer token; without that setting there is no such page."""
    if not settings.METRICS_TOKEN:
        return error_response(NotFound("Not Found"), request)
    sent = request.headers.get("Authorization", "").partition("Bearer ")[2].strip()
    if not constant_time_compare(sent, settings.METRICS_TOKEN):
        return error_response(NotAuthenticated("Show METRICS_TOKEN as a bearer token."), request)
    waiting = CollectorRegistry()
    waiting.register(_Waiting())
    body = generate_latest(read_counted()) + generate_latest(waiting)
    return HttpResponse(
        body, content_type=CONTENT_TYPE_PLAIN_0_0_4, headers={"Cache-Control": "no-store"}
    )


class _Waiting:
    """What no process counts, since it is the same for all of them."""

    def collect(self) -> Iterator[Metric]:
        yield _gauge(
            "minirag_up", "Whether a server answers.", "server",
            {
                name.replace("qdrant", "pgvector"): float(part["status"] == "ok")
                for name, part in measure_health().items()
                if isinstance(part, dict)
            },
        )  # fmt: skip
        yield _tell_docs()
        yield from _measure_redis()
        try:
            yield from list(_measure_database())
        except OUTAGES:  # minirag_up tells it, and what processes have counted is told as ever
            return


def _tell_docs() -> Metric:
    """For links of alerts: Prometheus can ask for nothing but numbers, and their labels."""
    found = GaugeMetricFamily(
        "minirag_docs_info", "Where the docs are read; nothing where that is not known.", labels=["url"]
    )  # fmt: skip
    if settings.DOCS_URL:
        found.add_metric([f"{settings.DOCS_URL.rstrip('/')}/"], 1.0)
    return found


def _measure_redis() -> Iterator[Metric]:
    try:
        memory = read_redis_memory(connect_redis(settings.REDIS_URL))
    except redis.RedisError:
        return
    yield GaugeMetricFamily(
        "minirag_redis_memory_bytes", "Memory that Redis uses.", float(memory.used)
    )
    limit = GaugeMetricFamily(
        "minirag_redis_memory_limit_bytes", "Memory that Redis may use; nothing where it has no limit."
    )  # fmt: skip
    if memory.limit:
        limit.add_metric([], float(memory.limit))
    yield limit


def _measure_database() -> Iterator[Metric]:
    with tenant_context(None):
        yield from _measure_tenants()
        yield from _measure_due()
        yield from _measure_backups()
        yield from _measure_connections()
    queues = list_queues()
    yield _gauge(
        "minirag_jobs", "Jobs of all tenants that wait for a worker, or that one works at.", "state",
        {name: float(sum(getattr(each, name) for each in queues)) for name in ("waiting", "running")},
    )  # fmt: skip
    yield GaugeMetricFamily(
        "minirag_oldest_job_seconds",
        "For how long nothing has been done to the job that has waited longest.",
        float(max((each.oldest_wait_seconds or 0 for each in queues), default=0)),
    )


def _measure_tenants() -> Iterator[Metric]:
    found = Tenant.objects.order_by().values_list("status").annotate(Count("pk"))
    counted = dict.fromkeys(TenantStatus.values, 0) | dict(found)
    yield _gauge("minirag_tenants", "Tenants by status.", "status", counted)


def _measure_due() -> Iterator[Metric]:
    """A reminder that stays due for long means that beat or the workers stand still."""
    due = DueWork.objects.filter(due_at__lte=timezone.now()).aggregate(
        count=Count("pk"), oldest=Min("due_at")
    )
    yield GaugeMetricFamily("minirag_due_work", "Reminders that are due.", float(due["count"]))
    late = (timezone.now() - due["oldest"]).total_seconds() if due["oldest"] else 0.0
    yield GaugeMetricFamily(
        "minirag_oldest_due_seconds", "For how long the oldest reminder has been due.", late
    )


def _measure_backups() -> Iterator[Metric]:
    last = find_last_backup()
    age = GaugeMetricFamily(
        "minirag_last_backup_seconds",
        "How long ago the last backup was made that was read back; nothing where none was.",
    )
    if last.age is not None:
        age.add_metric([], last.age.total_seconds())
    yield age
    yield GaugeMetricFamily(
        "minirag_backup_failed", "Whether the last attempt at a backup failed.", float(bool(last.failed))
    )  # fmt: skip


def _measure_connections() -> Iterator[Metric]:
    """Of everybody to this database; what the server has room for is of all its databases."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY 1"
        )
        found = dict.fromkeys(_STATES, 0) | dict(cursor.fetchall())
        cursor.execute("SELECT current_setting('max_connections')::int")
        (most,) = cursor.fetchone()
    yield _gauge(
        "minirag_database_connections", "Connections to the database by state.", "state", found
    )
    yield GaugeMetricFamily(
        "minirag_database_connections_limit", "How many connections the server takes.", float(most)
    )


def _gauge(name: str, said: str, label: str, found: dict[str, Any]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, said, labels=[label])
    for value, number in found.items():
        family.add_metric([str(value)], float(number))
    return family
