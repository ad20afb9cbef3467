"""One streamed answer from a chat model: any LiteLLM id, or `minirag/extractive`, which needs neither key nor network.
OpenAI-compatible servers are called directly, all others through LiteLLM.

Retries and fallback models are tried only until the first token has been passed on: after it a second attempt would
repeat text that somebody has read already.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from minirag.ai import calls, direct, gateway, local, offline, pricing, tokens
from minirag.ai.calls import ChatAnswer, ChatCall, Piece
from minirag.ai.credentials import Credentials
from minirag.ai.offline import OfflinePassage
from minirag.lib.errors import ProviderError

EXTRACTIVE = "minirag/extractive"


@dataclass(frozen=True)
class ChatRequest:
    """What to ask of which model.

    `timeout_seconds` is the longest wait for the first token; half of it may pass between two tokens, four times as
    much in all, retries included. `credentials` go to `model` and to those fallback models that have the same
    provider, never to another one. The last four fields feed the offline answerer alone (see offline.compose_answer);
    `embedding_model` None, or without its files, ranks its sentences by words only.
    """

    model: str
    messages: tuple[dict[str, str], ...]
    temperature: float
    max_tokens: int
    credentials: Credentials | None
    timeout_seconds: float
    fallback_models: tuple[str, ...] = ()
    question: str = ""
    passages: tuple[OfflinePassage, ...] = ()
    term_weights: Mapping[str, float] = field(default_factory=dict)
    embedding_model: str | None = None


@dataclass(frozen=True)
class ChatDelta:
    content: str


@dataclass(frozen=True)
class ChatFinished:
    """The last event. `model` is the one that answered; `first_token_seconds` counts from the call of stream_chat."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: Decimal
    finish_reason: str
    first_token_seconds: float


ChatStream = AsyncGenerator[ChatDelta | ChatFinished, None]


class Clock:
    """The deadlines of one request, in monotonic seconds."""

    def __init__(self, timeout_seconds: float) -> None:
        self.started = time.monotonic()
        self.first_token_seconds = timeout_seconds
        self.between_tokens_seconds = timeout_seconds / 2
        self.end = self.started + 4 * timeout_seconds

    def limit(self, seconds: float) -> asyncio.Timeout:
        """A block that may take `seconds`, but not longer than the whole request may."""
        return asyncio.timeout(max(0.0, min(seconds, self.end - time.monotonic())))

    def elapsed(self) -> float:
        return time.monotonic() - self.started


async def stream_chat(request: ChatRequest) -> ChatStream:
    """Yields ChatDelta until the one ChatFinished. Raises ProviderError before the first token or in mid-stream.

    Closing the generator (or cancelling its task) closes the connection to the provider.
    """
    stream, first = await _open_stream(request, Clock(request.timeout_seconds))
    async with aclosing(stream):
        yield first
        async for event in stream:
            yield event


async def _open_stream(
    request: ChatRequest, clock: Clock
) -> tuple[ChatStream, ChatDelta | ChatFinished]:
    """The first stream that delivered something, and what it delivered."""
    failure = ProviderError("not_configured")
    for position, model in enumerate((request.model, *request.fallback_models)):
        attempt = 0
        while True:
            stream = _stream_model(request, model, clock)
            try:
                return stream, await anext(stream)
            except ProviderError as error:
                # The first model's failure is the one to report: it is the one the bot is set to.
                failure = error if position == 0 else failure
                delay = calls.choose_delay(attempt, error)
            if delay is None or clock.elapsed() + delay > clock.end - clock.started:
                break
            await asyncio.sleep(delay)
            attempt += 1
    raise failure


def _stream_model(request: ChatRequest, model: str, clock: Clock) -> ChatStream:
    if local.is_local(model):
        return _stream_offline(request, model, clock)
    return _stream_provider(request, model, clock)


async def _stream_offline(request: ChatRequest, model: str, clock: Clock) -> ChatStream:
    if model != EXTRACTIVE:
        raise ProviderError("not_configured", provider="minirag")
    loop = asyncio.get_running_loop()
    answer, prompt_tokens, completion_tokens = await loop.run_in_executor(
        local.local_threads(), answer_offline, request
    )
    first_token_seconds = clock.elapsed()
    for piece in offline.split_pieces(answer):
        yield ChatDelta(piece)
        await asyncio.sleep(0)
    yield ChatFinished(
        model, prompt_tokens, completion_tokens, pricing.FREE, "stop", first_token_seconds
    )


def answer_offline(request: ChatRequest) -> tuple[str, int, int]:
    """The extractive answer with its prompt and completion tokens. Blocks for some 0.1 s with an embedder."""
    question = request.question or next(
        (
            message["content"]
            for message in reversed(request.messages)
            if message.get("role") == "user"
        ),
        "",
    )
    # MiniLM wherever search uses real vectors: sending every sentence to a paid embedder would cost too much.
    by_words_only = request.embedding_model in (None, local.HASH)
    answer = offline.compose_answer(
        question,
        request.passages,
        term_weights=request.term_weights,
        embed=None if by_words_only else local.find_sentence_embedder(),
    )
    return answer, tokens.count_prompt_tokens(request.messages), tokens.count_tokens(answer)


@dataclass
class Receipt:
    """What a stream has delivered so far."""

    model: str
    text: list[str] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    finish_reason: str = "stop"
    first_token_seconds: float | None = None

    def take(self, piece: Piece, clock: Clock) -> None:
        self.usage = piece.usage or self.usage
        self.finish_reason = piece.finish_reason or self.finish_reason
        if piece.content:
            self.text.append(piece.content)
            if self.first_token_seconds is None:
                self.first_token_seconds = clock.elapsed()


async def _stream_provider(request: ChatRequest, model: str, clock: Clock) -> ChatStream:
    answer = await _make_answer(request, model, clock)
    receipt = Receipt(model)
    failure = None
    try:
        patience = clock.first_token_seconds
        async with clock.limit(patience):
            await answer.open()
        while True:
            async with clock.limit(patience):
                pieces = await answer.read()
            if not pieces:
                break
            patience = clock.between_tokens_seconds
            for piece in pieces:
                receipt.take(piece, clock)
                if piece.content:
                    yield ChatDelta(piece.content)
        if answer.was_cut_off:
            failure = ProviderError("interrupted", provider=answer.provider)
    except Exception as error:  # noqa: BLE001 - an edge: LiteLLM lets whatever its providers raise through
        failure = answer.translate(error)
    finally:
        await answer.close()
    if failure is not None:
        raise _judge(failure, receipt)
    yield await _finish(request, receipt, clock)


async def _make_answer(request: ChatRequest, model: str, clock: Clock) -> ChatAnswer:
    """Raises ProviderError("not_configured") without a call."""
    if _find_family(model) is None or _find_family(request.model) is None:
        await _load_litellm()
    credentials = _credentials_for(request, model)
    call = ChatCall(
        model, request.messages, request.temperature, request.max_tokens, clock.first_token_seconds
    )
    if direct.serves(model, credentials):
        return direct.DirectAnswer(call, credentials)
    await _load_litellm()
    return gateway.LiteLLMAnswer(call, credentials)


async def _load_litellm() -> None:
    if gateway.loaded_litellm() is None:
        await asyncio.to_thread(gateway.load_litellm)


def _find_family(model: str) -> str | None:
    """The provider of a model where LiteLLM need not be asked."""
    if local.is_local(model):
        return "minirag"
    found = direct.split_model(model)
    return found[0] if found else None


def _find_provider(model: str) -> str | None:
    return _find_family(model) or gateway.find_provider(model)


def _credentials_for(request: ChatRequest, model: str) -> Credentials | None:
    """A bot's key never travels to another provider than the one it was entered for."""
    if model == request.model or _find_provider(model) == _find_provider(request.model):
        return request.credentials
    return None


def _judge(failure: ProviderError, receipt: Receipt) -> ProviderError:
    """Once text has arrived, whatever goes wrong but slowness is an interruption."""
    if receipt.text and failure.category != "timeout":
        return ProviderError("interrupted", provider=failure.provider)
    return failure


async def _finish(request: ChatRequest, receipt: Receipt, clock: Clock) -> ChatFinished:
    prompt_tokens = calls.read_count(receipt.usage.get("prompt_tokens"))
    completion_tokens = calls.read_count(receipt.usage.get("completion_tokens"))
    if not prompt_tokens:
        prompt_tokens = await asyncio.to_thread(tokens.count_prompt_tokens, request.messages)
    if not completion_tokens and receipt.text:
        completion_tokens = await asyncio.to_thread(tokens.count_tokens, "".join(receipt.text))
    return ChatFinished(
        model=receipt.model,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost_usd=pricing.cost_of(receipt.model, prompt_tokens, completion_tokens),
        finish_reason=receipt.finish_reason,
        first_token_seconds=clock.elapsed()
        if receipt.first_token_seconds is None
        else receipt.first_token_seconds,
    )


def warm_up(models: Iterable[str]) -> None:
    """Loads in this process what the given chat and embedding models need, before a visitor waits for it.

    Blocks (about 4 s for a model that needs LiteLLM, 1 s without): call it in a thread at start. A missing embedder
    is no error here.
    """
    wanted = set(models)
    tokens.load_encoding()
    pricing.load_map()
    if local.MINILM in wanted and local.is_embedder_available(local.MINILM):
        local.encode_locally(local.MINILM, ["warm"])
    if any(not local.is_local(model) and not direct.serves(model, None) for model in wanted):
        gateway.warm_up()
