"""Pacing of token streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")

COALESCE_SECONDS = 0.02  # a frame per token costs more than the token; nobody sees 20 ms


async def coalesce(
    stream: AsyncIterator[str | T], seconds: float = COALESCE_SECONDS
) -> AsyncGenerator[str | T, None]:
    """Join the strings of `stream` that arrive within `seconds`; everything else passes in order.

    The first string passes at once, and none waits longer than `seconds`. Closing this cancels `stream`; what it
    fails with is raised after all that came before. One task reads ahead for the whole stream: a task per token
    cost as much as everything else that is done for one.
    """
    arrived: list[str | T] = []
    news = asyncio.Event()
    reader = asyncio.ensure_future(_read_ahead(stream, arrived, news))
    due = 0.0
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
