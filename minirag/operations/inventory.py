"""`/v1/system/health/detailed`: the tenant's own numbers next to the health of the servers.

Everybody of every tenant may ask, so nothing here tells of other tenants or of the machines: sizes are of the tenant's
own tables, addresses and passwords are left out, and what Redis says of itself is only told where nobody else is on it.
Large tables are not counted row by row: beyond some megabytes the planner's own estimate has to do.
"""

from __future__ import annotations

import platform
import time
from collections import Counter
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum

from bots.models import BotProfile
from bots.usage.spending import sum_everything
from conversations.models import Chat, Message
from conversations.turns.troubles import list_failures
from knowledge.models import IndexEntry, LexiconTotals, Source, SourceStatus
from minirag.operations.health import connect_redis
from tenants.context import require_tenant
from tenants.models import Tenant
from tenants.platform.queues import measure_queue

_STARTED = time.monotonic()
_COUNTED_BYTES = 16 * 2**20
"""Tables up to here are counted: some hundred thousand rows, some milliseconds."""
_MEGABYTE = 2**20

Facts = dict[str, Any]


def take_inventory() -> Facts:
    sources = group_sources()
    return {
        "uptime_seconds": int(time.monotonic() - _STARTED),
        "python_version": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "db_stats": describe_numbers(sources),
        "qdrant_stats": describe_index(),
        "redis_stats": describe_redis(),
        "bot_sources": list_bot_sources(sources),
        "config": describe_config(),
        "provider_failures": list_failures(),
        "queue": measure_queue(),
    }


def group_sources() -> list[Facts]:
    """How many sources each bot has in each state, and how many chunks they are."""
    alive = Source.objects.filter(deleted_at__isnull=True).order_by()
    groups = alive.values_list("bot_profile_id", "status").annotate(Count("id"), Sum("chunk_count"))
    return [
        dict(zip(("bot_profile_id", "status", "count", "chunks"), group, strict=True))
        for group in groups
    ]


def describe_numbers(sources: list[Facts]) -> Facts:
    by_status: Counter[str] = Counter(dict.fromkeys(SourceStatus.values, 0))
    for group in sources:
        by_status[group["status"]] += group["count"]
    spent = sum_everything()
    return {
        "sources_by_status": dict(by_status),
        "total_chunks": count_chunks(),
        "total_messages": count_rows(Message),
        "total_chats": count_rows(Chat),
        "total_usage_events": spent.request_count if spent else 0,
        "total_prompt_tokens": spent.prompt_tokens if spent else 0,
        "total_completion_tokens": spent.completion_tokens if spent else 0,
    }


def describe_index() -> Facts:
    """The tenant's `chunk_index`: its indexes are what wants to stay in memory, a segment is one of its vectors'."""
    table = IndexEntry._meta.db_table
    size, missing, disk, memory, segments = _fetch(
        """SELECT pg_relation_size(c.oid),
                  coalesce((SELECT null_frac FROM pg_stats WHERE schemaname = current_schema()
                             AND tablename = %(table)s AND attname = 'emb'), 0),
                  pg_total_relation_size(c.oid), pg_indexes_size(c.oid),
                  (SELECT count(*) FROM pg_indexes WHERE schemaname = current_schema() AND tablename = %(table)s
                      AND indexname LIKE 'chunk_index_emb_%%')
             FROM pg_class c WHERE c.oid = to_regclass(%(table)s)""",
        {"table": table},
    )
    count, is_small = count_chunks(), size <= _COUNTED_BYTES
    vectors = (
        IndexEntry.objects.filter(emb__isnull=False).count()
        if is_small
        else round(count * (1 - missing))
    )
    return {
        "collection": table, "vectors_count": vectors, "points_count": count, "segments_count": max(1, segments),
        "status": "green", "disk_data_size_mb": round(disk / _MEGABYTE, 2),
        "ram_data_size_mb": round(memory / _MEGABYTE, 2),
    }  # fmt: skip


def describe_redis() -> Facts:
    try:
        client = connect_redis(settings.REDIS_URL)
        about: Any = client.info()
        keys: Any = client.dbsize()
    except redis.RedisError:
        return {"error": "It does not answer."}
    is_alone = not Tenant.objects.exclude(pk=require_tenant().pk).exists()
    names = ("used_memory_human", "used_memory_peak_human", "connected_clients")
    shown = {name: about[name] if is_alone else None for name in names}
    return {
        **shown,
        "uptime_seconds": int(about["uptime_in_seconds"]),
        "db_keys": keys if is_alone else None,
    }


def list_bot_sources(sources: list[Facts]) -> list[Facts]:
    """What each bot knows, the newest bot first."""
    counts, ready, chunks = Counter[Any](), Counter[Any](), Counter[Any]()
    for group in sources:
        bot_id = group["bot_profile_id"]
        counts[bot_id] += group["count"]
        chunks[bot_id] += group["chunks"] or 0
        ready[bot_id] += group["count"] if group["status"] == SourceStatus.READY else 0
    bots = BotProfile.objects.order_by("-created_at", "-id").only(
        "id", "name", "model", "is_active"
    )
    return [
        {
            "bot_profile_id": str(bot.pk), "bot_name": bot.name, "model": bot.model, "is_active": bot.is_active,
            "source_count": counts[bot.pk], "ready_sources": ready[bot.pk], "total_chunks": chunks[bot.pk],
        }
        for bot in bots
    ]  # fmt: skip


def describe_config() -> Facts:
    """The installation as its tenants may know it: of addresses nothing but the protocol."""
    database, redis_scheme = "postgres://***", settings.REDIS_URL.partition("://")[0]
    return {
        "database_url": database,
        "redis_url": f"{redis_scheme}://***",
        "qdrant_url": database,
        "encryption_configured": bool(settings.ENCRYPTION_KEYS),
        "jwt_configured": bool(settings.JWT_SECRET_KEY),
        "jwt_expire_minutes": settings.JWT_EXPIRE_MINUTES,
        "default_llm_model": settings.DEFAULT_LLM_MODEL,
        "default_embedding_model": settings.DEFAULT_EMBEDDING_MODEL,
        "cors_origins": settings.CORS_ORIGINS,
    }


def count_chunks() -> int:
    """Exact whatever their number: search keeps count of them."""
    return LexiconTotals.objects.values_list("n", flat=True).first() or 0


def count_rows(model: Any, *, counted_bytes: int = _COUNTED_BYTES) -> int:
    """The rows of the tenant's table: exact up to `counted_bytes`, beyond as PostgreSQL's planner estimates them."""
    size, rows, pages = _fetch(
        "SELECT pg_relation_size(oid), reltuples, relpages FROM pg_class WHERE oid = to_regclass(%(table)s)",
        {"table": model._meta.db_table},
    )
    if size <= counted_bytes or rows < 0 or pages <= 0:  # never analysed
        return int(model.objects.count())
    return round(rows / pages * (size / 8192))


def _fetch(statement: str, values: Facts) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    assert row is not None, "the table is there in every tenant's schema"  # noqa: S101
    return tuple(row)
