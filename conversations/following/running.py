"""Turns that run by themselves: their readers may leave and come back, and a stopping process waits for them.

A turn is a task of its own. Its events are numbered from 1 as they come; a reader reads from any number on, here from
memory, and in another process from what `journal` keeps. A turn whose last reader has left goes on to its end, but at
most DETACHED_TURN_SECONDS, and of such turns a process has at most DETACHED_TURNS: when there is one more, the oldest
of the tenant that has the most is stopped. A client that wants to stop a turn says so; a broken connection does not.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings

from bots.models import Outcome, SourceFilter
from conversations.following.journal import EventUnknown, Journal, KeptTurn, Told
from conversations.models import Message
from conversations.turns.state import Asker, Halt, History
from conversations.turns.taking import (
    Delta,
    Done,
    Failed,
    Started,
    Stopped,
    TurnEvent,
    TurnUsage,
    take_turn,
)
from conversations.turns.troubles import InternalFailure
from minirag.ai.tooling import Tooling
from minirag.lib.database import AT_ONCE, waiting
from minirag.lib.errors import ProductError
from minirag.lib.metrics import counted
from minirag.lib.sse import wait_for_more
from minirag.lib.starting.readiness import ServerStopping, require_taking_work
from minirag.lib.tracing.spans import span
from tenants.context import require_tenant, run_sync
from tenants.models import Tenant

logger = structlog.get_logger(__name__)

Tell = Callable[[TurnEvent, str], tuple[str, dict[str, Any]]]
"""How an event goes over the wire: its name and data, given the id of the request that asked."""

FIRST_READER_SECONDS = 10.0  # its asker begins to read at once, or has gone in the meantime


async def start_turn(
    bot_profile_id: uuid.UUID,
    chat_id: uuid.UUID | None,
    question: str,
    *,
    asker: Asker,
    is_stream: bool,
    tell: Tell,
    history: History | None = None,
    source_filter: SourceFilter | None = None,
    tooling: Tooling | None = None,
) -> TurnRun:
    """Begin a turn (see take_turn) that goes on by itself, and return it once its question is stored.

    `tell` is how its readers are told, in this process and another one.

    Raises what forbids it, ServerStopping included. What becomes of it then is among its events.
    """
    require_taking_work()
    halt = Halt()
    run = TurnRun(require_tenant(), asker.request_id, halt, tell)
    await run.open(
        take_turn(
            bot_profile_id,
            chat_id,
            question,
            asker=asker,
            is_stream=is_stream,
            history=history,
            source_filter=source_filter,
            halt=halt,
            tooling=tooling,
        )
    )
    return run


def find_turn(question: Message) -> Turn:
    """Return a turn of the current tenant, by its question, to read it from somewhere on or to stop it."""
    schema_name = require_tenant().schema_name
    run = running_turns().find(schema_name, question.pk)
    return run or KeptTurn(schema_name, question.pk, question.outcome == Outcome.PENDING)


class TurnRun:
    """One turn of this process. `events` are those that a reader gets, the first of them number 1."""

    def __init__(self, tenant: Tenant, request_id: str, halt: Halt, tell: Tell) -> None:
        self.schema_name, self.request_id = tenant.schema_name, request_id
        self._slug = tenant.slug
        self.turn_id = self.chat_id = uuid.UUID(int=0)  # until it has begun
        self.events: list[TurnEvent] = []
        self.is_over = False
        self._halt, self._told_as, self._all = halt, tell, running_turns()
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._waiting: list[Callable[[], None]] = []
        self._rendered: dict[int, tuple[str, dict[str, Any]]] = {}
        self._readers = 0
        self._patience: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self, events: AsyncGenerator[TurnEvent, None]) -> None:
        """Begin, and return when the question is stored; a caller that is cancelled before has only left."""
        self._all.note_opening(self._opened)
        self._task = self._loop.create_task(self._take_traced(events))
        # A task that is cancelled before its first step does not run its own clean-up.
        self._task.add_done_callback(lambda _: self._opened.cancel())
        await asyncio.shield(self._opened)

    async def read(self, after: int = 0) -> AsyncGenerator[tuple[int, TurnEvent], None]:
        """Yield the events behind number `after` as they come, to the last one. Closing this leaves the turn alone."""
        self.come()
        try:
            while True:
                while after < len(self.events):
                    after += 1
                    yield after, self.events[after - 1]
                if self.is_over:
                    return
                await wait_for_more(self)
        finally:
            self.leave()

    async def tell(self, after: int = 0) -> AsyncGenerator[Told, None]:
        """`read`, as it goes over the wire."""
        async with aclosing(self.read(after)) as events:
            async for number, event in events:
                yield number, *self.render(event)

    async def require_events(self, after: int = 0) -> None:
        """Raise EventUnknown for a number that nobody can have heard; see KeptTurn."""
        if after > len(self.events):
            raise EventUnknown

    def render(self, event: TurnEvent) -> tuple[str, dict[str, Any]]:
        """Once for the journal and all readers, since all but words takes long."""
        if isinstance(event, Delta):
            return self._told_as(event, self.request_id)
        if id(event) not in self._rendered:  # `events` keeps it alive
            self._rendered[id(event)] = self._told_as(event, self.request_id)
        return self._rendered[id(event)]

    def when_more(self, call: Callable[[], None]) -> None:
        """Have `call`, which may not raise, called once when the next event is there, or none comes any more."""
        self._waiting.append(call)

    async def stop(self, error: ProductError | None = None) -> None:
        """End the turn and return when its end is stored. Readers are told that it was stopped, or this `error`."""
        if self._task is None:
            return
        if not self.is_over and not self._halt.is_asked:
            self._halt.is_asked, self._halt.error = True, error
            self._task.cancel()
        await asyncio.wait({self._task})

    def stop_soon(self) -> None:
        self._all.keep(self._loop.create_task(self.stop()))

    async def _take_traced(self, events: AsyncGenerator[TurnEvent, None]) -> None:
        with waiting(AT_ONCE), span("turn", tenant=self._slug, request_id=self.request_id):
            await self._take(events)

    async def _take(self, events: AsyncGenerator[TurnEvent, None]) -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, Started):
                        self._begin(event)
                    else:
                        self._tell(event)
        except asyncio.CancelledError:
            if not self._opened.done():
                self._opened.cancel()
                raise
            if not self.is_over:
                self._tell(await self._find_end())
        except (
            Exception
        ) as error:  # what forbids the turn, or a server that is down, before it has begun
            if self._opened.done():
                raise
            self._opened.set_exception(error)
        finally:
            self._end()

    def _begin(self, event: Started) -> None:
        self.turn_id, self.chat_id = event.turn_id, event.chat_id
        self._all.add(self)
        self._wait_for_readers(FIRST_READER_SECONDS)
        self._opened.set_result(None)

    async def _find_end(self) -> TurnEvent:
        """What to tell the readers of a turn that was stopped and is stored."""
        if self._halt.error is not None:
            return Failed(self.chat_id, self._halt.error)
        try:
            return await run_sync(load_stopped_turn, self.turn_id)
        except Exception:
            logger.exception("the end of a stopped turn was not found", chat_id=str(self.chat_id))
            return Failed(
                self.chat_id, InternalFailure("Something went wrong on our side. Please try again.")
            )

    def _tell(self, event: TurnEvent) -> None:
        self.events.append(event)
        self.is_over = isinstance(event, Done | Failed | Stopped)
        self._wake()

    def _end(self) -> None:
        self.is_over = True
        self._stop_waiting()
        self._all.remove(self)
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()

    def come(self) -> None:
        """Count a reader, who has to `leave`."""
        self._readers += 1
        self._stop_waiting()
        self._all.note_reader(self)

    def leave(self) -> None:
        self._readers -= 1
        if not self._readers and not self.is_over:
            self._wait_for_readers(settings.DETACHED_TURN_SECONDS)
            self._all.note_alone(self)

    def _wait_for_readers(self, seconds: float) -> None:
        self._stop_waiting()
        self._patience = self._loop.call_later(seconds, self.stop_soon)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


Turn = TurnRun | KeptTurn
"""A turn to be read: of this process, or as it is kept."""


class RunningTurns:
    """The turns of one event loop, and so of one process."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, uuid.UUID], TurnRun] = {}
        self._opening: set[asyncio.Future[None]] = set()  # of turns whose question is being stored
        self._alone: dict[TurnRun, None] = {}  # those left by their readers, oldest first
        self._chores: set[asyncio.Task[None]] = set()  # the event loop alone would let go of them
        self.journal = Journal()

    def __len__(self) -> int:
        return len(self._runs) + len(self._opening)

    def find(self, schema_name: str, turn_id: uuid.UUID) -> TurnRun | None:
        """Return a turn that runs, or has ended and is not written down yet."""
        running = self._runs.get((schema_name, turn_id))
        ended = None if running else self.journal.find(schema_name, turn_id)
        return ended if isinstance(ended, TurnRun) else running

    def note_opening(self, opened: asyncio.Future[None]) -> None:
        """Count a turn from before its question is stored; when `opened` is settled it is added, or has failed."""
        self._opening.add(opened)
        opened.add_done_callback(self._opening.discard)

    def add(self, run: TurnRun) -> None:
        self._runs[run.schema_name, run.turn_id] = run
        counted.note_running_turns(+1)
        self.journal.follow(run)

    def remove(self, run: TurnRun) -> None:
        if self._runs.pop((run.schema_name, run.turn_id), None) is not None:
            counted.note_running_turns(-1)
        self._alone.pop(run, None)

    def note_reader(self, run: TurnRun) -> None:
        self._alone.pop(run, None)

    def note_alone(self, run: TurnRun) -> None:
        """A turn goes on without a reader; where those are too many, stop one."""
        self._alone[run] = None
        if len(self._alone) > settings.DETACHED_TURNS:
            [(most, _)] = Counter(each.schema_name for each in self._alone).most_common(1)
            oldest = next(each for each in self._alone if each.schema_name == most)
            del self._alone[oldest]
            oldest.stop_soon()

    def keep(self, chore: asyncio.Task[None]) -> None:
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    async def end_all(self) -> None:
        """Stop every turn because the process stops: what was said is stored, and readers are told to ask again.

        A turn whose question is being stored is stopped as soon as that is done.
        """
        while True:
            await asyncio.gather(*(run.stop(ServerStopping()) for run in list(self._runs.values())))
            await self.journal.write()
            if self._opening:
                await asyncio.wait(set(self._opening), return_when=asyncio.FIRST_COMPLETED)
            elif not self._runs:
                return


_running: WeakKeyDictionary[asyncio.AbstractEventLoop, RunningTurns] = WeakKeyDictionary()


def running_turns() -> RunningTurns:
    """Return those of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _running:
        _running[loop] = RunningTurns()
    return _running[loop]


def load_stopped_turn(turn_id: uuid.UUID) -> Stopped:
    """Return what a stopped turn has left."""
    question = Message.objects.get(pk=turn_id)
    answers = Message.objects.filter(question=question).prefetch_related("citations")
    message = answers.first()
    if message is None:
        return Stopped(question.chat_id, None, None)
    model = (question.trace or {}).get("model", "")
    usage = TurnUsage(model, message.prompt_tokens, message.completion_tokens)
    return Stopped(question.chat_id, message, usage)
