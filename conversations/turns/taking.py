"""A chat turn, from question to cited answer: `take_turn` is the one way through, for JSON, SSE and WebSocket alike.

It is an async generator of typed events, so that every surface tells the same story, and it is written as one
screen on purpose: the product is what happens in this file. No database connection is held while a model streams; the
question is committed before anything can fail, and its end, be it answered, refused, stopped or failed, is stored once.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from dataclasses import replace

import structlog

from bots.models import Outcome, SourceFilter
from bots.scopes.refusals import write_filtered
from conversations.helping.asking_back import ask_back
from conversations.helping.asking_on import AskingOn
from conversations.helping.helping import find_help
from conversations.models import Message
from conversations.turns.events import (
    Delta,
    Done,
    Failed,
    PassedOn,
    SourcesFound,
    Started,
    Stopped,
    ToolCalled,
    TurnEvent,
    TurnUsage,
    require_no_end,
)
from conversations.turns.grounding import Refusal, choose_refusal_text, ground
from conversations.turns.guarding import guard
from conversations.turns.recording import close_turn, find_stored, open_turn
from conversations.turns.speaking import FILTERED, charge_cut_off, refuse_filtered, speak
from conversations.turns.state import Answer, Asker, Halt, History, OpenTurn, Understood
from conversations.turns.tracing import tell_end
from conversations.turns.troubles import InternalFailure
from conversations.understanding.condensing import condense
from conversations.understanding.reading import understand
from conversations.understanding.small_talk import talk
from conversations.understanding.varying import vary
from knowledge.curated.matching import Curated
from knowledge.retrieval.retrieving import Retrieval, retrieve
from minirag.ai.tooling import Tooling
from minirag.lib.database import AT_LEISURE, AT_ONCE, waiting
from minirag.lib.errors import DatabaseUnavailable, ProductError, ProviderError
from tenants.context import require_tenant, run_sync, tenant_context

__all__ = [
    "Delta",
    "Done",
    "Failed",
    "PassedOn",
    "SourcesFound",
    "Started",
    "Stopped",
    "ToolCalled",
    "TurnEvent",
    "TurnUsage",
    "answer_helpfully",
    "answer_turn",
    "require_no_end",
    "take_turn",
]

logger = structlog.get_logger(__name__)

STORE_SECONDS = 15.0
"""How long a database that went away as a turn ended is waited for: less than its readers' patience, and than the lease
by which the turn is known to be in work.
"""
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 1.0


async def take_turn(
    bot_profile_id: uuid.UUID,
    chat_id: uuid.UUID | None,
    question: str,
    *,
    asker: Asker,
    is_stream: bool,
    history: History | None = None,
    source_filter: SourceFilter | None = None,
    halt: Halt | None = None,
    tooling: Tooling | None = None,
) -> AsyncGenerator[TurnEvent, None]:
    """Answer `question` from the bot's knowledge: yields Started, SourcesFound, Delta…, and Done or Failed.

    What the model sees of the conversation before is the chat's own, or in a new chat the `history` that the caller
    gives, cut to the bot's number of turns. `source_filter` leaves out sources of the bot's for this question;
    `tooling` is what the client lets the model do beside speaking.

    Raises before the first event, and only then: NotFound or Conflict (see recording.open_turn). Closing the
    generator stops the model; what was said until then is stored as a stopped turn.
    """
    tenant = require_tenant()
    answer = Answer(is_stream=is_stream, outcome=Outcome.STOPPED, audience=asker.audience)
    turn = await _open(bot_profile_id, chat_id, question, asker, answer, history, source_filter)
    if isinstance(turn, Message):
        for event in _pass_on(turn):
            yield event
        return
    turn = replace(turn, tooling=tooling)
    started, failure = time.monotonic(), None
    try:
        yield Started(turn.chat.pk, turn.question.pk)
        async with aclosing(answer_helpfully(turn, answer, asks_on=asker.asks_on)) as events:
            async for event in events:
                yield event
        yield await _finish(turn, answer)
    except ProductError as error:
        failure = error
    except Exception:
        logger.exception("turn failed", chat_id=str(turn.chat.pk))
        failure = InternalFailure("Something went wrong on our side. Please try again.")
    finally:
        if not answer.is_closed:  # it failed, or the reader went away
            if failure is not None:
                answer.outcome, answer.error_code = Outcome.FAILED, failure.code
            elif halt is not None and halt.error is not None:
                answer.error_code = halt.error.code
            answer.duration_ms = _milliseconds_since(started)
            # Where the event loop finalises us we are outside of the request's context: bind its tenant again.
            with tenant_context(tenant):
                await asyncio.shield(asyncio.ensure_future(_close(turn, answer)))
    if failure is not None:
        yield Failed(turn.chat.pk, failure)


async def _open(
    bot_profile_id: uuid.UUID, chat_id: uuid.UUID | None, question: str, asker: Asker, answer: Answer,
    history: History | None, source_filter: SourceFilter | None,
) -> OpenTurn | Message:  # fmt: skip
    """Store the question; a reader who goes away while that happens leaves a stopped turn, not a pending one."""
    opening = asyncio.ensure_future(
        run_sync(open_turn, bot_profile_id, chat_id, question, asker, history, source_filter)
    )
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        with suppress(ProductError):
            if isinstance(opened := await opening, OpenTurn):
                await run_sync(close_turn, opened, answer)
        raise


def _pass_on(question: Message) -> tuple[TurnEvent, ...]:
    """A person is in the chat, and reads what was asked."""
    chat_id, usage = question.chat_id, TurnUsage("", 0, 0)
    return Started(chat_id, question.pk), SourcesFound(chat_id, ()), PassedOn(chat_id, question, usage)  # fmt: skip


async def _close(turn: OpenTurn, answer: Answer) -> None:
    """Store an end that came early. What cannot be stored now is left to the sweeper: the reader is told either way."""
    try:
        await charge_cut_off(answer, is_given_up=answer.outcome == Outcome.STOPPED)
        await run_sync(close_turn, turn, answer)
        tell_end(turn, answer)
    except Exception:
        logger.exception("the end of a turn was not stored", chat_id=str(turn.chat.pk))


async def answer_helpfully(
    turn: OpenTurn, answer: Answer, *, asks_on: bool
) -> AsyncGenerator[TurnEvent, None]:
    """`answer_turn`, and what stands below it: help with a refusal, and with `asks_on` what may be asked next."""
    started = time.monotonic()
    further = AskingOn(turn, answer, is_wanted=asks_on)
    try:
        async with aclosing(answer_turn(turn, answer)) as events:
            async for event in events:
                yield event
                further.see(event)
        answer.duration_ms = _milliseconds_since(started)
        if answer.refusal is not None:
            answer.help = await find_help(turn, answer)
        elif answer.help is None:
            answer.help = await further.find()
        if answer.help is not None:
            answer.note_stage("help")
    finally:
        further.leave()


async def answer_turn(turn: OpenTurn, answer: Answer) -> AsyncGenerator[TurnEvent, None]:
    """Understand, guard, retrieve, judge, and either refuse or let the model speak; fills in `answer` on the way.

    It stores nothing: neither the turn's chat nor its question need be rows.
    """
    answer.note_stage("open")
    understood = answer.understood = await understand(turn)
    answer.note_stage("understand")
    refused = await guard(turn, understood)
    answer.note_stage("guard")
    if refused:
        for event in _refuse(turn, answer, *refused):
            yield event
        return
    if turn.curated is not None and not turn.goes_on:
        for event in _give(turn, answer, turn.curated):
            yield event
        return
    if understood.is_small_talk and not turn.goes_on:
        yield SourcesFound(turn.chat.pk, ())
        async with aclosing(talk(turn, answer, understood)) as pieces:
            async for piece in pieces:
                yield Delta(piece)
        return
    understood = answer.understood = await condense(turn, answer, understood)
    understood = answer.understood = await vary(turn, answer, understood)
    answer.note_stage("condense")
    query = replace(understood.query, curated_in=_wants_curated(turn, understood))
    found = await retrieve(
        turn.bot,
        query,
        audience=turn.audience,
        bases=turn.bases,
        source_filter=turn.source_filter,
        reranks=True,
        masker=turn.masker,  # only there it is known which embedder is asked
    )
    answer.masked = turn.masker.kinds
    answer.note_stage("retrieve")
    # A translation may have been searched: what is said is said in the visitor's language.
    retrieval = answer.retrieval = replace(found, language=understood.language)
    if retrieval.curated is not None:
        for event in _give(turn, answer, retrieval.curated):
            yield event
        return
    async with aclosing(_answer_from(turn, answer, understood, retrieval)) as events:
        async for event in events:
            yield event


def _wants_curated(turn: OpenTurn, understood: Understood) -> str | None:
    return understood.language if turn.has_curated and not turn.goes_on else None


async def _answer_from(
    turn: OpenTurn, answer: Answer, understood: Understood, retrieval: Retrieval
) -> AsyncGenerator[TurnEvent, None]:
    """Ask back what is vague, refuse what was not found, or let the model speak."""
    if not turn.offers_tools and (asked := await ask_back(turn, answer, understood, retrieval)):
        yield SourcesFound(turn.chat.pk, ())
        yield Delta(asked)
        return
    refusal_text = choose_refusal_text(turn.bot.refusal_text, understood.language)
    refusal = ground(retrieval, refuses=turn.bot.refuses and not turn.offers_tools)
    answer.note_stage("ground")
    if refusal is not None:
        for event in _refuse(turn, answer, refusal, refusal_text):
            yield event
        return
    yield SourcesFound(turn.chat.pk, retrieval.passages)
    try:
        async with aclosing(speak(turn, answer, retrieval, refusal_text)) as pieces:
            async for piece in pieces:
                yield Delta(piece) if isinstance(piece, str) else ToolCalled(piece)
    except ProviderError as error:
        if error.category != FILTERED:
            raise
        yield Delta(refuse_filtered(answer, retrieval, error, write_filtered(understood.language)))


def _give(turn: OpenTurn, answer: Answer, curated: Curated) -> Iterator[TurnEvent]:
    """Answer with what a person has written, as it is; no model is asked."""
    answer.curated, answer.model = curated, turn.bot.model
    yield SourcesFound(turn.chat.pk, (curated.passage,))
    answer.citations = [(1, curated.passage)]
    for piece in re.split(r"(?<=\n\n)", curated.text):
        answer.content += piece
        yield Delta(piece)
    answer.outcome = Outcome.ANSWERED


def _refuse(turn: OpenTurn, answer: Answer, refusal: Refusal, text: str) -> tuple[TurnEvent, ...]:
    """End the turn with a fixed sentence; no model is asked."""
    answer.content, answer.refusal, answer.outcome = text, refusal, Outcome.REFUSED
    answer.model = turn.bot.model
    return SourcesFound(turn.chat.pk, ()), Delta(text)


async def _finish(turn: OpenTurn, answer: Answer) -> Done:
    message = await _store(turn, answer)
    answer.note_stage("close")
    tell_end(turn, answer)
    if message is None:
        raise ProductError("The turn was closed elsewhere.", code="turn_closed")
    usage = TurnUsage(turn.bot.model, answer.prompt_tokens, answer.completion_tokens)
    return Done(
        turn.chat.pk, message, usage, answer.citations, answer.refusal, answer.calls.whole() or None,
        bool(answer.content),
    )  # fmt: skip


async def _store(turn: OpenTurn, answer: Answer) -> Message | None:
    """`close_turn`, tried again while the database is away: its reader has the whole text, and would be told an error
    below it. Whatever stops a turn stops this too.
    """
    began, pause, is_second = time.monotonic(), _PAUSE_SECONDS, False
    while True:
        try:
            # The reader of a stream has the whole text by now, any other has nothing yet.
            with waiting(AT_LEISURE if answer.is_stream else AT_ONCE):
                message = await run_sync(close_turn, turn, answer)
            if message is None and is_second:
                return await run_sync(find_stored, turn, answer)
            return message
        except DatabaseUnavailable:
            if time.monotonic() - began + pause > STORE_SECONDS:
                raise
        await asyncio.sleep(pause)
        pause, is_second = min(2 * pause, _LONGEST_PAUSE_SECONDS), True


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
