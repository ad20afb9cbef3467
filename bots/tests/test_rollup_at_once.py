"""Sums of usage with real commits: writers, slow transactions, several workers and a killed one, all at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from bots.models import BotProfile, UsageDay, UsageEvent
from bots.tests.usage_scene import move_to, spend
from bots.usage.rollup import roll_up_usage
from bots.usage.spending import count_times, sum_usage, window_of
from tenants.context import tenant_context
from tenants.models import Tenant


def in_thread(tenant: Tenant, work: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        try:
            with tenant_context(tenant):
                return work()
        finally:
            connections.close_all()

    return run


def totals() -> tuple[int, int]:
    spent = sum_usage((), window_of(None))
    return (spent[0].request_count, spent[0].total_tokens) if spent else (0, 0)


def test_every_moment_shows_every_committed_event_once(initech):
    """Four writers, two workers in small batches, and a reader whose numbers must never fall or run ahead."""
    bot = BotProfile.objects.create(name="Busy")
    each, writers, seen, done = 60, 4, [], threading.Event()

    def write() -> None:
        for _ in range(each):
            spend(bot, time_to_first_token_ms=100)

    def work() -> int:
        rolled = 0
        while not done.is_set():
            rolled += roll_up_usage(batch=7, batches=5)
        return rolled + roll_up_usage()

    def read() -> None:
        while not done.is_set():
            before = UsageEvent.objects.count()
            count, tokens = totals()
            seen.append((before, count, tokens, UsageEvent.objects.count()))

    with ThreadPoolExecutor(7) as pool:
        workers = [pool.submit(in_thread(initech, work)) for _ in range(2)]
        reader = pool.submit(in_thread(initech, read))
        for future in [pool.submit(in_thread(initech, write)) for _ in range(writers)]:
            future.result()
        done.set()
        rolled = sum(future.result() for future in workers)
        reader.result()

    assert rolled == each * writers
    assert totals() == (240, 240 * 15)
    assert sum(row.request_count for row in UsageDay.objects.all()) == 240
    assert sum(row[4] for row in count_times(window_of(None))) == 240
    assert seen and all(before <= count <= after for before, count, _, after in seen)
    assert all(tokens == 15 * count for _, count, tokens, _ in seen)


def test_a_transaction_that_commits_after_the_rollup_is_not_lost(initech):
    bot = BotProfile.objects.create(name="Slow")
    spend(bot)
    written, may_commit = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            spend(bot)
            written.set()
            assert may_commit.wait(60)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(in_thread(initech, write_slowly))
        assert written.wait(60)
        spend(bot)  # begun later, committed earlier
        assert roll_up_usage() == 2
        assert totals()[0] == 2
        may_commit.set()
        slow.result()
    assert totals()[0] == 3
    assert roll_up_usage() == 1
    assert totals() == (3, 45)


def test_a_worker_that_dies_in_the_middle_has_counted_nothing(initech):
    bot = BotProfile.objects.create(name="Doomed")
    for _ in range(10):
        spend(bot)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert roll_up_usage() == 10
        raise ZeroDivisionError
    assert not UsageDay.objects.exists()
    assert totals()[0] == 10
    assert roll_up_usage() == 10
    assert totals()[0] == 10


def test_a_second_worker_goes_on_without_waiting(initech):
    bot = BotProfile.objects.create(name="Twice")
    spend(bot)
    roll_up_usage()
    spend(bot)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM bots_usagerollup FOR UPDATE")
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(in_thread(initech, roll_up_usage)).result(timeout=60) == 0
    assert roll_up_usage() == 1


def test_readers_are_right_while_the_days_are_added_up_anew(initech):
    bot = BotProfile.objects.create(name="Mover")
    for _ in range(40):
        spend(bot)
    roll_up_usage()
    seen, done = [], threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(totals()[0])

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(in_thread(initech, read))
        for zone in ("Asia/Tokyo", "UTC", "America/Lima", "Asia/Kathmandu"):
            move_to(initech, zone)
            roll_up_usage()
        done.set()
        reader.result()
    assert set(seen) <= {40} and totals()[0] == 40


def test_with_nothing_to_add_up_it_is_done(in_acme):
    assert [roll_up_usage(), roll_up_usage(batch=1, batches=3)] == [0, 0]
    assert totals() == (0, 0)
