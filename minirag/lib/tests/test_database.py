"""Async code reaches the database on bounded threads, and what takes long keeps none of them."""

from __future__ import annotations

import asyncio
import threading

import pytest

from minirag.lib import database
from minirag.lib.database import (
    AT_LEISURE,
    AT_ONCE,
    DATABASE,
    MODELS,
    PASSWORDS,
    SOON,
    UPLOADS,
    run_in_pool,
    run_sync,
    wait_for_model,
    waiting,
)


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
    from bots.providers.api import ProviderTest
    from conversations.gaps.api import GapDraft
    from knowledge.sources.api import SourceUpload
    from tenants.api import TenantList
    from tenants.people.api import LogInView

    assert SourceUpload.thread_pool == UPLOADS
    assert {LogInView.thread_pool, TenantList.thread_pool} == {PASSWORDS}
    assert {GapDraft.thread_pool, ProviderTest.thread_pool} == {MODELS}


async def test_as_many_as_like_wait_for_models_that_want_the_database_themselves(threads):
    async def answer() -> str:
        return await run_sync(lambda: "answered")

    all_at_once = (run_in_pool(MODELS, wait_for_model, answer) for _ in range(5))
    assert await asyncio.wait_for(asyncio.gather(*all_at_once), 60) == ["answered"] * 5
    with pytest.raises(RuntimeError):
        await run_in_pool(DATABASE, wait_for_model, answer)


class Crowd:
    """Callers of which one after the other gets the one thread that there is."""

    def __init__(self) -> None:
        self.served: list[str] = []
        self.begun = threading.Event()  # a thread has taken somebody up
        self._released, self._tasks = threading.Event(), []

    async def come(self, name: str, seconds: float | None = None) -> asyncio.Task[None]:
        with waiting(SOON if seconds is None else seconds):
            self._tasks.append(asyncio.create_task(run_sync(self._serve, name)))
        await asyncio.sleep(0)
        return self._tasks[-1]

    async def go(self) -> list[str]:
        self._released.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return self.served

    def _serve(self, name: str) -> None:
        self.begun.set()
        self._released.wait(30)
        self.served.append(name)


@pytest.fixture
def crowd(settings, threads):
    settings.DATABASE_THREADS = 1
    return Crowd()


async def test_what_has_begun_goes_on_first_and_what_nobody_reads_comes_last(crowd):
    await crowd.come("who is served")
    await crowd.come("an answer to be stored", AT_LEISURE)
    await crowd.come("a new question")
    await crowd.come("another new question")
    await crowd.come("a search of a turn", AT_ONCE)
    assert await crowd.go() == [
        "who is served", "a search of a turn", "a new question", "another new question", "an answer to be stored",
    ]  # fmt: skip


async def test_who_is_patient_is_not_forgotten(crowd, monkeypatch):
    now = 100.0
    monkeypatch.setattr(database, "monotonic", lambda: now)
    await crowd.come("who is served")
    await crowd.come("an answer to be stored", AT_LEISURE)
    now += AT_LEISURE
    await crowd.come("a new question")
    await crowd.come("a search of a turn", AT_ONCE)
    assert (await crowd.go())[1] == "an answer to be stored"


async def test_who_goes_away_while_waiting_gives_the_place_to_the_next(crowd):
    await crowd.come("who is served")
    gone, _ = await crowd.come("who goes away"), await crowd.come("who stays")
    gone.cancel()
    assert await crowd.go() == ["who is served", "who stays"]
    assert await asyncio.wait_for(run_sync(lambda: "a place is free"), 30) == "a place is free"


async def test_who_goes_away_while_served_leaves_the_place_when_the_thread_has_ended(crowd):
    served = await crowd.come("who is served")
    assert await asyncio.to_thread(
        crowd.begun.wait, 30
    )  # before that there would be no thread to wait for
    await crowd.come("who waits")
    served.cancel()
    await asyncio.wait([served])
    await crowd.come("who asks for less", AT_ONCE)
    assert await crowd.go() == ["who is served", "who asks for less", "who waits"]
    assert await asyncio.wait_for(run_sync(lambda: "a place is free"), 30) == "a place is free"


async def test_who_goes_away_in_the_moment_of_being_called_leaves_the_place():
    line = database._Line(1)
    await line.stand(0.0)
    called = asyncio.create_task(line.stand(0.0))
    await asyncio.sleep(0)
    line.leave()
    called.cancel()
    with pytest.raises(asyncio.CancelledError):
        await called
    await asyncio.wait_for(line.stand(0.0), 30)
