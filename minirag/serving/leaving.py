"""How a web process leaves a socket that others listen on as well: the way of a rolling restart.

Told to leave (SIGHUP), it takes no more connections, and goes on serving those it has. New questions on them are taken
too, since nobody is to be refused; each answer closes its connection, and idle ones are closed after IDLE_SECONDS,
which is longer than programs commonly keep them for another request. Idle WebSockets are sent away, busy ones when
their answer is complete. When nobody is left, and no turn runs whose reader went away, the process ends. `/health`
says 200 until then, because who asks there has kept a connection, and the port is well.
"""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakSet

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
