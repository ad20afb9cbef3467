"""One streamed answer from a chat model: any LiteLLM id, or `minirag/extractive`, which needs neither key nor network.

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

from minirag.ai import gateway, local, offline, pricing, tokens
from minirag.ai.credentials import Credentials
from minirag.ai.offline import OfflinePassage
from minirag.lib.errors import ProviderError

EXTRACTIVE = "minirag/extractive"
CONNECT_SECONDS = 10.0


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


async def _open_stream(request: ChatRequest, clock: Clock) -> tuple[ChatStream, ChatDelta | ChatFinished]:
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
                delay = gateway.choose_delay(attempt, error)
            if delay is None or clock.elapsed() + delay > clock.end - clock.started:
                break
            await asyncio.sleep(delay)
            attempt += 1
    raise failure


def _stream_model(request: ChatRequest, model: str, clock: Clock) -> ChatStream:
    if local.is_local(model):
        return _stream_offline(request, model, clock)
    return _stream_litellm(request, model, clock)


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
    yield ChatFinished(model, prompt_tokens, completion_tokens, pricing.FREE, "stop", first_token_seconds)


def answer_offline(request: ChatRequest) -> tuple[str, int, int]:
    """The extractive answer with its prompt and completion tokens. Blocks for some 0.1 s with an embedder."""
    question = request.question or next(
        (message["content"] for message in reversed(request.messages) if message.get("role") == "user"), ""
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
    usage: Any = None
    finish_reason: str = "stop"
    first_token_seconds: float | None = None

    def read(self, chunk: Any, clock: Clock) -> str:
        """Takes note of one LiteLLM chunk and returns its text, which may be empty."""
        self.usage = getattr(chunk, "usage", None) or self.usage
        choice = chunk.choices[0] if chunk.choices else None
        if choice is None:
            return ""
        self.finish_reason = choice.finish_reason or self.finish_reason
        content = choice.delta.content or ""
        if content:
            self.text.append(content)
            if self.first_token_seconds is None:
                self.first_token_seconds = clock.elapsed()
        return content


async def _stream_litellm(request: ChatRequest, model: str, clock: Clock) -> ChatStream:
    if gateway.loaded_litellm() is None:
        await asyncio.to_thread(gateway.load_litellm)
    route = gateway.find_route(model, _credentials_for(request, model))
    receipt = Receipt(model)
    upstream, failure = None, None
    try:
        patience = clock.first_token_seconds
        async with clock.limit(patience):
            upstream = await gateway.load_litellm().acompletion(**_arguments(request, route, clock))
        while True:
            async with clock.limit(patience):
                chunk = await anext(upstream, None)
            if chunk is None:
                break
            patience = clock.between_tokens_seconds
            content = receipt.read(chunk, clock)
            if content:
                yield ChatDelta(content)
        if _was_cut_off(upstream):
            failure = ProviderError("interrupted", provider=route.provider)
    except Exception as error:  # noqa: BLE001 - an edge: LiteLLM lets whatever its providers raise through
        failure = gateway.translate(error, provider=route.provider)
    finally:
        if upstream is not None:
            await upstream.aclose()
    if failure is not None:
        raise _judge(failure, receipt)
    yield await _finish(request, receipt, clock)


def _arguments(request: ChatRequest, route: gateway.Route, clock: Clock) -> dict[str, Any]:
    return {
        "model": route.model,
        "messages": list(request.messages),
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        "timeout": gateway.make_timeout(min(CONNECT_SECONDS, clock.first_token_seconds), clock.first_token_seconds),
        "num_retries": 0,
        "max_retries": 0,
        **route.arguments,
    }


def _credentials_for(request: ChatRequest, model: str) -> Credentials | None:
    """A bot's key never travels to another provider than the one it was entered for."""
    if model == request.model or gateway.find_provider(model) == gateway.find_provider(request.model):
        return request.credentials
    return None


def _was_cut_off(upstream: Any) -> bool:
    """LiteLLM ends a broken stream with a made-up "stop"; these two say whether the provider sent a reason."""
    return (
        getattr(upstream, "received_finish_reason", "stop") is None
        and getattr(upstream, "intermittent_finish_reason", None) is None
    )


def _judge(failure: ProviderError, receipt: Receipt) -> ProviderError:
    """Once text has arrived, whatever goes wrong but slowness is an interruption."""
    if receipt.text and failure.category != "timeout":
        return ProviderError("interrupted", provider=failure.provider)
    return failure


async def _finish(request: ChatRequest, receipt: Receipt, clock: Clock) -> ChatFinished:
    prompt_tokens = getattr(receipt.usage, "prompt_tokens", 0) or 0
    completion_tokens = getattr(receipt.usage, "completion_tokens", 0) or 0
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
        first_token_seconds=clock.elapsed() if receipt.first_token_seconds is None else receipt.first_token_seconds,
    )


def warm_up(models: Iterable[str]) -> None:
    """Loads in this process what the given chat and embedding models need, before a visitor waits for it.

    Blocks (about 4 s with LiteLLM, 1 s without): call it in a thread at start. A missing embedder is no error here.
    """
    wanted = set(models)
    tokens.load_encoding()
    pricing.load_map()
    if local.MINILM in wanted and local.is_embedder_available(local.MINILM):
        local.encode_locally(local.MINILM, ["warm"])
    if any(not local.is_local(model) for model in wanted):
        gateway.warm_up()
