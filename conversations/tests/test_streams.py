"""Tokens are joined to frames without being held, lost or reordered."""

import asyncio

import pytest

from conversations.turns.streams import coalesce


async def pieces(*items):
    for item in items:
        if isinstance(item, float):
            await asyncio.sleep(item)
        elif isinstance(item, Exception):
            raise item
        else:
            yield item


async def collect(stream):
    return [item async for item in stream]


async def test_the_first_piece_passes_at_once_and_a_burst_is_joined():
    frames = await collect(coalesce(pieces("a", 0.005, "b", "c", 0.005, "d"), seconds=1.0))
    assert frames[0] == "a" and "".join(frames) == "abcd" and len(frames) <= 3


async def test_a_held_piece_does_not_wait_for_a_slow_one():
    seen, slow_one = [], asyncio.Event()

    async def slow():
        yield "a"
        yield "b"
        await slow_one.wait()
        yield "c"

    async def watch():
        async for frame in coalesce(slow(), seconds=0.02):
            seen.append(frame)

    task = asyncio.create_task(watch())
    while "".join(seen) != "ab":
        await asyncio.sleep(0.01)
    slow_one.set()
    await task
    assert "".join(seen) == "abc"


async def test_other_items_keep_their_place():
    frames = await collect(coalesce(pieces("a", "b", "c", 7, "d", "e", 8), seconds=1.0))
    assert frames == ["a", "bc", 7, "de", 8]


async def test_what_came_before_a_failure_is_passed_on():
    seen = []
    with pytest.raises(ValueError, match="cut"):
        async for frame in coalesce(pieces("a", "b", ValueError("cut")), seconds=1.0):
            seen.append(frame)
    assert "".join(seen) == "ab"


async def test_closing_it_closes_the_source():
    closed = []

    async def source():
        try:
            while True:
                yield "x"
                await asyncio.sleep(0.01)
        finally:
            closed.append(True)

    stream = coalesce(source(), seconds=0.0)
    await anext(stream)
    await stream.aclose()
    assert closed == [True]
