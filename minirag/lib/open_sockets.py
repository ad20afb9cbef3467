"""The sockets that this process has open: counted, bounded by where they come from, and sent away when it stops."""

from __future__ import annotations

from typing import Final, Protocol
from weakref import WeakKeyDictionary

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
