"""Whether the servers that we depend on answer. Anybody may ask, so nothing else is said."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import redis
from django.conf import settings
from django.db import Error, connection

from minirag.lib.redis_client import connect

_TIMEOUT_SECONDS = 2
_KEEP_SECONDS = 2.0


def measure_health() -> dict[str, Any]:
    """Ask each server for its version; anybody may make us, so one answer serves for two seconds."""
    return _measure_once(int(time.monotonic() / _KEEP_SECONDS))


@lru_cache(maxsize=1)
def _measure_once(moment: int) -> dict[str, Any]:
    parts = {
        "postgres": _time(_postgres_version, Error),
        "qdrant": _time(_vector_version, Error),
        "redis": _time(_redis_version, redis.RedisError),
    }
    if parts["redis"]["status"] == "ok" and is_redis_full():
        parts["redis"] |= {"status": "error", "detail": "It has no memory left."}
    healthy = all(part["status"] == "ok" for part in parts.values())
    return {"status": "ok" if healthy else "degraded", **parts}


def _time(ask: Callable[[], str], failure: type[Exception]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        version = ask()
    except failure:
        return {
            "status": "error",
            "detail": "It does not answer.",
            "version": None,
            "latency_ms": None,
        }
    latency_ms = round((time.perf_counter() - started) * 1000, 2)
    return {"status": "ok", "detail": None, "version": version, "latency_ms": latency_ms}


def _postgres_version() -> str:
    return _fetch_text("SHOW server_version").split()[0]


def _vector_version() -> str:
    version = _fetch_text("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    return f"pgvector {version}"


def _fetch_text(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    if row is None:
        raise Error("nothing found")
    return str(row[0])


def _redis_version() -> str:
    server: Any = connect_redis(settings.REDIS_URL).info("server")  # typed for the async client too
    return str(server["redis_version"])


class RedisMemory(NamedTuple):
    """Bytes that Redis uses of those it may; a `limit` of 0 is none."""

    used: int
    limit: int
    policy: str

    @property
    def is_full(self) -> bool:
        """Whether it refuses every write. One that evicts never does."""
        return 0 < self.limit <= self.used and self.policy == "noeviction"


def read_redis_memory(client: redis.Redis) -> RedisMemory:
    """As Redis itself counts before it refuses a write: without what it holds for its copies. Raises RedisError."""
    told: Any = client.info("memory")
    return RedisMemory(
        used=int(told["used_memory"]) - int(told.get("mem_not_counted_for_evict", 0)),
        limit=int(told.get("maxmemory", 0)),
        policy=str(told.get("maxmemory_policy", "noeviction")),
    )


def is_redis_full() -> bool:
    """Such a Redis answers, and yet no question, log-in or job comes through."""
    try:
        return read_redis_memory(connect_redis(settings.REDIS_URL)).is_full
    except redis.RedisError:
        return False


@cache
def connect_redis(url: str) -> redis.Redis:
    client: redis.Redis = connect(
        url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
    )
    return client
