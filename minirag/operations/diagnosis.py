"""What an operator wants to know before trusting an installation: one finding per part, each with its remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from kombu.exceptions import KombuError

from knowledge.models.reembedding import Reembedding, ReembeddingStatus
from minirag.ai.builtin import local
from minirag.ai.builtin.folder_files import EmbedderUnusable
from minirag.ai.builtin.minilm import MODEL_FILE, TOKENIZER_FILE
from minirag.celery import app
from minirag.lib.redis_client import connect
from minirag.lib.telling.kept_sentences import kept
from minirag.operations.checks import find_secret_faults
from minirag.operations.findings import FAIL, OK, WARN, Finding
from minirag.operations.health import read_redis_memory
from minirag.operations.places import check_citus, check_disk, check_files
from minirag.operations.providers import check_provider
from tenants.backend.proof import find_crossing, shares_server_connections
from tenants.context import tenant_context
from tenants.due import DueKind, DueWork
from tenants.models import SchemaMigration, Tenant
from tenants.platform.migrating import stale_tenants
from tenants.schemas import find_unmarked

_POSTGRES_NEEDED = 150_000
_PGVECTOR_NEEDED = (0, 8)
_WORKER_SECONDS = 2.0
_REDIS_NEARLY_FULL = 0.9
_MOST_VISITED, _MOST_TOLD = 50, 3
_BEAT_SILENT = timedelta(minutes=10)  # its rows are written every three minutes


def diagnose(parts: list[str] | None = None) -> list[Finding]:
    """Looks at every part, or at those named; one that fails keeps none of the others back. Shows no secret."""
    return [check() for part, check in CHECKS.items() if parts is None or part in parts]


def check_secrets() -> Finding:
    faults = find_secret_faults()
    if faults:
        return Finding("secrets", FAIL, " ".join(faults), "Set them as .env.example shows.")
    return Finding("secrets", OK, "set and long enough")


def check_database() -> Finding:
    try:
        number = int(_ask_database("show server_version_num") or 0)
    except DatabaseError as error:
        return Finding(
            "database",
            FAIL,
            _first_line(error),
            "Start PostgreSQL (make run) or correct DATABASE_URL.",
        )
    shown = f"PostgreSQL {number // 10_000}.{number % 10_000}"
    if number < _POSTGRES_NEEDED:
        return Finding(
            "database", FAIL, shown, f"Use PostgreSQL {_POSTGRES_NEEDED // 10_000} or newer."
        )
    return Finding("database", OK, shown)


def check_pooler() -> Finding:
    """Whether a statement could reach another tenant's schema, by the way to PostgreSQL or by the schema's mark."""
    parameters = connection.get_connection_params()
    try:
        fault = find_crossing(parameters)
        if fault is None:
            is_shared = shares_server_connections(parameters)
            unmarked, foreign = find_unmarked()
    except (DatabaseError, psycopg.Error):
        return Finding("pooler", FAIL, "unknown, the database does not answer", "See database.")
    if fault is not None:
        remedy = "Use pool_mode transaction or session, see docs/deployment.md."
        return Finding("pooler", FAIL, f"tenants could see each other's rows: {fault}", remedy)
    if foreign:
        detail = kept(f"schemas that bear another tenant's mark: {_list_slugs(foreign)}")
        return Finding("pooler", FAIL, detail, "Restore each tenant's own backup.")
    if unmarked:
        detail = kept(f"schemas without their tenant's mark: {_list_slugs(unmarked)}")
        return Finding("pooler", FAIL, detail, "Run manage.py migrate.")
    way = (
        kept("through a pooler that shares connections")
        if is_shared
        else kept("on connections of our own")
    )
    return Finding("pooler", OK, f"tenants stay apart, {way}")


def check_pgvector() -> Finding:
    remedy = "As the database's owner: CREATE EXTENSION vector; or ALTER EXTENSION vector UPDATE;"
    try:
        version = _ask_database("select extversion from pg_extension where extname = 'vector'")
    except DatabaseError:
        return Finding("pgvector", FAIL, "unknown, the database does not answer", "See database.")
    if version is None:
        return Finding("pgvector", FAIL, "not installed", remedy)
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < _PGVECTOR_NEEDED:
        return Finding("pgvector", FAIL, f"{version}, needed is 0.8", remedy)
    return Finding("pgvector", OK, version)


def check_migrations() -> Finding:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return Finding("migrations", FAIL, "unknown, the database does not answer", "See database.")
    if missing:
        return Finding("migrations", FAIL, f"{len(missing)} not applied", "Run manage.py migrate.")
    return Finding("migrations", OK, "all applied")


def check_tenants() -> Finding:
    try:
        behind = stale_tenants()
        failure = SchemaMigration.objects.filter(tenant__in=behind).order_by("-started_at").first()
    except DatabaseError:
        return Finding(
            "tenants",
            FAIL,
            "unknown, the database does not answer or is not migrated",
            "See migrations.",
        )
    if behind:
        detail = f"{len(behind)} behind: {_list_slugs(behind)}"
        if failure is not None and failure.error:
            detail += f"; {failure.tenant.slug} failed last: {failure.error.splitlines()[0]}"
        return Finding("tenants", FAIL, kept(detail), "Run manage.py migrate.")
    return Finding("tenants", OK, "every schema is up to date")


def check_redis() -> Finding:
    try:
        with connect(settings.REDIS_URL, socket_connect_timeout=3, socket_timeout=3) as client:
            server = client.info("server")
            memory = read_redis_memory(client)
    except (redis.RedisError, ValueError) as error:
        return Finding(
            "redis", FAIL, _first_line(error), "Start Redis (make run) or correct REDIS_URL."
        )
    version = server.get("valkey_version") or server.get("redis_version")
    shown = f"{server.get('server_name', 'redis')} {version}"
    if memory.policy != "noeviction":
        return Finding(
            "redis",
            WARN,
            f"{shown} may drop queued work ({memory.policy})",
            "Set maxmemory-policy noeviction.",
        )
    if memory.limit and memory.used > _REDIS_NEARLY_FULL * memory.limit:
        detail = f"{shown} uses {memory.used:,} of {memory.limit:,} bytes"
        state = FAIL if memory.is_full else WARN
        remedy = "Give it a larger maxmemory: full, it refuses questions, log-ins and jobs."
        return Finding("redis", state, detail, remedy)
    return Finding("redis", OK, shown)


def check_worker() -> Finding:
    try:
        names = [name for reply in app.control.ping(timeout=_WORKER_SECONDS) for name in reply]
    except (KombuError, redis.RedisError, OSError):
        return Finding("worker", FAIL, "unknown, the broker does not answer", "See redis.")
    if not names:
        return Finding(
            "worker", FAIL, "none answers", "Start one: celery -A minirag worker, or make run."
        )
    return Finding("worker", OK, ", ".join(sorted(names)))


def check_embedder() -> Finding:
    model, directory = settings.DEFAULT_EMBEDDING_MODEL, settings.EMBEDDER_DIR
    found, faults = [], []
    for name in sorted({*local.list_folders(), *([model] if local.is_folder(model) else [])}):
        try:
            found.append(f"{name}: {local.load_embedder(name).summary}")
        except EmbedderUnusable as error:
            faults.append(f"{name}: {error.detail}")
    if faults:
        remedy = "Try it with manage.py fetch_embedder --check DIR, or fetch it again."
        return Finding("embedder", WARN, " ".join(faults), remedy)
    if local.is_folder(model):
        return Finding("embedder", OK, "; ".join(found))
    finding = _check_minilm(directory)
    if not found:
        return finding
    return replace(finding, detail="; ".join([finding.detail, *found]))


def _check_minilm(directory: Path) -> Finding:
    missing = [name for name in (MODEL_FILE, TOKENIZER_FILE) if not (directory / name).is_file()]
    if not missing:
        return Finding("embedder", OK, str(directory))
    if settings.DEFAULT_EMBEDDING_MODEL != "minirag/minilm":
        return Finding(
            "embedder",
            OK,
            f"not installed and not the default ({settings.DEFAULT_EMBEDDING_MODEL})",
        )
    remedy = f"Run python -m minirag.ai.build_minilm --output {directory}"
    return Finding(
        "embedder", WARN, f"{directory} lacks {', '.join(missing)}: search is by words only", remedy
    )


def check_multilingual() -> Finding:
    """Whether bots whose knowledge is not mostly English get an embedder that knows their language."""
    model = settings.MULTILINGUAL_EMBEDDING_MODEL
    if not model:
        return Finding("multilingual", OK, "MULTILINGUAL_EMBEDDING_MODEL is empty: none is chosen")
    if local.is_embedder_available(model):
        return Finding("multilingual", OK, f"{model}, for bots that know little English")
    return Finding("multilingual", OK, f"{model} is not there: `make multilingual` makes it")


def check_reembedding() -> Finding:
    """Of the tenants whose turn it is to look after their vectors, so that no tenant is visited without cause."""
    waiting = DueWork.objects.filter(kind=DueKind.REEMBEDDING).values("tenant_id")
    try:
        tenants = list(Tenant.objects.filter(pk__in=waiting).order_by("slug")[:_MOST_VISITED])
        failed = [f"{tenant.slug}: {each}" for tenant in tenants for each in _list_failed(tenant)]
    except DatabaseError:
        return Finding(
            "reembedding", FAIL, "unknown, the database does not answer", "See database."
        )
    if not failed:
        return Finding("reembedding", OK, "none failed")
    more = " …" if len(failed) > _MOST_TOLD else ""
    return Finding(
        "reembedding", WARN, "; ".join(failed[:_MOST_TOLD]) + more,
        "The old vectors answer meanwhile. See the dataset in the tenant's admin for the reason; it is tried again.",
    )  # fmt: skip


def _list_failed(tenant: Tenant) -> list[str]:
    with tenant_context(tenant):
        failed = Reembedding.objects.filter(status=ReembeddingStatus.FAILED).order_by("pk")
        rows = failed.values_list("dataset__name", "embedding_model", "error_code")[:_MOST_TOLD]
        return [f"{name} to {model} ({code})" for name, model, code in rows]


def check_beat() -> Finding:  # by the clock's own rows
    now = timezone.now()
    # What ran while the clock was ahead says nothing of now.
    ran = PeriodicTask.objects.filter(enabled=True, last_run_at__lte=now + _BEAT_SILENT)
    try:
        found = ran.aggregate(last=Max("last_run_at"))["last"]
    except DatabaseError:
        return Finding("beat", FAIL, "unknown, the database does not answer", "See database.")
    if found is None or now - found > _BEAT_SILENT:
        shown = (
            kept(f"last run at {found:%Y-%m-%d %H:%M} UTC") if found else kept("it has never run")
        )
        return Finding("beat", WARN, shown, "Start one process of: celery -A minirag beat.")
    return Finding("beat", OK, f"ran at {found:%H:%M:%S} UTC")


def check_debug() -> Finding:
    if settings.DEBUG:
        return Finding(
            "debug",
            WARN,
            "DEBUG is on: errors show code, secrets are not checked",
            "Set DEBUG=False.",
        )
    return Finding("debug", OK, "off")


CHECKS: dict[str, Callable[[], Finding]] = {
    "secrets": check_secrets,
    "database": check_database,
    "pooler": check_pooler,
    "pgvector": check_pgvector,
    "citus": check_citus,
    "migrations": check_migrations,
    "tenants": check_tenants,
    "redis": check_redis,
    "worker": check_worker,
    "embedder": check_embedder,
    "multilingual": check_multilingual,
    "reembedding": check_reembedding,
    "files": check_files,
    "disk": check_disk,
    "provider": check_provider,
    "debug": check_debug,
}


def _ask_database(statement: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return str(row[0]) if row else None


def _list_slugs(tenants: list[Tenant]) -> str:
    return ", ".join(tenant.slug for tenant in tenants[:5]) + (" …" if len(tenants) > 5 else "")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
