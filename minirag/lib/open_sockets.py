"""The sockets that this process has open: counted, bounded by where they come from, and sent away when it stops.

How many one network has is counted over all processes (see `minirag.lib.security.socket_places`).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from minirag.lib.errors import BadInput
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.reading import network_of
from minirag.lib.metrics import counted
from minirag.lib.security.socket_places import places
from minirag.lib.starting.readiness import is_leaving
from minirag.lib.strict_json import InvalidJSON, UnstorableText, parse_json

KNOWN_WITHIN_SECONDS: Final = 10.0
CLOSE_UNAUTHENTICATED: Final = 4401
CLOSE_TOO_MANY: Final = 4429
CLOSE_RESTARTING: Final = 4503
"""Connect again, to another process (Daphne cannot send 1012, which is meant for this)."""


class OpenSocket(Protocol):
    def leave_when_idle(self) -> None: ...


_open: WeakKeyDictionary[OpenSocket, tuple[str, str]] = WeakKeyDictionary()
"""Each with its network and its place there."""


async def note_socket(socket: OpenSocket, address: str) -> bool:
    """Note an open socket; False, and nothing, where its network has too many."""
    network = network_of(address)
    place = await places().take(network)
    if place is None:
        return False
    _open[socket] = network, place
    counted.note_sockets(+1)
    return True


async def forget_socket(socket: OpenSocket) -> None:
    if (held := _open.pop(socket, None)) is not None:
        counted.note_sockets(-1)
        await places().give_back(*held)


def count_sockets() -> int:
    """How many sockets this process has open."""
    return len(_open)


def send_sockets_away() -> None:
    """Close the sockets of a process that stops, so that widgets connect elsewhere: now, or when their turn ends."""
    for socket in list(_open):
        socket.leave_when_idle()


class SocketConsumer(AsyncJsonWebsocketConsumer):
    """A socket of JSON frames that says soon who it is, and leaves database connections alone.

    `run_sync` gives back those that it took.
    """

    deadline: asyncio.TimerHandle | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve it, and forget it however it ends: one that fails or is cancelled is told of no disconnection."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.keep_open()
            await forget_socket(self)

    async def connect(self) -> None:
        await self.accept()
        has_place = await note_socket(self, Arrival.of_scope(self.scope).address)
        if is_leaving():
            await self.close(CLOSE_RESTARTING)
        elif not has_place:
            await self.close(CLOSE_TOO_MANY)
        else:
            self.deadline = asyncio.get_running_loop().call_later(
                KNOWN_WITHIN_SECONDS,
                lambda: asyncio.ensure_future(self.close(CLOSE_UNAUTHENTICATED)),
            )

    def keep_open(self) -> None:
        """It has said who it is, or is gone."""
        if self.deadline:
            self.deadline.cancel()

    def leave_when_idle(self) -> None:
        """Close the socket of a process that stops."""
        self.leaving = asyncio.ensure_future(self.close(CLOSE_RESTARTING))

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand a message on without the base class's hop to close database connections.

        That hop goes through the one thread all sockets share, so one slow call would stall them all.
        """
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        await self.disconnect(message["code"])
        raise StopConsumer


def read_frame(text: str | None, *, longest: int = 16 * 1024) -> dict[str, Any]:
    """Read what came as a frame. Raises BadInput (`frame_invalid`) for what is none."""
    invalid = BadInput("A frame is a JSON object in text.", code="frame_invalid")
    if text is None or len(text) > longest:
        raise invalid
    try:
        frame = parse_json(text.encode())
    except (InvalidJSON, UnstorableText, UnicodeEncodeError):
        raise invalid from None
    if not isinstance(frame, dict):
        raise invalid
    return frame
