"""Pacing of token streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

COALESCE_SECONDS = 0.02  # a frame per token costs more than the token; nobody sees 20 ms


async def coalesce(
    stream: AsyncIterator[str | T], seconds: float = COALESCE_SECONDS
) -> AsyncGenerator[str | T, None]:
    """Join the strings of `stream` that arrive within `seconds`; everything else passes in order.

    The first string passes at once, and none waits longer than `seconds` for the next.
    """
    held, due = "", 0.0
    step = asyncio.ensure_future(anext(stream))
    try:
        while True:
            timeout = max(0.0, due - time.monotonic()) if held else None
            done, _ = await asyncio.wait({step}, timeout=timeout)
            if not done:
                yield held
                held, due = "", time.monotonic() + seconds
                continue
            if (failure := step.exception()) is not None:
                if held:
                    yield held
                if isinstance(failure, StopAsyncIteration):
                    return
                raise failure
            item = step.result()
            step = asyncio.ensure_future(anext(stream))
            if isinstance(item, str):
                held += item
                if time.monotonic() < due:
                    continue
                yield held
                held, due = "", time.monotonic() + seconds
                await asyncio.sleep(0)  # or a server would not flush between two writes
                continue
            if held:
                yield held
                held = ""
            yield item
    finally:
        if not step.done():
            step.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await step
