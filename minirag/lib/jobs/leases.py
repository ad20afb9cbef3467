"""Leases: what only one at a time may do, on whichever machine. One ends by itself when its holder has died.

They are manners, not guarantees: where Redis fails, work goes on without them.
"""

from __future__ import annotations

import logging
import secrets
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from minirag.lib.redis_client import OPTIONS, connect

logger = logging.getLogger(__name__)

_PREFIX: Final = "minirag:lease"
WANTED_SECONDS: Final = 10
# Sets how long it still lasts, where it is its holder's; nothing at all for 0.
_EXTEND: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if tonumber(ARGV[2]) < 1 then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""


class Lease:
    """`name` is all that others know of it: what tells of a tenant, or to one of another, does not belong into it."""

    def __init__(self, name: str) -> None:
        self._key, self._token = f"{_PREFIX}:{name}", secrets.token_hex(8)

    def take(self, seconds: float) -> bool:
        """Have it for so long, unless another has it, who is told then that it is wanted."""
        taken = _ask("SET", self._key, self._token, "PX", _milliseconds(seconds), "NX")
        if taken is None:
            _ask("SET", f"{self._key}:wanted", 1, "PX", _milliseconds(WANTED_SECONDS))
        else:
            self.is_wanted()  # by whoever has it now
        return taken is not None

    def keep(self, seconds: float) -> bool:
        """Have it for so long from now on; False where it was lost in the meantime."""
        return bool(_ask("EVAL", _EXTEND, 1, self._key, self._token, _milliseconds(seconds)))

    def give_back(self, *, after_seconds: float = 0) -> None:
        """Let others have it now, or after a while."""
        _ask("EVAL", _EXTEND, 1, self._key, self._token, int(after_seconds * 1000))

    def is_wanted(self) -> bool:
        """Whether another has asked for it lately, told once: whoever is told lets them have it next."""
        return bool(_ask("DEL", f"{self._key}:wanted"))

    def seconds_left(self) -> float:
        """How long its holder may have it; 0 where it is free."""
        return max(0, int(_ask("PTTL", self._key))) / 1000


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _ask(*command: Any) -> Any:
    try:
        return _client(settings.REDIS_URL).execute_command(*command)
    except RedisError as error:
        logger.warning("going on without a lease, redis failed: %s", type(error).__name__)
        return 1


@lru_cache(maxsize=8)
def _client(redis_url: str) -> Redis:
    client: Redis = connect(redis_url, **OPTIONS)
    return client
