"""The one way from async code to the database, and what it means when the database does not answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache, partial
from heapq import heappop, heappush
from itertools import count
from time import monotonic
from typing import Any, Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import structlog
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, connections
from psycopg.errors import ReadOnlySqlTransaction

from minirag.lib.errors import DatabaseUnavailable
from minirag.lib.metrics.counted import note_pool_wait

logger = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


DATABASE, UPLOADS, PASSWORDS = "database", "uploads", "passwords"
OUTBOUND, PREVIEWS, MODELS = "outbound", "previews", "models"
"""The pools of threads. What takes long (a file that is parsed, a password that is hashed, a foreign server that is
asked, a site that is looked at, a model that answers) has few threads of its own, so that however much of it comes,
every other request finds a thread."""
_SLOW_THREADS = 2
PIECE_BYTES = 64 * 1024

AT_ONCE: Final = 0.0
SOON: Final = 0.5
AT_LEISURE: Final = 1.5
"""How many seconds a call may wait for a thread where many want one: a turn that has begun comes to its first word
before others begin, and what nobody waits for comes last. It says who is first, and promises nobody a time.
"""
_patience: ContextVar[float] = ContextVar("patience", default=SOON)


_calls: ContextVar[list[Future[Any]]] = ContextVar("calls")


class _Threads(ThreadPoolExecutor):
    """Threads of which who calls one can tell when it has ended, also once nobody waits for it any more."""

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        call = super().submit(fn, *args, **kwargs)
        if (calls := _calls.get(None)) is not None:
            calls.append(call)
        return call


@cache
def _threads(pool: str) -> ThreadPoolExecutor:
    return _Threads(
        settings.DATABASE_THREADS if pool == DATABASE else _SLOW_THREADS, thread_name_prefix=pool
    )


OUTAGES = (DatabaseUnavailable, OperationalError, InterfaceError)
"""What reading raises while PostgreSQL is away."""


def find_outage(error: BaseException | None) -> DatabaseUnavailable | None:
    """Return what an error means where PostgreSQL cannot serve us now, also as a standby that takes no writes."""
    if isinstance(error, DatabaseUnavailable):
        return error
    is_standby = isinstance(error, InternalError) and isinstance(
        error.__cause__, ReadOnlySqlTransaction
    )
    if not is_standby and not isinstance(error, OperationalError | InterfaceError):
        return None
    said = (str(error).strip().splitlines() or [""])[0]
    logger.warning("the database is not available", error=type(error).__name__, said=said[:300])
    return DatabaseUnavailable()


@contextmanager
def _outages_told() -> Iterator[None]:
    """Turn an outage into the error that every edge knows how to tell."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError) as error:
        if outage := find_outage(error):
            raise outage from error
        raise


def _run(function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
    with _outages_told():
        return function(*args, **kwargs)


def _run_and_release(
    function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any], asked_at: float
) -> R:
    if asked_at:
        note_pool_wait(monotonic() - asked_at)
    try:
        return _run(function, args, kwargs)
    finally:
        connections.close_all()  # with the pool: give the connection back


@contextmanager
def waiting(seconds: float) -> Iterator[None]:
    """What the body asks of the database may wait so long: AT_ONCE, SOON or AT_LEISURE."""
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


class _Line:
    """Who of one event loop waits for a thread of the database; whose patience ends first is served first.

    A place is free again when the loop has heard what came of a call, not when the thread is: what follows from it in
    a turn stands in the line by then. Threads with a queue of their own took up everybody's first step before. A call
    that is cancelled while it runs has its thread to its end, and so its place.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._number = count()

    async def stand(self, until: float) -> None:
        """Return with a place, which has to be left."""
        if self._free:
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (until, next(self._number), place))
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # it was given in the same moment
                self.leave()
            raise

    def leave(self) -> None:
        while self._waiting:
            *_, place = heappop(self._waiting)
            if not place.done():
                place.set_result(None)
                return
        self._free += 1


_lines: WeakKeyDictionary[asyncio.AbstractEventLoop, _Line] = WeakKeyDictionary()


def _line() -> _Line:
    """That of the running event loop."""
    loop = asyncio.get_running_loop()
    line = _lines.get(loop)
    if line is None:
        line = _lines[loop] = _Line(settings.DATABASE_THREADS)
    return line


def release_connections() -> None:
    """Give this thread's connections back before it waits for others; one in a transaction stays, as it must."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def wait_for_model(
    function: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Have the event loop do what takes as long as a model likes, and hold no connection meanwhile. Blocks.

    Not on a thread of the database: what is done asks for one itself, and as many as there are would wait for each
    other. A view of the API that does this is on the pool MODELS.
    """
    if threading.current_thread().name.startswith(DATABASE):
        raise RuntimeError("A database thread may not wait for what needs one; name MODELS.")
    release_connections()
    return async_to_sync(function)(*args, **kwargs)


async def run_sync(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `function` in a bounded pool of threads, in the caller's context and so in its tenant.

    The connection goes back as soon as the function returns, so nothing is held while a model streams, and there
    are never more threads than connections: callers queue here (see `waiting`) instead of timing out in the pool. With
    `DATABASE_THREADS=0` it runs on the thread that called into the loop (tests inside a transaction).

    Raises DatabaseUnavailable where PostgreSQL cannot serve us now.
    """
    return await run_in_pool(DATABASE, function, *args, **kwargs)


async def run_in_pool(pool: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`run_sync` on the threads of `pool`: DATABASE, UPLOADS, PASSWORDS, OUTBOUND, PREVIEWS or MODELS."""
    if not settings.DATABASE_THREADS:
        return await sync_to_async(_run, thread_sensitive=True)(function, args, kwargs)
    if pool != DATABASE:
        return await _gate(pool)(function, args, kwargs, 0.0)
    asked_at, line = monotonic(), _line()
    await line.stand(asked_at + _patience.get())
    calls: list[Future[Any]] = []
    token = _calls.set(calls)
    try:
        return await _gate(pool)(function, args, kwargs, asked_at)
    finally:
        _calls.reset(token)
        if all(call.done() for call in calls):
            line.leave()
        else:
            calls[0].add_done_callback(partial(_leave_later, line, asyncio.get_running_loop()))


def _leave_later(line: _Line, loop: asyncio.AbstractEventLoop, _: Future[Any]) -> None:
    with suppress(RuntimeError):  # the loop has ended meanwhile, and its line
        loop.call_soon_threadsafe(line.leave)


@cache
def _gate(pool: str) -> Any:
    """Made once: making it costs as much as going through it."""
    return sync_to_async(_run_and_release, thread_sensitive=False, executor=_threads(pool))


async def stream_pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Take pieces on a database thread, some of them at a step, in the tenant that is bound around it."""
    joined = join_pieces(pieces)
    while (piece := await run_sync(next, joined, None)) is not None:
        yield piece


def join_pieces(pieces: Iterator[bytes], size: int = PIECE_BYTES) -> Iterator[bytes]:
    """Join small pieces to such of at least `size` bytes: a hop to a thread costs more than a small piece."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= size:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
