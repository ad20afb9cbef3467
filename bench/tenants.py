"""New tenants, `migrate` over many of them, and what they all cost while nobody does anything."""

from __future__ import annotations

import time
from statistics import median

import httpx
import psycopg
from django.db import connection, transaction

from bench.processes import is_server, list_descendants, read_cpu_seconds
from bench.product import BenchProduct
from bench.report import Budget, Report
from tenants import schemas
from tenants.context import tenant_context
from tenants.models import Tenant, make_schema_name

PROMISED = 1000
IDLE_STEPS = (50, 500)
SETTLE_SECONDS = 20.0
IDLE_TOLERANCE = 1.3
"""Two minutes of nothing differ by so much with the same number of tenants."""


def measure_tenants(product: BenchProduct, report: Report, *, tenants: int, quick: bool) -> None:
    """A schema alone, the whole sign-up, and what migrating costs where there is nothing to do."""
    repeats = 5 if quick else 15
    report.add(
        "tenants",
        "a new schema",
        median(time_schema(number) for number in range(repeats)),
        "ms",
        Budget(100),
    )
    report.add("tenants", "POST /v1/tenants, hash included", median(time_sign_up(product, n) for n in range(repeats)),
               "ms", Budget(400))  # fmt: skip
    few = Tenant.objects.count()
    alone = median(time_migrate(product) for _ in range(1 if quick else 3))
    making = measure_idle_minutes(product, report, tenants=tenants, quick=quick)
    report.add("tenants", f"making tenant rows and schemas, {tenants - few} in a row, each",
               making * 1000 / max(1, tenants - few), "ms")  # fmt: skip
    seconds = median(time_migrate(product) for _ in range(1 if quick else 3))
    is_promised = tenants >= PROMISED
    report.add("tenants", f"`migrate` over {tenants} tenants, nothing to do", seconds, "s",
               Budget(15) if is_promised else None, note=f"{alone:.1f} s over {few}")  # fmt: skip
    if not is_promised:
        each = max(0.0, seconds - alone) / max(1, tenants - few)
        report.add("tenants", f"the same over {PROMISED}, EXTRAPOLATED", seconds + each * (PROMISED - tenants), "s",
                   Budget(15), note=f"{each * 1000:.1f} ms per further tenant; --tenants 1000 measures it")  # fmt: skip


def measure_idle_minutes(
    product: BenchProduct, report: Report, *, tenants: int, quick: bool
) -> float:
    """Fill up step by step, and count what an idle minute costs at each: it must not grow with the tenants.

    Returns how many seconds the filling up took.
    """
    first, making = None, 0.0
    switch_autovacuum("off")
    for count in sorted({each for each in IDLE_STEPS if each < tenants} | {tenants}):
        started = time.monotonic()
        fill_up(count)
        making += time.monotonic() - started
        time.sleep(SETTLE_SECONDS)
        own, servers = count_idle_cpu(product, 30.0 if quick else 60.0)
        report.add(
            "tenants", f"an idle minute with {count} tenants, CPU of web, worker and beat", own, "ms",
            Budget(first * IDLE_TOLERANCE, why="as with few") if first else None,
            note=f"PostgreSQL, without autovacuum, and Valkey {servers:.0f} ms",
        )  # fmt: skip
        first = first or own
    switch_autovacuum("on")
    return making


def switch_autovacuum(state: str) -> None:
    """It goes over every table of the installation each minute, whether somebody asks for something or not."""
    # With a plain cursor: ours sends the schema with each statement, and this one is sent alone.
    parameters = {**connection.get_connection_params(), "cursor_factory": psycopg.Cursor}
    with psycopg.connect(**parameters, autocommit=True) as session:
        session.execute(f"ALTER SYSTEM SET autovacuum = {state}")
        session.execute("SELECT pg_reload_conf()")


def count_idle_cpu(product: BenchProduct, seconds: float) -> tuple[float, float]:
    """Milliseconds of CPU per minute: of our processes, and of the servers behind them."""

    def read() -> tuple[float, float]:
        family = list_descendants(product.root_pid)
        servers = [pid for pid in family if is_server(pid)]
        behind = read_cpu_seconds(servers)
        return read_cpu_seconds([pid for pid in family if pid not in servers]), behind

    before, started = read(), time.monotonic()
    time.sleep(seconds)
    after, passed = read(), time.monotonic() - started
    own, servers = (
        (now - then) * 1000 * 60 / passed for now, then in zip(after, before, strict=True)
    )
    return own, servers


def time_schema(number: int) -> float:
    """Milliseconds until the schema is committed."""
    tenant = Tenant(schema_name=f"bench_schema_{number}")
    with tenant_context(None):
        started = time.monotonic()
        with transaction.atomic():
            schemas.create_schema(tenant)
        milliseconds = (time.monotonic() - started) * 1000
        with transaction.atomic():
            schemas.drop_schema(tenant.schema_name)
    return milliseconds


def time_sign_up(product: BenchProduct, number: int) -> float:
    slug = f"sign-up-{number}"
    body = {
        "tenant_name": slug, "tenant_slug": slug, "owner_email": f"owner@{slug}.example.com",
        "owner_password": "correct horse battery",
    }  # fmt: skip
    with httpx.Client(base_url=product.base_url, timeout=60) as client:
        client.get("/health")
        started = time.monotonic()
        answer = client.post("/v1/tenants", json=body)
        milliseconds = (time.monotonic() - started) * 1000
    assert answer.status_code == 201, answer.text
    return milliseconds


def fill_up(tenants: int) -> None:
    """Make tenants, with schemas and without people, until there are so many."""
    with tenant_context(None):
        for number in range(Tenant.objects.count(), tenants):
            slug = f"crowd-{number}"
            with transaction.atomic():
                tenant = Tenant(name=slug, slug=slug, schema_name=make_schema_name(slug))
                tenant.schema_version = schemas.create_schema(tenant)
                tenant.save(force_insert=True)


def time_migrate(product: BenchProduct) -> float:
    """Seconds of the whole command, the interpreter's start included."""
    started = time.monotonic()
    product.manage("migrate", "--verbosity", "0")
    return time.monotonic() - started
