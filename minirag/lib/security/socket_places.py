"""How many sockets one network keeps open, over all web processes: each is a place in Redis that lapses unless kept.

So the bound is exact whichever process a socket comes to, and what a killed process held is free again after
LAPSE_SECONDS. Without Redis each process counts its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from contextlib import suppress
from contextvars import Context
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.conf import settings
from redis.exceptions import RedisError

from minirag.lib.redis_client import connect_async

logger = logging.getLogger(__name__)

MOST_OF_ONE_NETWORK: Final = 1000
"""An idle socket costs memory and nothing else, so no rate bounds how many one visitor keeps."""
LAPSE_SECONDS: Final = 90
KEEP_SECONDS: Final = 25.0  # several may fail

# By Redis' own clock. Returns whether there was room.
_TAKE: Final = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
_KEEP: Final = """
local until_when = tonumber(redis.call('TIME')[1]) + ARGV[1]
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], until_when, ARGV[i]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""


class Places:
    """Those that the sockets of one event loop have, by their network."""

    def __init__(self) -> None:
        self._held: dict[str, set[str]] = {}
        self._keeping: asyncio.Task[None] | None = None

    async def take(self, network: str) -> str | None:
        """Return a place; None where the network has as many as it may have."""
        place = secrets.token_hex(8)
        arguments = (_key(network), place, MOST_OF_ONE_NETWORK, LAPSE_SECONDS)
        try:
            if not await _redis().eval(_TAKE, 1, *arguments):
                return None
        except RedisError as error:
            logger.warning("a socket is counted here only, redis failed: %s", type(error).__name__)
            if len(self._held.get(network, ())) >= MOST_OF_ONE_NETWORK:
                return None
        except asyncio.CancelledError:  # Redis may have given it by now
            await self.give_back(network, place)
            raise
        self._held.setdefault(network, set()).add(place)
        if self._keeping is None or self._keeping.done():
            # In a context of its own: it is of no request, and keeps the places of all.
            loop = asyncio.get_running_loop()
            self._keeping = loop.create_task(self._keep(), context=Context())
        return place

    async def give_back(self, network: str, place: str) -> None:
        held = self._held.get(network, set())
        held.discard(place)
        if not held:
            self._held.pop(network, None)
        with suppress(RedisError):  # it lapses by itself
            await _redis().zrem(_key(network), place)

    async def _keep(self) -> None:
        while self._held:
            await asyncio.sleep(KEEP_SECONDS)
            pipe = _redis().pipeline(transaction=False)
            for network, places in self._held.items():
                pipe.eval(_KEEP, 1, _key(network), LAPSE_SECONDS, *places)
            with suppress(RedisError):  # the next time
                await pipe.execute()


_places: WeakKeyDictionary[asyncio.AbstractEventLoop, Places] = WeakKeyDictionary()


def places() -> Places:
    """Return those of the running event loop."""
    return _places.setdefault(asyncio.get_running_loop(), Places())


def _redis() -> Any:
    return connect_async(settings.REDIS_URL)


def _key(network: str) -> str:
    return f"minirag:sockets:{hashlib.sha256(network.encode()).hexdigest()[:32]}"
