"""Async code reaches the database on bounded threads, and what takes long keeps none of them."""

from __future__ import annotations

import asyncio
import threading

import pytest

from minirag.lib import database
from minirag.lib.database import DATABASE, PASSWORDS, UPLOADS, run_in_pool, run_sync


@pytest.fixture
def threads(settings):
    settings.DATABASE_THREADS = 2
    database._threads.cache_clear()
    yield
    database._threads.cache_clear()


async def test_each_pool_has_threads_of_its_own(threads):
    def name() -> str:
        return threading.current_thread().name.rpartition("_")[0]

    assert await run_sync(name) == DATABASE
    assert [await run_in_pool(pool, name) for pool in (UPLOADS, PASSWORDS)] == [UPLOADS, PASSWORDS]


async def test_slow_work_without_end_leaves_every_other_request_a_thread(threads):
    released = threading.Event()
    slow = [asyncio.create_task(run_in_pool(UPLOADS, released.wait, 30)) for _ in range(20)]
    try:
        await asyncio.sleep(0)
        assert await asyncio.wait_for(run_sync(lambda: "answered"), 60) == "answered"
        assert not any(task.done() for task in slow)
    finally:
        released.set()
        await asyncio.gather(*slow)


def test_the_views_that_take_long_are_on_pools_of_their_own():
    from knowledge.sources.api import SourceUpload
    from tenants.api import TenantList
    from tenants.people.api import LogInView

    assert SourceUpload.thread_pool == UPLOADS
    assert {LogInView.thread_pool, TenantList.thread_pool} == {PASSWORDS}
