"""The one way from the event loop to Redis: a bounded pool of connections for each loop."""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from redis.asyncio import BlockingConnectionPool, Redis

OPTIONS: dict[str, Any] = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
_CONNECTIONS = 32  # of one event loop; who finds none free waits for one

# An asyncio connection belongs to the loop that opened it, so each loop has its own.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Redis]] = WeakKeyDictionary()


def connect_async(redis_url: str) -> Redis:
    """Return the running loop's client; it connects when it is first used."""
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    if redis_url not in clients:
        pool = BlockingConnectionPool.from_url(
            redis_url, max_connections=_CONNECTIONS, timeout=1.0, **OPTIONS
        )
        clients[redis_url] = Redis(connection_pool=pool)
    return clients[redis_url]
