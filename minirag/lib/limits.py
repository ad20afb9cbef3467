"""Rate limits that are exact under concurrency: a moving window kept by one Lua script in Redis.

When Redis fails, the caller decides: reads go on (logged, `fail_closed=False`), logins and anything that
costs money or guesses secrets are refused (`fail_closed=True`). The caller puts the tenant into the key.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage as AsyncRedisStorage
from limits.aio.strategies import MovingWindowRateLimiter as AsyncMovingWindow
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from minirag.lib.errors import ProductError, TooManyRequests

logger = logging.getLogger(__name__)

_KEY_PREFIX = "minirag:limits"
_OPTIONS: dict[str, Any] = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}


@dataclass(frozen=True)
class LimitState:
    """`remaining` hits of `limit` now; the window has room again after `reset_seconds`."""

    limit: int
    remaining: int
    reset_seconds: int


class LimiterUnavailable(ProductError):
    """The limit cannot be counted and the caller chose to refuse then."""

    status, code, retryable = 503, "limiter_unavailable", True


def check(key: str, rate: str, *, redis_url: str, fail_closed: bool = False) -> LimitState:
    """Count one hit of `key` against `rate` ("60/minute", "5 per 10 second").

    Raises TooManyRequests when the window is full (such a hit is not counted), LimiterUnavailable when
    Redis fails and `fail_closed` is set, ValueError for a malformed rate.
    """
    item = _parse_rate(rate)
    try:
        limiter = _limiter(redis_url)
        allowed = limiter.hit(item, key)
        reset_at, remaining = limiter.get_window_stats(item, key)
    except StorageError as error:
        return _without_redis(item, error, fail_closed)
    return _judge(item, allowed, reset_at, remaining)


async def check_async(key: str, rate: str, *, redis_url: str, fail_closed: bool = False) -> LimitState:
    """`check` on the event loop; both count the same window."""
    item = _parse_rate(rate)
    try:
        limiter = _async_limiter(redis_url)
        allowed = await limiter.hit(item, key)
        reset_at, remaining = await limiter.get_window_stats(item, key)
    except StorageError as error:
        return _without_redis(item, error, fail_closed)
    return _judge(item, allowed, reset_at, remaining)


def multiply_rate(rate: str, factor: int) -> str:
    """Allow `factor` times as many hits in the same window: ("20/minute", 5) is "100 per 1 minute"."""
    item = _parse_rate(rate)
    return f"{item.amount * factor} per {item.multiples} {item.GRANULARITY.name}"


def _judge(item: RateLimitItem, allowed: bool, reset_at: float, remaining: int) -> LimitState:
    seconds = max(1, math.ceil(reset_at - time.time()))
    if not allowed:
        raise TooManyRequests(
            f"Too many requests: at most {item.amount} per {_window(item)}.", retry_after_seconds=seconds
        )
    return LimitState(item.amount, remaining, seconds)


def _without_redis(item: RateLimitItem, error: StorageError, fail_closed: bool) -> LimitState:
    logger.error("rate limit not counted, redis failed: %s", type(error.storage_error).__name__)
    if fail_closed:
        raise LimiterUnavailable("The service cannot accept this request at the moment.") from error
    return LimitState(item.amount, item.amount, item.get_expiry())


def _window(item: RateLimitItem) -> str:
    unit = item.GRANULARITY.name
    return unit if item.multiples == 1 else f"{item.multiples} {unit}s"


@lru_cache(maxsize=256)
def _parse_rate(rate: str) -> RateLimitItem:
    return parse(rate)


def _storage_url(redis_url: str) -> str:
    return redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url


@lru_cache(maxsize=8)
def _limiter(redis_url: str) -> MovingWindowRateLimiter:
    storage = RedisStorage(_storage_url(redis_url), wrap_exceptions=True, key_prefix=_KEY_PREFIX, **_OPTIONS)
    return MovingWindowRateLimiter(storage)


# An asyncio connection belongs to the loop that opened it, so each loop has its own.
_async_limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, AsyncMovingWindow]] = (
    WeakKeyDictionary()
)


def _async_limiter(redis_url: str) -> AsyncMovingWindow:
    limiters = _async_limiters.setdefault(asyncio.get_running_loop(), {})
    if redis_url not in limiters:
        storage = AsyncRedisStorage(
            f"async+{_storage_url(redis_url)}",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix=_KEY_PREFIX,
            **_OPTIONS,
        )
        limiters[redis_url] = AsyncMovingWindow(storage)
    return limiters[redis_url]
