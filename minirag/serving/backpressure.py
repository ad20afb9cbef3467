"""Makes Daphne wait for slow readers, and for a slow application: nothing long must pile up in the web process.

Daphne writes whatever an application sends into Twisted's buffer and lets it go on at once, so an export of a gigabyte
to a slow reader would be a gigabyte of ours. Twisted can tell when its buffer is full, to what registers as a
producer with the request; Daphne does not, so this does. Servers that wait by themselves are left alone.

What is written is sent there and then. Twisted would have the kernel tell when there is room, and send it in the loop's
next round: two more calls to the kernel for each word of a stream, and there nearly always is room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.abstract import FileDescriptor

from minirag.lib.sse import Feed

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]


def connection_of(send: Send) -> Any:
    """Return Daphne's request behind a `send`; None under another server, which waits by itself."""
    # Daphne's `send` is partial(Server.handle_reply, <the Twisted request>): the only way from here to its connection.
    request = next(iter(getattr(send, "args", ())), None)
    return request if hasattr(request, "registerProducer") else None


def pace_sending(send: Send, connection: Any) -> Send:
    """Return a `send` that returns once there is room for more; without a connection, `send` itself."""
    return send if connection is None else PacedSend(send, connection)


def pace_receiving(receive: Receive, connection: Any) -> Receive:
    """Return a `receive` that tells the connection (`minirag.serving.daphne`) what was taken, so that it reads on."""
    if not hasattr(connection, "piece_was_taken"):
        return receive

    async def receive_piece() -> Message:
        connection.body_is_wanted()
        message = await receive()
        if piece := message.get("body"):
            connection.piece_was_taken(len(piece))
        return message

    return receive_piece


@contextmanager
def sending_at_once(channel: Any) -> Iterator[None]:
    """Send what is written within, as far as there is room; Twisted has the rest."""
    transport = getattr(channel, "transport", None)
    # An answer's end may have Twisted read the next request, which may be refused on the spot: within this, then.
    if not isinstance(transport, FileDescriptor) or "startWriting" in vars(transport):
        yield
        return
    wanted: list[bool] = []
    transport.startWriting = lambda: wanted.append(True)  # type: ignore[method-assign]
    try:
        yield
    finally:
        del transport.startWriting
        # What goes wrong goes wrong again when Twisted tries, and it knows what to do then.
        if wanted and (transport.doWrite() is not None or transport.dataBuffer):
            transport.startWriting()


def send_piece(request: Any, piece: bytes) -> None:
    """Have a request send a piece of its body, which has begun, and by the shortest way where nothing else waits.

    Daphne's and Twisted's way to the kernel and back took as long as the kernel does.
    """
    channel = request.channel
    line = getattr(channel, "transport", None)
    if (
        request.finished
        or not getattr(request, "chunked", False)
        or not isinstance(line, FileDescriptor)
        or line.dataBuffer
        or line._tempDataBuffer
        or not line.connected
        or line.disconnecting
    ):
        request.handle_reply({"type": "http.response.body", "body": piece, "more_body": True})
        return
    framed = b"%x\r\n%b\r\n" % (len(piece), piece)
    request.sentLength += len(piece)
    sent = line.writeSomeData(framed)
    # What goes wrong goes wrong again when Twisted tries, and it knows what to do then.
    rest = framed[sent:] if isinstance(sent, int) else framed
    if rest:
        line.write(rest)


class Pushing:
    """Sends what a feed has when it has it, in the step of whoever has news, as long as there is room.

    A task that is woken for each word and hands it through a chain of generators took a tenth of all that is done for
    one. `is_halted`: there is no room, or nothing comes any more, or it failed.
    """

    def __init__(self, feed: Feed, request: Any, room: asyncio.Event) -> None:
        self._feed, self._request, self._room = feed, request, room
        self.is_halted = asyncio.Event()
        self._is_over = False
        self._failure: Exception | None = None

    @property
    def is_over(self) -> bool:
        """Raises what it failed with."""
        if self._failure is not None:
            raise self._failure
        return self._is_over

    def go_on(self) -> None:
        """Never raises: who has news is not to blame."""
        try:
            is_waiting = not self._is_over and self._send()
        except Exception as error:  # noqa: BLE001 - the edge to the client; raised by `is_over`
            self._failure, is_waiting = error, False
        if not is_waiting:
            self.is_halted.set()

    def leave(self) -> None:
        self._is_over = True

    def _send(self) -> bool:
        """Return whether more will come by itself."""
        while self._room.is_set():
            block = self._feed.take()
            if block is None:
                self._is_over = True
                return False
            if not block:
                self._feed.when_more(self.go_on)
                return True
            send_piece(self._request, block)
        return False


class PacedSend:
    """Twisted's IPushProducer for one answer: told to pause and to resume, it keeps `send` waiting."""

    def __init__(self, send: Send, request: Any) -> None:
        self._send, self._request = send, request
        self._room = asyncio.Event()
        self._room.set()
        self._is_registered = False

    async def push(self, feed: Feed) -> None:
        """Send the pieces of a body from where they come from; return when there are no more."""
        self._register()
        pushing = Pushing(feed, self._request, self._room)
        try:
            while not pushing.is_over:
                await self._room.wait()
                pushing.is_halted.clear()
                pushing.go_on()
                await pushing.is_halted.wait()
        finally:
            pushing.leave()

    async def __call__(self, message: Message) -> None:
        has_more = message["type"] == "http.response.body" and message.get("more_body", False)
        if has_more:
            self._register()
        elif self._is_registered and self._is_connected():
            self._request.unregisterProducer()
            self._is_registered = False
        await self._send(message)
        if has_more:
            await self._room.wait()

    def _register(self) -> None:
        if not self._is_registered and self._is_connected():
            self._request.registerProducer(self, True)
            self._is_registered = True

    def _is_connected(self) -> bool:
        return self._request.channel is not None and not self._request.finished

    def pauseProducing(self) -> None:
        """The buffer is full."""
        self._room.clear()

    def resumeProducing(self) -> None:
        """The buffer is empty."""
        self._room.set()

    def stopProducing(self) -> None:
        """The connection is gone: what is sent from now on is dropped, and nobody need wait for it."""
        self._room.set()
