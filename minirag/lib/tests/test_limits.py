from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from minirag.lib.errors import TooManyRequests
from minirag.lib.security import limits
from minirag.lib.security.limits import Bound, LimiterUnavailable, LimitState, check, check_async

DEAD_REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture
def redis_url():
    return os.environ["REDIS_URL"]


@pytest.fixture
def scope():
    return f"t_{uuid.uuid4().hex}"


@pytest.fixture
def hit(scope, redis_url):
    """Count one hit of `{key: rate}`; whether it was let through."""

    def count(scope=scope, **rates: str) -> bool:
        try:
            check(
                [Bound(key, rate) for key, rate in rates.items()], scope=scope, redis_url=redis_url
            )
        except TooManyRequests:
            return False
        return True

    return count


@pytest.fixture
def hit_async(scope, redis_url):
    async def count(**rates: str) -> bool:
        bounds = [Bound(key, rate) for key, rate in rates.items()]
        try:
            await check_async(bounds, scope=scope, redis_url=redis_url)
        except TooManyRequests:
            return False
        return True

    return count


def stored(redis_url, scope) -> dict[str, int]:
    """How many hits each window of this scope holds."""
    client = Redis.from_url(redis_url)
    return {
        key.decode().rpartition(":")[2]: client.llen(key)
        for key in client.keys(f"minirag:limits:{{{scope}}}:*")
    }


def test_hits_count_down_and_the_next_one_says_when_to_come_back(scope, redis_url):
    bounds = [Bound("token", "3/minute")]
    states = [check(bounds, scope=scope, redis_url=redis_url) for _ in range(3)]
    assert [(state.limit, state.remaining) for state in states] == [(3, 2), (3, 1), (3, 0)]
    with pytest.raises(TooManyRequests) as caught:
        check(bounds, scope=scope, redis_url=redis_url)
    assert 55 <= caught.value.retry_after_seconds <= 60
    assert caught.value.limit == 3
    assert caught.value.detail == "Too many requests: at most 3 per minute."


def test_two_hundred_threads_at_once_get_exactly_the_limit(hit):
    with ThreadPoolExecutor(40) as pool:
        outcomes = list(
            pool.map(lambda _: hit(token="50/minute", tenant="1000/minute"), range(200))
        )
    assert outcomes.count(True) == 50


async def test_two_hundred_coroutines_at_once_get_exactly_the_limit(hit_async):
    outcomes = await asyncio.gather(
        *(hit_async(token="50/minute", tenant="1000/minute") for _ in range(200))
    )
    assert outcomes.count(True) == 50


async def test_threads_and_coroutines_share_one_window(hit, hit_async):
    assert await asyncio.to_thread(hit, token="1/minute")
    assert not await hit_async(token="1/minute")


def test_a_hit_that_one_bound_refuses_counts_in_none(hit, scope, redis_url):
    for _ in range(3):
        assert hit(token="100/minute", tenant="3/minute")
    for _ in range(5):
        assert not hit(token="100/minute", tenant="3/minute")
    assert stored(redis_url, scope) == {"token": 3, "tenant": 3}


def test_many_keys_at_once_under_concurrency_share_out_exactly_the_common_bound(
    hit, scope, redis_url
):
    def call(number: int) -> bool:
        return hit(**{f"token{number % 4}": "20/minute", "tenant": "50/minute"})

    with ThreadPoolExecutor(40) as pool:
        outcomes = list(pool.map(call, range(200)))
    assert outcomes.count(True) == 50
    counts = stored(redis_url, scope)
    assert counts.pop("tenant") == 50
    assert sum(counts.values()) == 50
    assert max(counts.values()) <= 20


def test_the_state_told_is_that_of_the_tightest_bound(scope, redis_url):
    bounds = [Bound("token", "100/minute"), Bound("tenant", "2/hour"), Bound("off", "0")]
    assert check(bounds, scope=scope, redis_url=redis_url) == LimitState(2, 1, 3600)


def test_of_two_full_bounds_the_one_that_stays_full_longer_refuses(scope, redis_url):
    bounds = [Bound("token", "1/minute"), Bound("tenant", "1/hour", "questions")]
    check(bounds, scope=scope, redis_url=redis_url)
    with pytest.raises(
        TooManyRequests, match=r"Too many questions: at most 1 per hour\."
    ) as caught:
        check(bounds, scope=scope, redis_url=redis_url)
    assert caught.value.retry_after_seconds > 3000


def test_without_any_bound_nothing_is_counted_or_asked(scope):
    assert (
        check([Bound("token", "0"), Bound("tenant", "")], scope=scope, redis_url=DEAD_REDIS) is None
    )


def test_the_window_moves_on(hit, scope, redis_url):
    assert [hit(token="2/minute") for _ in range(3)] == [True, True, False]
    redis = Redis.from_url(redis_url)
    [key] = redis.scan_iter(f"*{scope}*")
    for place, moment in enumerate(redis.lrange(key, 0, -1)):
        redis.lset(key, place, int(moment) - 61_000)  # a minute later
    assert hit(token="2/minute")


def test_a_limit_that_is_lowered_holds_for_what_was_counted_before(hit):
    assert [hit(token="5/minute") for _ in range(4)] == [True] * 4
    assert not hit(token="2/minute")
    assert hit(token="5/minute")


def test_each_key_and_each_scope_has_a_window_of_its_own(hit):
    assert hit(a="1/minute")
    assert hit(b="1/minute")
    assert hit(a="1/minute", scope=f"t_{uuid.uuid4().hex}")
    assert not hit(a="1/minute")


def test_windows_do_not_outlive_their_time(hit, scope, redis_url):
    hit(token="5 per 10 second")
    client = Redis.from_url(redis_url)
    assert 9 <= client.ttl(f"minirag:limits:{{{scope}}}:token") <= 10


def test_a_redis_that_forgot_the_script_is_told_it_again(hit, redis_url):
    Redis.from_url(redis_url).script_flush()
    assert hit(token="1/minute")
    assert not hit(token="1/minute")


@pytest.fixture
def asked_anew(monkeypatch):
    """Whatever other tests found hanging."""
    monkeypatch.setattr(limits, "_let_alone_until", {})


def test_a_redis_that_hangs_is_let_alone_by_those_who_may_go_on(scope, monkeypatch, asked_anew):
    monkeypatch.setattr(limits, "_LET_ALONE_SECONDS", 600.0)
    bounds = [Bound("token", "3/minute")]
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"redis://127.0.0.1:{server.getsockname()[1]}/0"

        def was_asked() -> bool:
            try:
                server.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        def is_asked(**how) -> bool:
            with contextlib.suppress(LimiterUnavailable):
                assert check(bounds, scope=scope, redis_url=url, **how) is None
            return was_asked()

        assert [is_asked(), is_asked(), is_asked(fail_closed=True)] == [True, False, True]
        limits._let_alone_until[url] = 0.0  # as when the time is over
        with ThreadPoolExecutor(1) as elsewhere:
            asking = elsewhere.submit(check, bounds, scope=scope, redis_url=url)
            while not asking.done() and limits._let_alone_until[url] == 0.0:
                time.sleep(0.001)
            assert check(bounds, scope=scope, redis_url=url) is None
        assert [was_asked(), was_asked()] == [True, False], "one asks whether it is well again"


def test_without_redis_a_read_goes_on_and_is_logged(scope, caplog, asked_anew):
    assert check([Bound("token", "3/minute")], scope=scope, redis_url=DEAD_REDIS) is None
    assert "rate limit not counted" in caplog.text
    assert scope not in caplog.text


def test_without_redis_a_costly_call_is_refused(scope):
    with pytest.raises(LimiterUnavailable):
        check([Bound("token", "3/minute")], scope=scope, redis_url=DEAD_REDIS, fail_closed=True)


async def test_the_async_variant_fails_in_the_same_two_ways(scope):
    bounds = [Bound("token", "3/minute")]
    assert await check_async(bounds, scope=scope, redis_url=DEAD_REDIS) is None
    with pytest.raises(LimiterUnavailable):
        await check_async(bounds, scope=scope, redis_url=DEAD_REDIS, fail_closed=True)


def test_a_malformed_rate_is_a_mistake_of_the_caller(scope, redis_url):
    with pytest.raises(ValueError, match="many"):
        check([Bound("token", "many")], scope=scope, redis_url=redis_url)
