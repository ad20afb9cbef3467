"""Waits that follow each other are bounded as by asyncio.timeout, with one timer for all of them."""

from __future__ import annotations

import asyncio

import pytest

from minirag.ai.hearing import Clock, Wait


@pytest.fixture
def timers(monkeypatch):
    """For how many seconds timers were set."""
    made, call_at = [], asyncio.base_events.BaseEventLoop.call_at

    def note(self, when, *args, **options):
        made.append(when - self.time())
        return call_at(self, when, *args, **options)

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "call_at", note)
    return made


async def test_what_takes_too_long_is_ended_and_the_next_block_has_its_own_time():
    wait = Wait()
    for _ in range(2):
        with pytest.raises(TimeoutError), wait.of(0.01):
            await asyncio.sleep(5)
    assert asyncio.current_task().cancelling() == 0
    with wait.of(5):
        await asyncio.sleep(0)
    wait.forget()


async def test_many_blocks_need_one_timer(timers):
    wait = Wait()
    for _ in range(100):
        with wait.of(30):
            pass
    assert len(timers) == 1
    wait.forget()


async def test_a_timer_of_an_earlier_block_ends_no_later_one_and_nothing_in_between(timers):
    wait = Wait()
    with wait.of(0.02):
        pass
    await asyncio.sleep(0.03)  # it strikes while nobody is in a block
    with wait.of(0.02):
        pass
    with wait.of(5):
        await asyncio.sleep(0.05)  # it strikes, and this one has more time
    with pytest.raises(TimeoutError), wait.of(0.01):  # less than is left of that one
        await asyncio.sleep(5)


async def test_who_is_cancelled_by_somebody_else_has_not_run_out_of_time():
    async def read():
        with Wait().of(5):
            await asyncio.sleep(5)

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_as_the_time_is_up_stays_cancelled():
    wait = Wait()

    async def read():
        with wait.of(0.01):
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                asyncio.current_task().cancel()
                raise

    task = asyncio.create_task(read())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_fails_fails_as_it_did():
    with pytest.raises(ZeroDivisionError), Wait().of(5):
        raise ZeroDivisionError


async def test_no_block_of_a_request_outlasts_the_request():
    clock = Clock(0.01)
    with pytest.raises(TimeoutError), clock.limit(60):
        await asyncio.sleep(5)
    clock.rest()
