"""A chat turn, from question to cited answer: `take_turn` is the one way through, for JSON, SSE and WebSocket alike.

It is an async generator of typed events, so that every surface tells the same story, and it is written as one
screen on purpose: the product is what happens in this file. No database connection is held while a model streams;
the question is committed before anything can fail, and however the turn ends (answered, refused, stopped by the
reader, failed) that end is stored once.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

import structlog
from django.conf import settings

from bots.models import Outcome
from conversations.models import Message
from conversations.turns.grounding import (
    MarkerFilter,
    Refusal,
    choose_refusal_text,
    find_model_refusal,
    ground,
)
from conversations.turns.guarding import guard
from conversations.turns.prompting import build_prompt
from conversations.turns.recording import (
    Answer,
    Asker,
    History,
    OpenTurn,
    close_turn,
    numbered,
    open_turn,
)
from conversations.turns.streams import coalesce
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.retrieving import Retrieval, retrieve
from minirag.ai.chat import ChatDelta, ChatFinished, ChatRequest, stream_chat
from minirag.ai.offline import OfflinePassage
from minirag.ai.pricing import cost_of
from minirag.ai.tokens import count_prompt_tokens, count_tokens
from minirag.lib.errors import ProductError
from tenants.context import require_tenant, run_sync, tenant_context

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Started:
    """The question is stored, in this chat; nothing of it is on the wire of the contract."""

    chat_id: uuid.UUID


@dataclass(frozen=True)
class SourcesFound:
    """The passages that the answer may cite, `[1]` being the first; empty for a refusal."""

    chat_id: uuid.UUID
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Delta:
    """A piece of the answer, its citations checked already."""

    content: str


@dataclass(frozen=True)
class Usage:
    model: str
    prompt_tokens: int
    completion_tokens: int

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class Done:
    """The turn is stored."""

    chat_id: uuid.UUID
    message: Message
    usage: Usage
    citations: list[tuple[int, Passage]] = field(default_factory=list)
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Failed:
    """The turn ended without an answer; the question is kept."""

    chat_id: uuid.UUID
    error: ProductError


TurnEvent = Started | SourcesFound | Delta | Done | Failed


class InternalFailure(ProductError):
    """Something of ours broke in the middle of a turn; the log has it under the request id."""

    status, code, retryable = 500, "internal", True


class NoAnswer(ProductError):
    """The provider ended its stream without a word."""

    status, code, retryable = 502, "provider_empty", True


async def take_turn(
    bot_profile_id: uuid.UUID,
    chat_id: uuid.UUID | None,
    question: str,
    *,
    asker: Asker,
    is_stream: bool,
    history: History | None = None,
) -> AsyncGenerator[TurnEvent, None]:
    """Answer `question` from the bot's knowledge: yields Started, SourcesFound, Delta…, and Done or Failed.

    What the model sees of the conversation before is the chat's own, or in a new chat the `history` that the caller
    gives, cut to the bot's number of turns.

    Raises before the first event, and only then: NotFound or Conflict (see recording.open_turn). Closing the
    generator stops the model; what was said until then is stored as a stopped turn.
    """
    tenant = require_tenant()
    answer = Answer(is_stream=is_stream, outcome=Outcome.STOPPED)
    turn = await _open(bot_profile_id, chat_id, question, asker, answer, history)
    started, failure = time.monotonic(), None
    try:
        yield Started(turn.chat.pk)
        async with aclosing(_answer(turn, answer)) as events:
            async for event in events:
                yield event
        answer.duration_ms = _milliseconds_since(started)
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
            answer.duration_ms = _milliseconds_since(started)
            # Where the event loop finalises us we are outside of the request's context: bind its tenant again.
            with tenant_context(tenant):
                await asyncio.shield(asyncio.ensure_future(_close(turn, answer)))
    if failure is not None:
        yield Failed(turn.chat.pk, failure)


async def _open(
    bot_profile_id: uuid.UUID,
    chat_id: uuid.UUID | None,
    question: str,
    asker: Asker,
    answer: Answer,
    history: History | None,
) -> OpenTurn:
    """Store the question; a reader who goes away while that happens leaves a stopped turn, not a pending one."""
    opening = asyncio.ensure_future(
        run_sync(open_turn, bot_profile_id, chat_id, question, asker, history)
    )
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        with suppress(ProductError):
            await run_sync(close_turn, await opening, answer)
        raise


async def _close(turn: OpenTurn, answer: Answer) -> None:
    """Store an end that came early. What cannot be stored now is left to the sweeper: the reader is told either way."""
    try:
        if (
            answer.asked
            and not answer.completion_tokens
            and (answer.content or answer.outcome == Outcome.STOPPED)
        ):
            await asyncio.to_thread(_estimate_usage, answer)
        await run_sync(close_turn, turn, answer)
    except Exception:
        logger.exception("the end of a turn was not stored", chat_id=str(turn.chat.pk))


def _estimate_usage(answer: Answer) -> None:
    """Count what a model that was cut off has read and said: the provider bills it, and tells only at the end."""
    answer.prompt_tokens = count_prompt_tokens(answer.asked)
    answer.completion_tokens = count_tokens(answer.content)
    answer.cost_usd = cost_of(answer.model, answer.prompt_tokens, answer.completion_tokens)


async def _answer(turn: OpenTurn, answer: Answer) -> AsyncGenerator[TurnEvent, None]:
    """Guard, retrieve, judge, and either refuse or let the model speak; fills in `answer` on the way."""
    if refused := await guard(turn):
        for event in _refuse(turn, answer, *refused):
            yield event
        return
    retrieval = answer.retrieval = await retrieve(turn.bot, turn.question.content, bases=turn.bases)
    refusal_text = choose_refusal_text(turn.bot.refusal_text, retrieval.language)
    refusal = ground(retrieval, refuses=turn.bot.refuses)
    if refusal is not None:
        for event in _refuse(turn, answer, refusal, refusal_text):
            yield event
        return
    yield SourcesFound(turn.chat.pk, retrieval.passages)
    markers = MarkerFilter(len(retrieval.passages))
    async with aclosing(_speak(turn, answer, retrieval, refusal_text)) as pieces:
        async for piece in pieces:
            if shown := markers.feed(piece):
                answer.content += shown
                answer.citations = numbered(retrieval.passages, list(markers.cited))
                yield Delta(shown)
    if rest := markers.flush().rstrip():
        answer.content += rest
        yield Delta(rest)
    answer.citations = numbered(retrieval.passages, list(markers.cited))
    answer.dropped_citations = markers.dropped
    answer.refusal = (
        find_model_refusal(answer.content, refusal_text, retrieval) if turn.bot.refuses else None
    )
    answer.outcome = Outcome.REFUSED if answer.refusal else Outcome.ANSWERED
    if not answer.content.strip():
        raise NoAnswer("The model gave no answer.")


def _refuse(turn: OpenTurn, answer: Answer, refusal: Refusal, text: str) -> tuple[TurnEvent, ...]:
    """End the turn with a fixed sentence; no model is asked."""
    answer.content, answer.refusal, answer.outcome = text, refusal, Outcome.REFUSED
    answer.model = turn.bot.model
    return SourcesFound(turn.chat.pk, ()), Delta(text)


async def _speak(
    turn: OpenTurn, answer: Answer, retrieval: Retrieval, refusal_text: str
) -> AsyncGenerator[str, None]:
    """Stream the model's words, joined to frames of about 20 ms; notes model, tokens, cost and times."""
    request = make_chat_request(turn, retrieval, refusal_text)
    answer.model, answer.asked, started = turn.bot.model, request.messages, time.monotonic()

    async def words() -> AsyncIterator[str | ChatFinished]:
        async with aclosing(stream_chat(request)) as events:
            async for event in events:
                yield event.content if isinstance(event, ChatDelta) else event

    async with aclosing(coalesce(words())) as pieces:
        async for piece in pieces:
            if isinstance(piece, ChatFinished):
                answer.prompt_tokens, answer.completion_tokens = (
                    piece.prompt_tokens,
                    piece.completion_tokens,
                )
                answer.cost_usd = piece.cost_usd
                answer.first_token_ms = round(piece.first_token_seconds * 1000)
                answer.model = (
                    turn.bot.model if piece.model.endswith(turn.bot.model) else piece.model
                )
                continue
            if answer.first_token_ms is None:
                answer.first_token_ms = _milliseconds_since(started)
            yield piece


def make_chat_request(turn: OpenTurn, retrieval: Retrieval, refusal_text: str) -> ChatRequest:
    """Put the turn into the words of minirag.ai; pure but for the settings and the bot's own key."""
    bot, passages = turn.bot, retrieval.passages
    return ChatRequest(
        model=bot.model,
        messages=build_prompt(
            system_prompt=bot.system_prompt,
            history=turn.history,
            question=turn.question.content,
            passages=passages,
            refusal=refusal_text,
            scopes=turn.scopes,
        ),
        temperature=bot.temperature,
        max_tokens=bot.max_tokens,
        credentials=bot.credentials,
        timeout_seconds=settings.MODEL_TIMEOUT_SECONDS,
        fallback_models=tuple(settings.FALLBACK_LLM_MODELS),
        question=turn.question.content,
        passages=tuple(
            OfflinePassage(number, passage.heading, passage.content, passage.score)
            for number, passage in enumerate(passages, start=1)
        ),
        term_weights=retrieval.term_weights,
        embedding_model=bot.effective_embedding_model,
    )


async def _finish(turn: OpenTurn, answer: Answer) -> Done:
    message = await run_sync(close_turn, turn, answer)
    if message is None:
        raise ProductError("The turn was closed elsewhere.", code="turn_closed")
    usage = Usage(turn.bot.model, answer.prompt_tokens, answer.completion_tokens)
    return Done(turn.chat.pk, message, usage, answer.citations, answer.refusal)


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
