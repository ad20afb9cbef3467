"""What this installation counts of itself, for Prometheus: names and label values are part of the product's interface.

No label holds what people typed, and which tenant only where METRICS_TENANTS names it: their number is bounded by what
the code and the operator know.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from django.conf import settings
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

from minirag.lib.metrics.files import add_up, count_in_files, touch_gauges

IS_SHARED = count_in_files()  # before anything is counted
disable_created_metrics()  # they would be as many again, and files that add up have none
_OWN = CollectorRegistry()
_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_TOKEN_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_STAGE_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0)
_JOB_BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)

_REQUESTS = Counter(
    "minirag_requests_total",
    "Requests by method, route and status, each counted when its answer begins.",
    ("method", "route", "status"), registry=_OWN,
)  # fmt: skip
_REQUEST_SECONDS = Histogram(
    "minirag_request_seconds",
    "Time from a request's arrival to the beginning of its answer.",
    ("route",), buckets=_REQUEST_BUCKETS, registry=_OWN,
)  # fmt: skip
_TURNS = Counter("minirag_turns_total", "Turns by how they ended.", ("outcome",), registry=_OWN)
_FIRST_TOKEN_SECONDS = Histogram(
    "minirag_first_token_seconds",
    "Time from the call of a chat model to its first token.",
    buckets=_TOKEN_BUCKETS, registry=_OWN,
)  # fmt: skip
_TOKENS = Counter("minirag_tokens_total", "Tokens of turns by kind.", ("kind",), registry=_OWN)
_COST = Counter("minirag_cost_usd_total", "What turns cost, in US dollars.", registry=_OWN)
_TENANT_TURNS = Counter(
    "minirag_tenant_turns_total", "Turns of the tenants of METRICS_TENANTS, by how they ended.",
    ("tenant", "outcome"), registry=_OWN,
)  # fmt: skip
_TENANT_COST = Counter(
    "minirag_tenant_cost_usd_total", "What turns of the tenants of METRICS_TENANTS cost, in US dollars.",
    ("tenant",), registry=_OWN,
)  # fmt: skip
_PROVIDER_ERRORS = Counter(
    "minirag_provider_errors_total",
    "Failed calls of model providers, each attempt by itself, by category.",
    ("category",), registry=_OWN,
)  # fmt: skip
_JOBS = Counter(
    "minirag_jobs_total", "Jobs of workers by kind and how they ended.", ("kind", "outcome"),
    registry=_OWN,
)  # fmt: skip
_WORK_SECONDS = Histogram(
    "minirag_work_seconds",
    "Time that a worker was at a job, each turn of a long one by itself.",
    ("kind",), buckets=_JOB_BUCKETS, registry=_OWN,
)  # fmt: skip
_STAGE_SECONDS = Histogram(
    "minirag_stage_seconds", "Time that a stage of a turn or of an ingestion took.", ("work", "stage"),
    buckets=_STAGE_BUCKETS, registry=_OWN,
)  # fmt: skip
_SOCKETS = Gauge(
    "minirag_open_sockets", "Sockets that are open.", multiprocess_mode="livesum", registry=_OWN
)
_RUNNING_TURNS = Gauge(
    "minirag_running_turns", "Turns that are being answered, over whatever way they were asked.",
    multiprocess_mode="livesum", registry=_OWN,
)  # fmt: skip
_POOL = Gauge(
    "minirag_pool_connections", "Connections of a web process's pool: in_use, idle, and calls waiting for one.",
    ("state",), multiprocess_mode="liveall", registry=_OWN,
)  # fmt: skip
_POOL_LIMIT = Gauge(
    "minirag_pool_limit", "How many connections a web process's pool may have.",
    multiprocess_mode="liveall", registry=_OWN,
)  # fmt: skip
_POOL_WAITS = Histogram(
    "minirag_pool_wait_seconds", "How long calls waited for a connection or its thread, those that waited at all.",
    buckets=_STAGE_BUCKETS, registry=_OWN,
)  # fmt: skip
_WAITED_SECONDS = 0.005
_POOL_STATES = {name: _POOL.labels(name) for name in ("in_use", "idle", "waiting")}


def note_request(method: str, route: str, status: int, seconds: float) -> None:
    """`route` is the pattern, not the path."""
    _REQUESTS.labels(method, route, status).inc()
    _REQUEST_SECONDS.labels(route).observe(seconds)
    if IS_SHARED:
        touch_gauges()


def note_turn(
    outcome: str, *, first_token_ms: int | None, prompt_tokens: int, completion_tokens: int, cost_usd: Decimal
) -> None:  # fmt: skip
    _TURNS.labels(outcome).inc()
    if first_token_ms:
        _FIRST_TOKEN_SECONDS.observe(first_token_ms / 1000)
    _TOKENS.labels("prompt").inc(prompt_tokens)
    _TOKENS.labels("completion").inc(completion_tokens)
    _COST.inc(float(cost_usd))


def note_tenant_turn(slug: str, outcome: str, cost_usd: Decimal) -> None:
    """Does nothing for a tenant that METRICS_TENANTS does not name."""
    if slug in settings.METRICS_TENANTS or "*" in settings.METRICS_TENANTS:
        _TENANT_TURNS.labels(slug, outcome).inc()
        _TENANT_COST.labels(slug).inc(float(cost_usd))


def note_provider_error(category: str) -> None:
    _PROVIDER_ERRORS.labels(category).inc()


def note_job(kind: str, outcome: str) -> None:
    _JOBS.labels(kind, outcome).inc()


def note_work(kind: str, seconds: float) -> None:
    _WORK_SECONDS.labels(kind).observe(seconds)


def note_stage(work: str, stage: str, seconds: float) -> None:
    """`work` is "turn" or "ingestion"."""
    _STAGE_SECONDS.labels(work, stage).observe(seconds)


def note_sockets(change: int) -> None:
    _SOCKETS.inc(change)


def note_running_turns(change: int) -> None:
    _RUNNING_TURNS.inc(change)


def note_pool_limit(most: int) -> None:
    _POOL_LIMIT.set(most)


def note_pool(state: Literal["in_use", "waiting"], change: int) -> None:
    _POOL_STATES[state].inc(change)


def note_pool_idle(number: int) -> None:
    _POOL_STATES["idle"].set(number)


def note_pool_wait(seconds: float) -> None:
    """For a connection, or for a thread that may have one; what did not really wait is left out."""
    if seconds > _WAITED_SECONDS:
        _POOL_WAITS.observe(seconds)


def read_counted() -> CollectorRegistry:
    """What all processes that share the folder have counted; without METRICS_TOKEN, what this one has."""
    return add_up() if IS_SHARED else _OWN
