"""Rate limits that are exact under concurrency: moving windows kept by one Lua script in Redis.

A call is bounded several times over (its token, its address, its tenant), and the script looks at all of its windows
before it counts in any: a refused hit counts nowhere, and a call costs one round trip however many bounds it has.

A window is a list of the times of its hits by Redis' own clock, newest first; what has left the window is taken off
the other end, so that a hit costs the same however wide the limit is. The keys of one call carry its `scope` (a
tenant's schema, or `public`) as a hash tag: no two tenants ever share a window, and a Redis Cluster keeps them on one
node.

When Redis fails, the caller decides: reads go on (logged, `fail_closed=False`), log-ins and anything that costs money
or guesses secrets are refused (`fail_closed=True`). Reads are counted on the threads of the database, so a Redis that
does not answer is let alone for a second by those who may go on without it.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from redis import Redis
from redis.exceptions import NoScriptError, RedisError

from minirag.lib.errors import ProductError, TooManyRequests
from minirag.lib.redis_client import OPTIONS, connect, connect_async
from minirag.lib.security.rates import Rate, parse_rate

logger = logging.getLogger(__name__)

_KEY_PREFIX = "minirag:limits"

# ARGV has amount and window in milliseconds for each of KEYS. Returns whether all had room, then for each window how
# many hits it holds now and in how many milliseconds it has room for one more than that.
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local has_room, answer = 1, {1}
for i, key in ipairs(KEYS) do
  local amount, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local oldest = tonumber(redis.call('LINDEX', key, -1))
  while oldest and oldest <= now - window do
    redis.call('RPOP', key)
    oldest = tonumber(redis.call('LINDEX', key, -1))
  end
  local count, reset = redis.call('LLEN', key), window
  if count >= amount then
    has_room = 0
    reset = tonumber(redis.call('LINDEX', key, amount - 1)) + window - now
  elseif oldest then
    reset = oldest + window - now
  end
  answer[2 * i], answer[2 * i + 1] = count, reset
end
answer[1] = has_room
if has_room == 1 then
  local stamp = string.format('%.0f', now)
  for i, key in ipairs(KEYS) do
    redis.call('LPUSH', key, stamp)
    redis.call('PEXPIRE', key, ARGV[2 * i])
    answer[2 * i] = answer[2 * i] + 1
  end
end
return answer
"""
_LET_ALONE_SECONDS = 1.0
_HANGING_SECONDS = 0.5  # one that says no at once holds up nobody
_let_alone_until: dict[str, float] = {}  # by the server's URL
_SHA = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Bound:
    """At most `rate` ("60/minute"; "0" or "" is no limit) for what `key` names; `noun` is what is counted."""

    key: str
    rate: str | Rate
    noun: str = "requests"


@dataclass(frozen=True)
class LimitState:
    """`remaining` hits of `limit` now; the window has room for one more after `reset_seconds`."""

    limit: int
    remaining: int
    reset_seconds: int


def limit_headers(state: LimitState | None) -> dict[str, str]:
    """Tell a client its limits: the limit, what is left of it, and the seconds until there is more."""
    if state is None:
        return {}
    return {
        "X-RateLimit-Limit": str(state.limit),
        "X-RateLimit-Remaining": str(state.remaining),
        "X-RateLimit-Reset": str(state.reset_seconds),
    }


class LimiterUnavailable(ProductError):
    """The limit cannot be counted and the caller chose to refuse then."""

    status, code, retryable = 503, "limiter_unavailable", True


def check(
    bounds: Sequence[Bound], *, scope: str, redis_url: str, fail_closed: bool = False
) -> LimitState | None:
    """Count one hit in all of `bounds`, or in none; returns the state of the tightest, None where nothing bounds it.

    Raises TooManyRequests when one is full, LimiterUnavailable when Redis fails and `fail_closed` is set, ValueError
    for a malformed rate.
    """
    limits, started = _effective(bounds), time.monotonic()
    if not limits:
        return None
    until = _let_alone_until.get(redis_url)
    if until is not None and not fail_closed:
        if started < until:
            return None
        # Who comes first asks whether it is well again; the others do not wait with it.
        _let_alone_until[redis_url] = started + 2 * _LET_ALONE_SECONDS
    client, arguments = _client(redis_url), _arguments(scope, limits)
    try:
        try:
            answer = client.execute_command("EVALSHA", _SHA, *arguments)
        except NoScriptError:
            answer = client.execute_command("EVAL", _SCRIPT, *arguments)
    except RedisError as error:
        if (now := time.monotonic()) - started > _HANGING_SECONDS:
            _let_alone_until[redis_url] = now + _LET_ALONE_SECONDS
        else:
            _let_alone_until.pop(redis_url, None)
        _without_redis(error, fail_closed)
        return None
    _let_alone_until.pop(redis_url, None)
    return _judge(limits, answer)


async def check_async(
    bounds: Sequence[Bound], *, scope: str, redis_url: str, fail_closed: bool = False
) -> LimitState | None:
    """`check` on the event loop; both count the same windows."""
    limits = _effective(bounds)
    if not limits:
        return None
    client, arguments = connect_async(redis_url), _arguments(scope, limits)
    try:
        try:
            answer = await client.execute_command("EVALSHA", _SHA, *arguments)
        except NoScriptError:
            answer = await client.execute_command("EVAL", _SCRIPT, *arguments)
    except RedisError as error:
        _without_redis(error, fail_closed)
        return None
    return _judge(limits, answer)


_Limits = list[tuple[Bound, Rate]]


def _effective(bounds: Sequence[Bound]) -> _Limits:
    rates = (
        (bound, parse_rate(bound.rate) if isinstance(bound.rate, str) else bound.rate)
        for bound in bounds
    )
    return [(bound, rate) for bound, rate in rates if rate is not None]


def _arguments(scope: str, limits: _Limits) -> list[str | int]:
    keys = [f"{_KEY_PREFIX}:{{{scope}}}:{bound.key}" for bound, _ in limits]
    return [
        len(keys),
        *keys,
        *(part for _, rate in limits for part in (rate.amount, rate.seconds * 1000)),
    ]


def _judge(limits: _Limits, answer: list[int]) -> LimitState:
    """Return the state of the window with the least room; if several are full, the one that stays full longest."""
    states = [
        (max(0, rate.amount - answer[2 * i + 1]), -answer[2 * i + 2], i)
        for i, (_, rate) in enumerate(limits)
    ]
    remaining, minus_reset, index = min(states)
    bound, rate = limits[index]
    seconds = max(1, math.ceil(-minus_reset / 1000))
    if not answer[0]:
        raise TooManyRequests(
            f"Too many {bound.noun}: at most {rate.amount} per {rate.window}.",
            retry_after_seconds=seconds, limit=rate.amount,
        )  # fmt: skip
    return LimitState(rate.amount, remaining, seconds)


def _without_redis(error: RedisError, fail_closed: bool) -> None:
    logger.error("rate limit not counted, redis failed: %s", type(error).__name__)
    if fail_closed:
        raise LimiterUnavailable("The service cannot accept this request at the moment.") from error


@lru_cache(maxsize=8)
def _client(redis_url: str) -> Redis:
    client: Redis = connect(redis_url, **OPTIONS)
    return client
