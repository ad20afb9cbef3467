"""Server-Sent Events, written in one place: the lines of an event, and the response that carries them.

The contract's events are two lines and an empty one, ASCII only, without an `id:`; who may come back for the rest
gets one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from django.http import StreamingHttpResponse

CONTENT_TYPE = "text/event-stream; charset=utf-8"


def encode_event(data: Any, *, name: str = "", number: int | str | None = None) -> bytes:
    """Write one event; without a name it is OpenAI's, one with a `number` can be gone on from."""
    head = f"id: {number}\n" if number is not None else ""
    head += f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode("ascii")


def encode_text(field: str, text: str, *, name: str, number: int | None = None) -> bytes:
    """`encode_event` of `{field: text}`, of which there is one for each word: by hand, in a tenth of the time."""
    head = f"id: {number}\n" if number is not None else ""
    return f'{head}event: {name}\ndata: {{"{field}": {json.dumps(text)}}}\n\n'.encode("ascii")


class Growing(Protocol):
    """What says when there is more of it."""

    def when_more(self, call: Callable[[], None]) -> None:
        """Have `call`, which may not raise, called once there is more, or nothing comes any more."""


class Feed(Growing, Protocol):
    """Events that are there to be taken, and say when there are more."""

    def take(self) -> bytes | None:
        """Return what there is now; b"" where nothing is, None when nothing comes any more."""

    def close(self) -> None:
        """Nobody takes anything any more; may be said twice."""


async def wait_for_more(growing: Growing) -> None:
    """Return once there is more, or nothing comes any more."""
    more = asyncio.Event()
    growing.when_more(more.set)
    await more.wait()


async def read_feed(feed: Feed) -> AsyncIterator[bytes]:
    """Yield what comes, to the end."""
    try:
        while (block := feed.take()) is not None:
            if block:
                yield block
                continue
            await wait_for_more(feed)
    finally:
        feed.close()


class FedResponse(StreamingHttpResponse):
    """An answer whose `feed` may be sent by whoever has news of it, with no task and no step in between.

    `feed` is None where somebody has put another content in its place. It needs no tenant to be bound.
    """

    def __init__(self, feed: Feed, **options: Any) -> None:
        self.feed: Feed | None = None
        super().__init__(read_feed(feed), **options)
        self.feed = feed
        self._resource_closers.append(feed.close)  # type: ignore[attr-defined]

    def _set_streaming_content(self, value: Any) -> None:
        super()._set_streaming_content(value)  # type: ignore[misc]
        self.feed = None


def feed_events(feed: Feed, **headers: str) -> StreamingHttpResponse:
    """`stream_events`, of what is there to be taken."""
    return _as_events(FedResponse(feed, content_type=CONTENT_TYPE), headers)


def stream_events(blocks: AsyncIterator[bytes], **headers: str) -> StreamingHttpResponse:
    """Answer with encoded events as they come; no proxy may keep them back. `X_Some_Header` names a header."""
    return _as_events(StreamingHttpResponse(blocks, content_type=CONTENT_TYPE), headers)


def _as_events(response: StreamingHttpResponse, headers: dict[str, str]) -> StreamingHttpResponse:
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response
