"""What a turn tells its readers, kept in Redis for some minutes: who comes back may come to another process.

A list holds a turn's events in batches, encrypted, each event with its number. A lease beside it says that the turn's
process lives; it is also where a request to stop the turn is left. One task writes for all turns of a process,
twice a second and in one round trip, so that a streamed token costs microseconds. A reader that has missed nothing
never comes here. Without Redis a turn goes on; only coming back to it elsewhere is lost.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from minirag.lib.errors import BadInput, Gone, ProductError
from minirag.lib.redis_client import OPTIONS, connect, connect_async
from minirag.lib.security.crypto import decrypt, encrypt

logger = logging.getLogger(__name__)

WRITE_SECONDS = 0.5
LEASE_SECONDS = 10  # several writes may fail before a living turn seems dead
RENEW_SECONDS = 3.0
KEPT_RUNNING_SECONDS, KEPT_SECONDS = 900, 180  # a turn that has ended is in the database
POLL_SECONDS = 0.2
UNWRITTEN_SECONDS = 3.0  # a turn that has just begun may have nothing written yet
_GIVE_UP_SECONDS = 30.0  # a turn that has ended and could not be written for so long is dropped
MOST_EVENTS = 1_000_000
LAST_EVENTS = frozenset({"done", "error"})
_LIVES, _STOP = b"lives", b"stop"

Told = tuple[int, str, dict[str, Any]]
"""An event as readers get it: number, name, data in the extended form."""


class Kept(Protocol):
    """A turn as the journal sees it."""

    schema_name: str
    turn_id: uuid.UUID
    events: list[Any]
    is_over: bool

    def render(self, event: Any) -> tuple[str, dict[str, Any]]:
        """Return name and data of one of `events`."""

    def stop_soon(self) -> None:
        """End the turn; somebody in another process asked for it."""


class Interrupted(ProductError):
    """The process that took the turn has died."""

    status, code, retryable = 503, "interrupted", True

    def __init__(self) -> None:
        super().__init__("The answer was interrupted. Please ask again.")


class EventsUnavailable(ProductError):
    """Redis does not answer, so what a turn has told cannot be read."""

    status, code, retryable = 503, "events_unavailable", True

    def __init__(self) -> None:
        super().__init__("The events of this turn cannot be read at the moment.")


class EventUnknown(BadInput):
    """Somebody wants to read on behind an event that was never told."""

    code = "event_unknown"

    def __init__(self) -> None:
        super().__init__("This turn has no event of that number.")


@dataclass
class _Sheet:
    """How far a turn is written down, and until when Redis has it all by itself; monotonic seconds."""

    events: str
    lease: str
    written: int = 0
    kept_until: float = 0.0
    leased_until: float = 0.0
    over_since: float | None = None

    def lose(self) -> None:
        """Redis has forgotten: what would be long enough is not any more."""
        self.kept_until = self.leased_until = 0.0


class Journal:
    """Writes down the turns of one event loop."""

    def __init__(self) -> None:
        self._sheets: dict[Kept, _Sheet] = {}
        self._writing: asyncio.Task[None] | None = None
        self._is_failing = False

    def follow(self, turn: Kept) -> None:
        """Write the turn down from now on, until it ends."""
        self._sheets[turn] = _Sheet(*_name_keys(turn.schema_name, turn.turn_id))
        if self._writing is None or self._writing.done():
            # In a context of its own: it is of no request, and writes for all.
            loop = asyncio.get_running_loop()
            self._writing = loop.create_task(self._keep_writing(), context=Context())

    def find(self, schema_name: str, turn_id: uuid.UUID) -> Kept | None:
        """Return a turn whose last events are not written down yet."""
        whose = (schema_name, turn_id)
        return next(
            (each for each in self._sheets if (each.schema_name, each.turn_id) == whose), None
        )

    async def _keep_writing(self) -> None:
        while self._sheets:
            await asyncio.sleep(WRITE_SECONDS)
            await self.write()

    async def write(self) -> None:
        """Bring Redis up to date, and stop the turns for which somebody left word.

        All leases are looked at in one command, before some are renewed in the same transaction, well before they end.
        """
        if not self._sheets:
            return
        sheets, now = dict(self._sheets), time.monotonic()
        told = {turn: len(turn.events) for turn in sheets}
        over = {turn for turn in sheets if turn.is_over}
        running = [turn for turn in sheets if turn not in over]
        pipe = connect_async(settings.REDIS_URL).pipeline(transaction=True)
        if running:
            pipe.mget([sheets[turn].lease for turn in running])
        for turn, sheet in sheets.items():
            key, first = sheet.events, sheet.written + 1
            if news := turn.events[sheet.written : told[turn]]:
                pipe.rpush(key, _seal(key, first, map(turn.render, news)))
                if turn in over or now >= sheet.kept_until:
                    pipe.expire(key, KEPT_SECONDS if turn in over else KEPT_RUNNING_SECONDS)
                    sheet.kept_until = now + KEPT_RUNNING_SECONDS / 2
            if turn in over:
                pipe.delete(sheet.lease)
            elif now >= sheet.leased_until:
                pipe.set(sheet.lease, _LIVES, ex=LEASE_SECONDS)
                sheet.leased_until = now + RENEW_SECONDS
        try:
            answers = await pipe.execute()
        except RedisError as error:
            self._note_failure(error, over)
            return
        self._is_failing = False
        for turn, word in zip(running, answers[0] if running else (), strict=True):
            if word == _STOP:
                turn.stop_soon()
            elif word is None and sheets[turn].written:
                sheets[turn].lose()
        for turn, count in told.items():
            sheets[turn].written = count
        for turn in over:
            self._forget(turn)

    def _note_failure(self, error: RedisError, over: set[Kept]) -> None:
        if not self._is_failing:
            logger.warning("events of turns not kept, redis failed: %s", type(error).__name__)
        self._is_failing, now = True, time.monotonic()
        for turn, sheet in list(self._sheets.items()):
            sheet.lose()
            if turn in over:
                sheet.over_since = sheet.over_since or now
                if now - sheet.over_since > _GIVE_UP_SECONDS:
                    self._forget(turn)

    def _forget(self, turn: Kept) -> None:
        self._sheets.pop(turn, None)


@dataclass(frozen=True)
class KeptTurn:
    """A turn of another process, or one that has ended; `is_pending` as the database had it just now."""

    schema_name: str
    turn_id: uuid.UUID
    is_pending: bool

    async def tell(self, after: int = 0) -> AsyncGenerator[Told, None]:
        """Yield the events behind number `after` as they are written, to the last one.

        Raises Gone where they are not kept (any longer), EventUnknown where there is none of that number in the end,
        Interrupted where the turn's process has died, and EventsUnavailable without Redis.
        """
        read, lifeless = 0, 0
        patience = time.monotonic() + (UNWRITTEN_SECONDS if self.is_pending else 0)
        while True:
            batches, lives = await self._look(read)
            read += len(batches)
            for number, name, data in _unseal(self._keys[0], batches):
                if number > after + 1:
                    raise _gone()  # Redis has lost some
                if number > after:
                    after = number
                    yield number, name, data
                if name in LAST_EVENTS:
                    if number < after:
                        raise EventUnknown
                    return
            # Twice, since the last batch may have come between looking for it and for the lease.
            lifeless = 0 if lives or batches else lifeless + 1
            if lifeless > 1 and (read or time.monotonic() >= patience):
                raise (
                    Interrupted
                    if self.is_pending
                    else Gone(
                        "The events of this turn are not kept any longer; its messages are in its chat."
                    )
                )
            await asyncio.sleep(POLL_SECONDS)

    async def require_events(self, after: int = 0) -> None:
        """Raise Gone where nothing is kept (any longer) of a turn that has ended, EventsUnavailable without Redis.

        EventUnknown, where the turn is over and has no event of number `after`: while it runs, a reader may have heard
        more than is written here.
        """
        batches, lives = await self._look(0)
        if not (batches or lives or self.is_pending):
            raise _gone()
        if after and batches and not lives:
            *_, (last, name, _) = _unseal(self._keys[0], batches)
            if name in LAST_EVENTS and after > last:
                raise EventUnknown

    async def stop(self) -> None:
        """Leave word that the turn is to end; its process hears it within a second. Raises EventsUnavailable."""
        _, lease = self._keys
        patience = time.monotonic() + (UNWRITTEN_SECONDS if self.is_pending else 0)
        while not await self._leave_word(lease) and time.monotonic() < patience:  # noqa: ASYNC110 - in Redis
            await asyncio.sleep(POLL_SECONDS)  # it has just begun, and has no lease yet

    async def _leave_word(self, lease: str) -> bool:
        redis = connect_async(settings.REDIS_URL)
        try:
            return bool(await redis.set(lease, _STOP, ex=LEASE_SECONDS, xx=True))
        except RedisError as error:
            raise EventsUnavailable from error

    async def _look(self, position: int) -> tuple[list[bytes], bool]:
        events, lease = self._keys
        pipe = connect_async(settings.REDIS_URL).pipeline(transaction=False)
        pipe.lrange(events, position, -1)
        pipe.exists(lease)
        try:
            batches, lives = await pipe.execute()
        except RedisError as error:
            raise EventsUnavailable from error
        return batches, bool(lives)

    @property
    def _keys(self) -> tuple[str, str]:
        return _name_keys(self.schema_name, self.turn_id)


# --- For looking after turns whose process died, on a thread ------------------------------------------------
def find_living(schema_name: str, turn_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of a tenant's turns whose process shows that it lives. Raises EventsUnavailable."""
    with _connect() as redis:
        pipe = redis.pipeline(transaction=False)
        for turn_id in turn_ids:
            pipe.exists(_name_keys(schema_name, turn_id)[1])
        return {turn_id for turn_id, lives in zip(turn_ids, pipe.execute(), strict=True) if lives}


def read_kept(schema_name: str, turn_id: uuid.UUID) -> list[Told]:
    """Return what is kept of a turn's events. Raises EventsUnavailable."""
    events, _ = _name_keys(schema_name, turn_id)
    with _connect() as redis:
        batches: Any = redis.lrange(events, 0, -1)
        return list(_unseal(events, batches))


def add_end(
    schema_name: str, turn_id: uuid.UUID, told: Sequence[Told], end: tuple[str, dict[str, Any]]
) -> None:
    """Give a turn whose process died a last event behind what it has `told`. Raises EventsUnavailable."""
    events, _ = _name_keys(schema_name, turn_id)
    with _connect() as redis:
        pipe = redis.pipeline(transaction=False)
        pipe.rpush(events, _seal(events, len(told) + 1, iter([end])))
        pipe.expire(events, KEPT_SECONDS)
        pipe.execute()


def forget_turns(schema_name: str, turn_ids: Sequence[uuid.UUID]) -> None:
    """Remove what is kept of a tenant's turns; without Redis it expires within minutes, and is not shown."""
    keys = [_name_keys(schema_name, turn_id)[0] for turn_id in turn_ids]
    with suppress(EventsUnavailable), _connect() as redis:
        redis.delete(*keys)


def stop_turns(schema_name: str, turn_ids: Sequence[uuid.UUID]) -> None:
    """Leave word that these turns are to end; their processes hear it within a second. Without Redis they go on."""
    with suppress(EventsUnavailable), _connect() as redis:
        for turn_id in turn_ids:
            redis.set(_name_keys(schema_name, turn_id)[1], _STOP, ex=LEASE_SECONDS, xx=True)


@contextmanager
def _connect() -> Iterator[Redis]:
    try:
        with connect(settings.REDIS_URL, **OPTIONS) as redis:
            yield redis
    except RedisError as error:
        raise EventsUnavailable from error


def _gone() -> Gone:
    return Gone("The events of this turn are not kept any longer; its messages are in its chat.")


def _name_keys(schema_name: str, turn_id: uuid.UUID) -> tuple[str, str]:
    stem = f"minirag:turns:{schema_name}:{turn_id}"
    return f"{stem}:events", f"{stem}:lease"


def _seal(key: str, first: int, events: Iterator[tuple[str, dict[str, Any]]]) -> str:
    """Write a batch as one line; it is the tenant's and a visitor's words, so it is encrypted for its key."""
    return encrypt(json.dumps([first, list(events)]), context=key)


def _unseal(key: str, batches: Sequence[bytes]) -> Iterator[Told]:
    for batch in batches:
        first, events = json.loads(decrypt(batch.decode("ascii"), context=key))
        for number, (name, data) in enumerate(events, start=first):
            yield number, name, data
