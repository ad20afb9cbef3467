"""`POST /v1/widget/frames`: the widget's channel where no WebSocket gets through. See `consumers`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from conversations.fetching.consumers import Exchange
from conversations.fetching.schemas import FRAMES, FetchBody
from conversations.following.api import read_last_number
from minirag.lib.http_in.doors import Door
from minirag.lib.http_in.ignored import tell_ignored
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import on_loop, read_body_async
from minirag.lib.sse import encode_event, stream_events

_ASKED = {
    "session_token": "eyJhbGciOi…",
    "frame": {"type": "question", "message": "When are you open?"},
}


@describe(
    "Send a widget's frame", method="POST", public=True, body=FetchBody, answers={200: FRAMES},
    description="What the WebSocket does, one frame at a time, for widgets that it does not reach. A `resume` goes on "
    "behind `Last-Event-ID`, where that is sent.",
    errors={
        401: "The session has ended or is not valid.", 404: "No such turn, chat or message of this visitor.",
        409: "The tenant is not active, or nobody is there.", 429: "Too many frames or questions.",
        503: "Try again later.",
    },
    example=_ASKED,
)  # fmt: skip
@on_loop("POST", Door(any_origin=True))
async def widget_frames(request: HttpRequest) -> HttpResponseBase:
    """Take one frame, and answer with what the socket would tell, to the end of the turn."""
    body = await read_body_async(FetchBody, request)
    asked = body.model_dump(mode="json", exclude_unset=True)
    frame, listen_seconds = asked.pop("frame", None), asked.pop("listen_seconds", 0)
    frames = [{**asked, "type": "authenticate"}]
    if frame is not None:
        last = request.META.get("HTTP_LAST_EVENT_ID")
        if frame.get("type") == "resume" and last is not None:
            frame["after"] = read_last_number(last, 0)
        frames.append(frame)
    exchange = Exchange(_scope_of(request), frames, listen_seconds=listen_seconds)
    try:
        await exchange.open()
    except BaseException:
        await exchange.close()
        raise
    response = stream_events(_write(exchange))
    tell_ignored(request, response)
    return response


def _scope_of(request: HttpRequest) -> dict[str, Any]:
    """The request's head as that of the socket which the page would rather have opened."""
    headers = [
        (name.lower().encode(), value.encode("latin-1")) for name, value in request.headers.items()
    ]
    return {
        "type": "websocket", "path": request.path, "root_path": request.META.get("SCRIPT_NAME", ""),
        "headers": headers, "scheme": "wss" if request.is_secure() else "ws",
        "client": (request.META.get("REMOTE_ADDR", ""), 0),
        "server": (request.META.get("SERVER_NAME", ""), request.META.get("SERVER_PORT", "")),
    }  # fmt: skip


async def _write(exchange: Exchange) -> AsyncIterator[bytes]:
    try:
        async for frame in exchange.frames():
            yield encode_event(frame, number=frame.get("number"))
    finally:
        await exchange.close()
