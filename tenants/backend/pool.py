"""psycopg's connection pool, made to notice at once that the server went away and that it is back.

The pool tries to reconnect after 1, 2, 4, 8, 16 … seconds and checks the connections it still holds with the same
pauses between them, and neither can be set. After kill -9 of PostgreSQL that was most of an outage: 15 to 30 s for a
server that was back in two. Here a lost connection is found without asking the server, a failed attempt fails those
who wait for it, and the next request makes the next attempt.
"""

from __future__ import annotations

import select
from contextlib import suppress
from time import monotonic
from typing import Any

from psycopg import Connection, OperationalError
from psycopg import Error as PostgresError
from psycopg_pool import ConnectionPool, PoolTimeout

from minirag.lib.metrics import counted
from tenants.backend.proof import shares_server_connections

_SLICE_SECONDS = 0.25
"""How long a request waits before it asks whether the attempt it waits for has failed."""

_LOOK_SECONDS = 1.0


class Pool(ConnectionPool[Connection[Any]]):
    """Bounded and lazy, as psycopg's; `getconn` raises PoolTimeout soon after the server refused a connection."""

    def __init__(self, *, kwargs: dict[str, Any], **options: Any) -> None:
        self._parameters = kwargs
        self._refused_at = self._looked_at = float("-inf")
        self._is_looked_at = self.is_direct = False
        """Whether its connections are the server's own, which no pooler lends to others in between."""
        super().__init__(
            kwargs=kwargs,
            check=None,
            reconnect_timeout=0,
            reconnect_failed=self._note_refusal,
            **options,
        )
        counted.note_pool_limit(self.max_size)

    def look(self) -> None:
        """Find out once whether it `is_direct`, by two connections: for who holds none of this pool's."""
        if self._is_looked_at:
            return
        self._is_looked_at = True  # another thread may look as well, and finds the same
        with suppress(PostgresError):  # no plans are kept then, and all else is as ever
            self.is_direct = not shares_server_connections(self._parameters)

    def getconn(self, timeout: float | None = None) -> Connection[Any]:
        """Also counted: those in use, those who wait and for how long, and now and then those that are idle."""
        started = monotonic()
        counted.note_pool("waiting", +1)
        try:
            connection = self._wait_for_one(started, timeout)
        finally:
            counted.note_pool("waiting", -1)
            counted.note_pool_wait(monotonic() - started)
        counted.note_pool("in_use", +1)
        return connection

    def putconn(self, conn: Connection[Any]) -> None:
        super().putconn(conn)
        counted.note_pool("in_use", -1)
        if (now := monotonic()) - self._looked_at > _LOOK_SECONDS:
            self._looked_at = now
            self._count_idle()

    def _shrink_pool(self) -> None:
        """What psycopg does every `max_idle`, and the only thing that happens to a pool that nobody uses."""
        super()._shrink_pool()
        self._count_idle()

    def _count_idle(self) -> None:
        counted.note_pool_idle(self.get_stats()["pool_available"])

    def _wait_for_one(self, started: float, timeout: float | None) -> Connection[Any]:
        deadline = started + (self.timeout if timeout is None else timeout)
        while True:
            left = deadline - monotonic()
            try:
                connection = super().getconn(max(0.001, min(_SLICE_SECONDS, left)))
            except PoolTimeout:
                if left <= _SLICE_SECONDS or self._refused_at >= started:
                    raise
                continue
            if is_alive(connection):
                return connection
            connection.close()
            super().putconn(connection)  # which makes the pool replace it

    def _note_refusal(self, pool: ConnectionPool[Connection[Any]]) -> None:
        self._refused_at = monotonic()


def is_alive(connection: Connection[Any]) -> bool:
    """Whether the server has not closed an idle connection. Asks the kernel only: a round trip would cost as much as
    a read, and prove no more, since a server may end between any two statements."""
    poll = select.poll()
    try:
        poll.register(connection.fileno(), select.POLLIN)
        while poll.poll(0):  # an idle server has nothing to say but its last words, and its end
            connection.pgconn.consume_input()
    except OperationalError:
        return False
    return not connection.closed
