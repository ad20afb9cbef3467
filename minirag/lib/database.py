"""The one way from async code to the database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")


DATABASE, UPLOADS, PASSWORDS, OUTBOUND = "database", "uploads", "passwords", "outbound"
"""The pools of threads. What takes long (a file that is parsed, a password that is hashed, a foreign server that is
asked) has few threads of its own, so that however much of it comes, every other request finds a thread."""
_SLOW_THREADS = 2


@cache
def _threads(pool: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(
        settings.DATABASE_THREADS if pool == DATABASE else _SLOW_THREADS, thread_name_prefix=pool
    )


def _run_and_release(
    function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> R:
    try:
        return function(*args, **kwargs)
    finally:
        connections.close_all()  # with the pool: give the connection back


async def run_sync(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `function` in a bounded pool of threads, in the caller's context and so in its tenant.

    The connection goes back as soon as the function returns, so nothing is held while a model streams, and there
    are never more threads than connections: callers queue here instead of timing out in the pool. With
    `DATABASE_THREADS=0` it runs on the thread that called into the loop (tests inside a transaction).
    """
    return await run_in_pool(DATABASE, function, *args, **kwargs)


async def run_in_pool(pool: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`run_sync` on the threads of `pool`: DATABASE, UPLOADS, PASSWORDS or OUTBOUND."""
    if not settings.DATABASE_THREADS:
        return await sync_to_async(function, thread_sensitive=True)(*args, **kwargs)
    gate = sync_to_async(_run_and_release, thread_sensitive=False, executor=_threads(pool))
    return await gate(function, args, kwargs)
