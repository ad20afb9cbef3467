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


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.DATABASE_THREADS, thread_name_prefix="database")


def _run_and_release(function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
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
    if not settings.DATABASE_THREADS:
        return await sync_to_async(function, thread_sensitive=True)(*args, **kwargs)
    gate = sync_to_async(_run_and_release, thread_sensitive=False, executor=_threads())
    return await gate(function, args, kwargs)
