"""Turns: how long a worker's process stays with one tenant's work before the others have theirs.

A process works through what a tenant has waiting until its turn is over, and a long job then gives its process back at
its next safe point, keeping what it has made. A turn ends only where somebody waits, which the queue itself says: a
tenant that is alone is never interrupted but by `LONGEST_SECONDS`. Turns come round in the order of the queue, so the
tenants' shares of the workers' time are as their weights, which the operator sets.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import structlog
from celery import current_app
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from minirag.lib.redis_client import OPTIONS, connect
from tenants.context import require_tenant
from tenants.tasks import TENANT_HEADER

logger = structlog.get_logger(__name__)

TURN_SECONDS: Final = 3.0
"""Of a tenant with the weight 1."""
LONGEST_SECONDS: Final = 300.0
"""Also where nobody waits: far below the time limit of tasks."""
QUEUE: Final = "celery"
"""Celery's own default."""
_LOOK_EVERY_SECONDS: Final = 1.0
_LOOKED_AT: Final = 50
"""Messages at each end of the queue."""


class TurnOver(Exception):
    """A job stops here and gives its process back; what it has made so far is kept."""


@dataclass
class Turn:
    """A process's time with the current tenant."""

    seconds: float
    started: float = field(default_factory=time.monotonic)
    _looked_at: float = 0.0
    _somebody_waited: bool = False

    def is_over(self) -> bool:
        """Whether to give the process back at the next safe point; asks the queue at most once a second."""
        now = time.monotonic()
        if now - self.started >= LONGEST_SECONDS:
            return True
        if now - self.started < self.seconds:
            return False
        if now - self._looked_at >= _LOOK_EVERY_SECONDS:
            self._looked_at, self._somebody_waited = now, is_anybody_waiting()
        return self._somebody_waited


_current: ContextVar[Turn | None] = ContextVar("turn", default=None)


@contextmanager
def turn() -> Iterator[Turn]:
    """A turn of the current tenant on this process, for the body."""
    begun = Turn(TURN_SECONDS * require_tenant().work_weight)
    token = _current.set(begun)
    try:
        yield begun
    finally:
        _current.reset(token)


def is_turn_over() -> bool:
    """Whether work at hand gives its process back at its next safe point; never where it runs outside of a turn."""
    begun = _current.get()
    return begun is not None and begun.is_over()


def is_anybody_waiting() -> bool:
    """Whether the queue holds work that no process has taken, other than the current tenant's own long jobs."""
    own = str(require_tenant().pk)
    return any(not _is_own_long(raw, own) for raw in _read_queue())


def _read_queue() -> list[bytes]:
    """The messages at both ends: who came last is at one, who is next at the other. None where Redis is away."""
    try:
        client: Any = _connect(settings.REDIS_URL)
        name = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] + QUEUE
        found: list[bytes] = client.lrange(name, 0, _LOOKED_AT - 1)
        if len(found) == _LOOKED_AT:
            found += client.lrange(name, -_LOOKED_AT, -1)
        return found
    except RedisError as error:
        logger.warning("the queue is out of reach", error=type(error).__name__)
        return []


def _is_own_long(raw: bytes, own: str) -> bool:
    headers = json.loads(raw).get("headers") or {}
    if headers.get(TENANT_HEADER) != own:
        return False
    return bool(getattr(current_app.tasks.get(headers.get("task")), "takes_turns", False))


@cache
def _connect(url: str) -> Redis:
    client: Redis = connect(url, **OPTIONS)
    return client
