"""A port that several web processes share: how they take connections from it, and how one of them leaves.

They listen on one socket. Twisted takes up to a hundred connections at a wake-up, so of a burst one process got nearly
all: of 80 connections to four processes the fullest had 79, 76, 61, 44 and 33 in five tries, each costing its process
5 ms. With one at a wake-up it had 20 to 28, as with a socket for each process (SO_REUSEPORT, which loses those that
wait at a process that ends), and who is busy leaves the next one to the others.

Told to leave (SIGHUP), a process takes no more connections, and goes on serving those it has. New questions on them are
taken too, since nobody is to be refused; each answer closes its connection, and idle ones are closed after
IDLE_SECONDS, which is longer than programs commonly keep them for another request. Idle WebSockets are sent away, busy
ones when their answer is complete. When nobody is left, and no turn runs whose reader went away, the process ends.
`/health` says 200 until then, because who asks there has kept a connection, and the port is well.
"""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakSet

from twisted.internet import tcp
from twisted.internet.protocol import connectionDone
from twisted.web.http import HTTPChannel

IDLE_SECONDS: Final = 6.0
_open: WeakSet[KnownChannel] = WeakSet()


class KnownChannel(HTTPChannel):
    """A connection that can be looked for when the process leaves."""

    def connectionMade(self) -> None:
        _open.add(self)
        super().connectionMade()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        _open.discard(self)
        super().connectionLost(reason)

    def become_socket(self) -> None:
        """What comes over the connection is a WebSocket's from now on. This object goes with some later garbage
        collection, or never, where what a process had loaded was frozen meanwhile.
        """
        _open.discard(self)

    def close_when_idle(self) -> None:
        """Close it once nothing was asked for IDLE_SECONDS."""
        if self.requests:
            self._savedTimeOut = IDLE_SECONDS
        else:
            self.setTimeout(IDLE_SECONDS)


def close_idle_connections() -> None:
    for channel in list(_open):
        channel.close_when_idle()


def count_connections() -> int:
    """How many HTTP connections are open; one that became a WebSocket is none any more."""
    return sum(channel.transport is not None for channel in list(_open))


def take_one_at_a_time() -> None:
    """Have each listening socket of this process give up one connection at a wake-up."""
    # Twisted adapts the number by itself, so setting it would not last.
    port: Any = tcp.Port
    port.numberAccepts = property(lambda _: 1, lambda _, number: None)


def stop_accepting() -> None:
    """Take no more connections. A socket that others listen on as well stays open, with who waits there."""
    import twisted.internet.reactor

    reactor: Any = twisted.internet.reactor
    for reader in list(reactor.getReaders()):
        if isinstance(reader, tcp.Port):
            reader.stopListening()
