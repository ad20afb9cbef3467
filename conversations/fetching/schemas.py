"""A widget's frames over HTTP, on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from conversations.widget.schemas import AuthenticateFrame
from minirag.lib.http_in.openapi import Media

LONGEST_LISTENING = 30

FRAMES = Media(
    "text/event-stream",
    "The frames that the socket would have sent, as `data`; those of a turn have their number as `id`.",
    'data: {"type": "authenticated", "chat_id": null}\n\n'
    'id: 1\ndata: {"type": "delta", "number": 1, "content": "Open from 9 to 17. [1]"}\n\n',
)


class FetchBody(AuthenticateFrame):
    """What the socket's first frame says, and one frame more."""

    frame: Annotated[
        dict[str, Any] | None, Field(description="A frame as the WebSocket takes them.")
    ] = None
    listen_seconds: Annotated[
        int,
        Field(ge=0, le=LONGEST_LISTENING, description="How long to wait for what people say."),
    ] = 0
