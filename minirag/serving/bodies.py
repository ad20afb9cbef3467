"""Bodies while they arrive: counted, spooled to a file, and the long ones let in or refused at their head."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import RequestAborted

from minirag.lib.errors import ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.reading import BodyTooLarge
from minirag.lib.http_in.request_ids import choose_request_id
from minirag.lib.http_in.rest import explain_error

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_WRITE_BYTES = 256 * 1024


class BodyTooSlow(ProductError):
    """The body did not come in the time that it may take."""

    status, code, retryable = 408, "request_timeout", True

    def __init__(self) -> None:
        super().__init__("The request body did not arrive in time.")


class IncomingBody:
    """ASGI's `receive` for a body of at most `limit()` bytes, which has to be here within BODY_SECONDS.

    What exceeds either is answered at once, and the application is told that its client has gone.
    """

    def __init__(
        self, receive: Receive, send: Send, limit: Callable[[], int], arrival: Arrival
    ) -> None:
        self._receive, self._send, self._limit, self._arrival = receive, send, limit, arrival
        self._ahead: list[Message] = []
        self._seen, self._allowed, self._has_ended = 0, -1, False
        self._at_end: Callable[[], None] = _nothing
        self._deadline = asyncio.get_running_loop().time() + settings.BODY_SECONDS

    def call_at_end(self, callback: Callable[[], None]) -> None:
        """Call back once nothing more of the body will come."""
        self._at_end = callback

    async def look_ahead(self, size: int) -> bool:
        """Read until the body is longer than `size`, and say whether it is; `receive` returns what was read first."""
        while not self._has_ended and self._seen <= size:
            self._ahead.append(await self._receive_one())
        return self._seen > size

    async def receive(self) -> Message:
        return self._ahead.pop(0) if self._ahead else await self._receive_one()

    async def _receive_one(self) -> Message:
        if self._has_ended:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            return await self._give_up(BodyTooSlow())
        if piece := len(message.get("body", b"")):
            self._seen += piece
            self._allowed = self._limit() if self._allowed < 0 else self._allowed
            if self._seen > self._allowed:
                return await self._give_up(BodyTooLarge(self._allowed))
        if not message.get("more_body", False):
            self._end()
        return message

    async def _give_up(self, error: ProductError) -> Message:
        self._end()
        await send_error(self._send, error, self._arrival)
        return {"type": "http.disconnect"}

    def _end(self) -> None:
        self._has_ended = True
        self._at_end()


def _nothing() -> None:
    """What happens at a body's end where nobody waits for it."""


async def send_error(send: Send, error: Exception, arrival: Arrival) -> None:
    """Answer a request that no view has seen."""
    request_id = choose_request_id(arrival.headers.get("x-request-id", ""))
    status, payload, headers = explain_error(error, request_id, arrival.path)
    body = json.dumps(payload).encode()
    headers |= {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Request-ID": request_id,
    }
    await _send_all(send, status, headers, body)


async def send_redirect(send: Send, location: str) -> None:
    """Redirect a client without having read what it sends."""
    await _send_all(send, 302, {"Location": location, "Content-Length": "0"}, b"")


async def _send_all(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def spool_body(receive: Receive) -> Any:
    """Read a body into a file of its own, which is kept in memory while it is short; the disk is written off the loop.

    Raises RequestAborted when the client goes away.
    """
    spool = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - the request closes it
        max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE, mode="w+b", dir=settings.FILE_UPLOAD_TEMP_DIR
    )
    write = sync_to_async(spool.write, thread_sensitive=False)
    waiting, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            spool.close()
            raise RequestAborted
        waiting.append(message.get("body", b""))
        size += len(waiting[-1])
        is_last = not message.get("more_body", False)
        if is_last or size >= _WRITE_BYTES:
            is_short = spool.tell() + size <= settings.FILE_UPLOAD_MAX_MEMORY_SIZE
            data = b"".join(waiting)
            if is_short:
                spool.write(data)
            else:
                await write(data)
            waiting, size = [], 0
        if is_last:
            spool.seek(0)
            return spool
