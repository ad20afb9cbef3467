"""Server-Sent Events, written in one place: the lines of an event, and the response that carries them.

The contract's events are two lines and an empty one, ASCII only, without an `id:`; who may come back for the rest
gets one.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from django.http import StreamingHttpResponse

CONTENT_TYPE = "text/event-stream; charset=utf-8"


def encode_event(data: Any, *, name: str = "", number: int | str | None = None) -> bytes:
    """Write one event; without a name it is OpenAI's, one with a `number` can be gone on from."""
    head = f"id: {number}\n" if number is not None else ""
    head += f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode("ascii")


def stream_events(blocks: AsyncIterator[bytes], **headers: str) -> StreamingHttpResponse:
    """Answer with encoded events as they come; no proxy may keep them back. `X_Some_Header` names a header."""
    response = StreamingHttpResponse(blocks, content_type=CONTENT_TYPE)
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response
