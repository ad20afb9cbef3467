"""A widget's socket for one frame over HTTP, where a proxy lets no WebSocket through.

The socket's own application runs behind the request, so what counts there counts here: the session, the limits, the
turn that goes on by itself. A request authenticates, has one frame taken, and its answer carries what is told until
the turn that is read has ended. Nothing is kept between two requests, and each may come to another process.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from contextvars import copy_context
from typing import Any, Final

from conversations.widget.consumers import ChatConsumer
from minirag.lib.errors import ProductError, TooManyRequests
from minirag.lib.open_sockets import CLOSE_TOO_MANY
from minirag.lib.starting.readiness import ServerStopping
from tenants.context import tenant_context

Frame = dict[str, Any]
_END: Final = None


class FetchedConsumer(ChatConsumer):
    """The socket's consumer, whose frames are handed on as they are."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self.exchange = exchange

    async def send_json(self, content: Frame, close: bool = False) -> None:
        self.exchange.told.put_nowait(content)

    async def send_error(self, error: ProductError, request_id: str) -> None:
        """Before all frames are taken it is the request that is refused."""
        if self.exchange.taken.is_set():
            await super().send_error(error, request_id)
        elif self.exchange.refusal is None:
            self.exchange.refusal = error


class Exchange:
    """One request: `open` it, then read its `frames`; in any case `close` it."""

    def __init__(
        self, scope: dict[str, Any], frames: list[Frame], *, listen_seconds: float
    ) -> None:
        self.told: asyncio.Queue[Frame | None] = asyncio.Queue()
        self.taken = asyncio.Event()  # all frames are
        self.refusal: ProductError | None = None
        self._listen_seconds = listen_seconds
        self._leaving = asyncio.Event()
        self._waiting: list[dict[str, Any]] = [
            {"type": "websocket.connect"},
            *({"type": "websocket.receive", "text": json.dumps(frame)} for frame in frames),
        ]
        self._consumer = FetchedConsumer(self)
        serving = self._consumer(scope, self._receive, self._send)
        with tenant_context(None):  # whose it is the session says, as over a socket
            self._serving = asyncio.get_running_loop().create_task(serving, context=copy_context())
        self._serving.add_done_callback(lambda _: self._end())
        self._watching: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Have the frames taken. Raises what refuses one."""
        await self.taken.wait()
        if self.refusal is not None:
            raise self.refusal
        self._watching = asyncio.get_running_loop().create_task(self._leave_at_the_end())

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """Yield what is told, to the end of the turn that is read, if one is."""
        while (frame := await self.told.get()) is not _END:
            yield frame

    async def close(self) -> None:
        """Leave; a turn goes on."""
        self._leaving.set()
        if self._watching:
            self._watching.cancel()
        await asyncio.wait({self._serving})

    async def _leave_at_the_end(self) -> None:
        if reader := self._consumer.reader:
            await asyncio.wait({reader})
        elif self._listen_seconds:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), self._listen_seconds)
        self._leaving.set()

    async def _receive(self) -> dict[str, Any]:
        if self._waiting and self.refusal is None:
            return self._waiting.pop(0)
        self.taken.set()
        await self._leaving.wait()
        return {"type": "websocket.disconnect", "code": 1000}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            if not self.taken.is_set() and self.refusal is None:
                too_many = message.get("code") == CLOSE_TOO_MANY
                self.refusal = (
                    TooManyRequests("Too many connections.") if too_many else ServerStopping()
                )
            self._leaving.set()

    def _end(self) -> None:
        self.taken.set()
        self.told.put_nowait(_END)
