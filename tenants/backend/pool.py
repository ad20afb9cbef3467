"""psycopg's connection pool, made to notice at once that the server went away and that it is back.

The pool tries to reconnect after 1, 2, 4, 8, 16 … seconds and checks the connections it still holds with the same
pauses between them, and neither can be set. After kill -9 of PostgreSQL that was most of an outage: 15 to 30 s for a
server that was back in two. Here a lost connection is found without asking the server, a failed attempt fails those
who wait for it, and the next request makes the next attempt.
"""

from __future__ import annotations

import select
from time import monotonic
from typing import Any

from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool, PoolTimeout

_SLICE_SECONDS = 0.25
"""How long a request waits before it asks whether the attempt it waits for has failed."""


class Pool(ConnectionPool[Connection[Any]]):
    """Bounded and lazy, as psycopg's; `getconn` raises PoolTimeout soon after the server refused a connection."""

    def __init__(self, **options: Any) -> None:
        self._refused_at = float("-inf")
        super().__init__(
            check=None, reconnect_timeout=0, reconnect_failed=self._note_refusal, **options
        )

    def getconn(self, timeout: float | None = None) -> Connection[Any]:
        started = monotonic()
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
            self.putconn(connection)  # which makes the pool replace it

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
