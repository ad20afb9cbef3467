from __future__ import annotations

import asyncio
import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from minirag.lib.errors import TooManyRequests
from minirag.lib.limits import LimiterUnavailable, check, check_async, multiply_rate

DEAD_REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture
def redis_url():
    return os.environ["REDIS_URL"]


@pytest.fixture
def key():
    return f"acme:{uuid.uuid4()}"


def passes(key, rate, redis_url):
    try:
        check(key, rate, redis_url=redis_url)
    except TooManyRequests:
        return False
    return True


async def passes_async(key, rate, redis_url):
    try:
        await check_async(key, rate, redis_url=redis_url)
    except TooManyRequests:
        return False
    return True


def test_hits_count_down_and_the_next_one_says_when_to_come_back(key, redis_url):
    states = [check(key, "3/minute", redis_url=redis_url) for _ in range(3)]
    assert [(state.limit, state.remaining) for state in states] == [(3, 2), (3, 1), (3, 0)]
    with pytest.raises(TooManyRequests) as caught:
        check(key, "3/minute", redis_url=redis_url)
    assert 55 <= caught.value.retry_after_seconds <= 60
    assert caught.value.detail == "Too many requests: at most 3 per minute."


def test_two_hundred_threads_at_once_get_exactly_the_limit(key, redis_url):
    with ThreadPoolExecutor(40) as pool:
        outcomes = list(pool.map(lambda _: passes(key, "50/minute", redis_url), range(200)))
    assert outcomes.count(True) == 50


async def test_two_hundred_coroutines_at_once_get_exactly_the_limit(key, redis_url):
    outcomes = await asyncio.gather(*(passes_async(key, "50/minute", redis_url) for _ in range(200)))
    assert outcomes.count(True) == 50


async def test_threads_and_coroutines_share_one_window(key, redis_url):
    assert await asyncio.to_thread(passes, key, "1/minute", redis_url)
    assert not await passes_async(key, "1/minute", redis_url)


def test_the_window_moves_on(key, redis_url):
    assert [passes(key, "2 per 1 second", redis_url) for _ in range(3)] == [True, True, False]
    time.sleep(1.1)
    assert passes(key, "2 per 1 second", redis_url)


def test_each_key_has_its_own_window(key, redis_url):
    assert passes(f"{key}:a", "1/minute", redis_url)
    assert passes(f"{key}:b", "1/minute", redis_url)


def test_without_redis_a_read_goes_on_and_is_logged(key, caplog):
    assert check(key, "3/minute", redis_url=DEAD_REDIS).remaining == 3
    assert "rate limit not counted" in caplog.text
    assert key not in caplog.text


def test_without_redis_a_costly_call_is_refused(key):
    with pytest.raises(LimiterUnavailable):
        check(key, "3/minute", redis_url=DEAD_REDIS, fail_closed=True)


async def test_the_async_variant_fails_in_the_same_two_ways(key):
    assert (await check_async(key, "3/minute", redis_url=DEAD_REDIS)).remaining == 3
    with pytest.raises(LimiterUnavailable):
        await check_async(key, "3/minute", redis_url=DEAD_REDIS, fail_closed=True)


def test_a_malformed_rate_is_a_mistake_of_the_caller(key, redis_url):
    with pytest.raises(ValueError, match="many"):
        check(key, "many", redis_url=redis_url)


@pytest.mark.parametrize(("rate", "factor", "result"), [
    ("20/minute", 5, "100 per 1 minute"), ("5 per 10 second", 2, "10 per 10 second"), ("1/hour", 1, "1 per 1 hour"),
])  # fmt: skip
def test_a_rate_is_multiplied_within_its_window(rate, factor, result):
    assert multiply_rate(rate, factor) == result
