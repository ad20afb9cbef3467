"""The sockets that this process has open: counted, bounded by where they come from, and sent away when it stops."""

from __future__ import annotations

from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from minirag.lib.http_in.reading import network_of

MOST_OF_ONE_NETWORK: Final = 1000
"""An idle socket costs memory and nothing else, so no rate bounds how many one visitor keeps."""


class OpenSocket(Protocol):
    def leave_when_idle(self) -> None: ...


_open: WeakKeyDictionary[OpenSocket, str] = WeakKeyDictionary()


def note_socket(socket: OpenSocket, address: str) -> bool:
    """Note an open socket; False, and nothing, where its network has too many."""
    network = network_of(address)
    if sum(each == network for each in _open.values()) >= MOST_OF_ONE_NETWORK:
        return False
    _open[socket] = network
    return True


def forget_socket(socket: OpenSocket) -> None:
    _open.pop(socket, None)


def count_sockets() -> int:
    """How many sockets this process has open."""
    return len(_open)


def send_sockets_away() -> None:
    """Close the sockets of a process that stops, so that widgets connect elsewhere: now, or when their turn ends."""
    for socket in list(_open):
        socket.leave_when_idle()


class SocketConsumer(AsyncJsonWebsocketConsumer):
    """A socket of JSON frames that leaves database connections alone: `run_sync` gives back those that it took."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand a message on without the base class's hop to close database connections.

        That hop goes through the one thread all sockets share, so one slow call would stall them all.
        """
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        await self.disconnect(message["code"])
        raise StopConsumer
