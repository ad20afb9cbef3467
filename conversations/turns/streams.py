"""Pacing of token streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")

COALESCE_SECONDS = 0.02  # a frame per token costs more than the token; nobody sees 20 ms


async def coalesce(
    stream: AsyncGenerator[str | T, None], seconds: float = COALESCE_SECONDS
) -> AsyncGenerator[str | T, None]:
    """Join the strings of `stream` that arrive within `seconds`; everything else passes in order.

    The first string passes at once, and none waits longer than `seconds`. Closing this closes `stream`; what it
    fails with is raised after all that came before.

    What comes no faster than that is passed on as it is taken. Where it does, a task reads ahead from then on: waking
    a second task for each token cost as much as half of what is done for one.
    """
    due = 0.0
    async with aclosing(stream):
        async for item in stream:
            if isinstance(item, str) and time.monotonic() < due:
                async with aclosing(_join_ahead(stream, item, due, seconds)) as joined:
                    async for each in joined:
                        yield each
                return
            yield item
            due = time.monotonic() + seconds


async def _join_ahead(
    stream: AsyncGenerator[str | T, None], first: str | T, due: float, seconds: float
) -> AsyncGenerator[str | T, None]:
    """`coalesce` from `first` on, with one task that reads the rest of the stream."""
    arrived, news = [first], asyncio.Event()
    news.set()
    reader = asyncio.ensure_future(_read_ahead(stream, arrived, news))
    await asyncio.sleep(0)  # what is there already is read
    try:
        while True:
            await news.wait()
            news.clear()
            if (early := due - time.monotonic()) > 0 and not reader.done():
                await asyncio.sleep(early)
            batch, arrived[:] = list(arrived), []
            for item in join_strings(batch):
                yield item
            due = time.monotonic() + seconds
            if not arrived and reader.done():
                await reader  # raises what it failed with
                return
    finally:
        reader.cancel()  # a finished one does not mind
        await asyncio.wait({reader})
        if not reader.cancelled():
            reader.exception()  # raised above, or nobody waits for it any more: either way it was looked at


async def _read_ahead(stream: AsyncIterator[T], arrived: list[T], news: asyncio.Event) -> None:
    try:
        async for item in stream:
            arrived.append(item)
            news.set()
    finally:
        news.set()


def join_strings(items: list[str | T]) -> list[str | T]:
    """Join each run of neighbouring strings into one; the rest stays as it is."""
    joined: list[str | T] = []
    for item in items:
        if isinstance(item, str) and joined and isinstance(joined[-1], str):
            joined[-1] += item
        else:
            joined.append(item)
    return joined
