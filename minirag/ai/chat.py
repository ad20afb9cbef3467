"""One streamed answer from a chat model: any LiteLLM id, or `minirag/extractive`, which needs neither key nor network.
OpenAI-compatible servers are called directly, all others through LiteLLM.

Retries and fallback models are tried only until the first token has been passed on: after it a second attempt would
repeat text that somebody has read already.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from minirag.ai import pricing, tokens
from minirag.ai.builtin import local, offline
from minirag.ai.builtin.checking import Check
from minirag.ai.builtin.minilm import EmbedderMissing
from minirag.ai.builtin.offline import OfflineAnswer, OfflinePassage, Part
from minirag.ai.builtin.sentences.candidates import read_languages
from minirag.ai.builtin.sentences.taken_up import Strictness
from minirag.ai.credentials import Credentials
from minirag.ai.hearing import ChatDelta, ChatFinished, ChatRetracted, Clock, Hearing
from minirag.ai.lending import lend_credentials, load_litellm
from minirag.ai.providers import calls, dialects, direct, gateway
from minirag.ai.providers.calls import ChatAnswer, ChatCall, ModelCallFailed
from minirag.ai.providers.dialects import Dialect
from minirag.ai.tooling import ToolCallPiece, Tooling
from minirag.lib.errors import ProviderError
from minirag.lib.metrics.counted import note_provider_error

EXTRACTIVE = "minirag/extractive"


@dataclass(frozen=True)
class ChatRequest:
    """What to ask of which model.

    `timeout_seconds` is the longest wait for the first token; half of it may pass between two tokens, four times as
    much in all, retries included. `credentials` go to `model` and to those fallback models that have the same
    provider, never to another one. The fields from `question` to `lead` feed the offline answerer alone (see
    offline.answer_question; `language` is the question's); `embedding_model` None, or without its files, ranks its
    sentences by words only; `strictness` None: what it would quote is not checked.

    `shorten` gives the same request with less to read, for a model whose context is too small: of so many tokens, where
    the provider said so. `temperature` None is the model's own. With `tooling` no model of ours is asked, which has no
    tools.
    """

    model: str
    messages: tuple[dict[str, Any], ...]
    temperature: float | None
    max_tokens: int
    credentials: Credentials | None
    timeout_seconds: float
    fallback_models: tuple[str, ...] = ()
    question: str = ""
    before: str = ""
    language: str = ""
    parts: tuple[Part, ...] = ()
    passages: tuple[OfflinePassage, ...] = ()
    term_weights: Mapping[str, float] = field(default_factory=dict)
    embedding_model: str | None = None
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    strictness: Strictness | None = None
    margin: float = 0.0
    lead: float | None = None
    shorten: Callable[[int | None], ChatRequest] | None = None
    tooling: Tooling | None = None


@dataclass(frozen=True)
class ChatShortened:
    """The first event where a model could not read the whole request: it answers this one."""

    request: ChatRequest


@dataclass(frozen=True)
class ChatDeclined:
    """Instead of any words: what the offline answerer would quote does not answer the question."""

    check: Check


ChatEvent = ChatDeclined | ChatShortened | ChatDelta | ChatRetracted | ChatFinished | ToolCallPiece
ChatStream = AsyncGenerator[ChatEvent, None]
# How often one model may be asked in another dialect: there is no more that could be left out.
MOST_DIALECTS = 8


async def stream_chat(request: ChatRequest) -> ChatStream:
    """Yields ChatDelta until the one ChatFinished. Raises ProviderError before the first token or in mid-stream.

    Closing the generator (or cancelling its task) closes the connection to the provider.
    """
    stream, first, asked = await _open_stream(request, Clock(request.timeout_seconds))
    async with aclosing(stream):
        if asked is not request:
            yield ChatShortened(asked)
        yield first
        async for event in stream:
            yield event


async def _open_stream(
    request: ChatRequest, clock: Clock
) -> tuple[ChatStream, ChatEvent, ChatRequest]:
    """The first stream that delivered something, what it delivered, and what it was asked."""
    failure = ProviderError("not_configured")
    for position, model in enumerate((request.model, *request.fallback_models)):
        if request.tooling and local.is_local(model):
            continue
        asked = sent = request  # what is sent may have another temperature, or fewer tokens
        attempt, dialects_tried = 0, 0
        while True:
            stream = _stream_model(sent, model, clock)
            try:
                return stream, await anext(stream), asked
            except ProviderError as error:
                # The first model's failure is the one to report: it is the one the bot is set to.
                failure = error if position == 0 else failure
                caught = error
            if caught.category == "content_filter":
                raise caught  # a decision: another model must not be a way around it
            if isinstance(caught, Misunderstood) and dialects_tried < MOST_DIALECTS:
                dialects_tried += 1
                sent = caught.request
                continue
            if (shorter := _shorten(request, asked, caught)) is not None:
                asked = sent = shorter
                continue
            delay = calls.choose_delay(attempt, caught)
            if delay is None or clock.elapsed() + delay > clock.end - clock.started:
                break
            await asyncio.sleep(delay)
            attempt += 1
    raise failure


def _shorten(
    request: ChatRequest, asked: ChatRequest, failure: ProviderError
) -> ChatRequest | None:
    """What to ask where that was too long, once; None where there is nothing to shorten."""
    if failure.category != "context_length" or asked is not request or request.shorten is None:
        return None
    limit = failure.complaint.number if isinstance(failure, ModelCallFailed) else None
    return request.shorten(limit)


class Misunderstood(ModelCallFailed):
    """The model was not asked in its dialect, which is known now, or for what it cannot give: asking `request` of it
    may help.
    """

    def __init__(self, failure: ModelCallFailed, request: ChatRequest) -> None:
        super().__init__(failure.complaint, provider=failure.provider)
        self.request = request


def _stream_model(request: ChatRequest, model: str, clock: Clock) -> ChatStream:
    if local.is_local(model):
        return _stream_offline(request, model, clock)
    return _stream_provider(request, model, clock)


async def count_cut_off(
    model: str, messages: Sequence[Mapping[str, Any]], said: str
) -> ChatFinished:
    """What a call is charged that was cut off before its end: a provider bills what it read and said, and tells only
    at the end.
    """
    return await asyncio.to_thread(_count_cut_off, model, messages, said)


def _count_cut_off(model: str, messages: Sequence[Mapping[str, Any]], said: str) -> ChatFinished:
    asked, told = tokens.count_prompt_tokens(messages), tokens.count_tokens(said)
    return ChatFinished(model, asked, told, pricing.cost_of(model, asked, told), "", 0.0)


async def _stream_offline(request: ChatRequest, model: str, clock: Clock) -> ChatStream:
    if model != EXTRACTIVE:
        raise ProviderError("not_configured", provider="minirag")
    loop = asyncio.get_running_loop()
    answer, prompt_tokens, completion_tokens = await loop.run_in_executor(
        local.local_threads(), answer_offline, request
    )
    first_token_seconds = clock.elapsed()
    if answer.check is not None and not answer.check.is_answered:
        yield ChatDeclined(answer.check)
        completion_tokens = 0
    else:
        for piece in offline.split_pieces(answer.text):
            yield ChatDelta(piece)
            await asyncio.sleep(0)
    yield ChatFinished(
        model, prompt_tokens, completion_tokens, pricing.FREE, "stop", first_token_seconds, answer.check
    )  # fmt: skip


def answer_offline(request: ChatRequest) -> tuple[OfflineAnswer, int, int]:
    """The extractive answer with its prompt and completion tokens. Blocks for some 0.1 s with an embedder."""
    question = request.question or next(
        (
            message["content"]
            for message in reversed(request.messages)
            if message.get("role") == "user"
        ),
        "",
    )
    # A local one wherever search uses real vectors: sending every sentence to a paid embedder would cost too much.
    model = request.embedding_model
    by_words_only = model in (None, local.HASH)
    is_multilingual = model is not None and local.is_multilingual(model)
    languages = read_languages(request.passages)
    if is_multilingual and local.is_embedder_available(local.MINILM):
        # Of English sentences the small English model knows more, whatever model has found them.
        is_multilingual = not offline.is_english(question, languages.values())
    chosen = model if is_multilingual else None
    answer = offline.answer_question(
        question,
        request.passages,
        before=request.before,
        parts=request.parts,
        term_weights=request.term_weights,
        embed=None if by_words_only else local.find_sentence_embedder(chosen),
        is_multilingual=is_multilingual,
        read=None if by_words_only else local.find_sentence_reader(chosen),
        variants=request.variants,
        strictness=request.strictness,
        margin=request.margin,
        lead=request.lead,
        languages=languages,
        spoken=request.language,
    )
    return answer, tokens.count_prompt_tokens(request.messages), tokens.count_tokens(answer.text)


async def _stream_provider(request: ChatRequest, model: str, clock: Clock) -> ChatStream:
    credentials = await lend_credentials(request.credentials, request.model, model)
    dialect = dialects.recall(model, credentials)
    answer = await _make_answer(request, model, credentials, dialect, clock)
    takes_calls = request.tooling is not None and bool(request.tooling.tools)
    hearing = Hearing(model, clock, thinks_first=dialect.thinks_first, takes_calls=takes_calls)
    failure = None
    try:
        patience = clock.first_token_seconds
        with clock.limit(patience):
            await answer.open()
        while not hearing.is_over:
            clock.require_time()
            with clock.limit(patience):
                pieces = await answer.read(may_wait=hearing.has_text)
            patience = clock.between_tokens_seconds
            for event in hearing.hear(pieces):
                yield event
        failure = hearing.judge_end(answer)
    except Exception as error:  # noqa: BLE001 - an edge: LiteLLM lets whatever its providers raise through
        failure = hearing.judge(answer.translate(error))
    finally:
        clock.rest()
        await answer.close()
    if hearing.thinks_unopened and not dialect.thinks_first:
        dialects.remember(model, credentials, replace(dialect, thinks_first=True))
    if failure is not None:
        note_provider_error(failure.category)
        raise _explain(failure, request, model, credentials, dialect)
    yield await hearing.finish(request.messages)


async def _make_answer(
    request: ChatRequest,
    model: str,
    credentials: Credentials | None,
    dialect: Dialect,
    clock: Clock,
) -> ChatAnswer:
    """Raises ProviderError("not_configured") without a call."""
    seconds = clock.first_token_seconds
    call = ChatCall(
        model, request.messages, request.temperature, request.max_tokens, seconds, dialect,
        request.tooling,
    )  # fmt: skip
    if direct.serves(model, credentials):
        return direct.DirectAnswer(call, credentials)
    await load_litellm()
    return gateway.LiteLLMAnswer(call, credentials)


def _explain(
    failure: ProviderError,
    request: ChatRequest,
    model: str,
    credentials: Credentials | None,
    asked: Dialect,
) -> ProviderError:
    """A failure is a misunderstanding where the model was asked in the wrong dialect, and another is known now, or
    where a value can be spared in this call.
    """
    if not isinstance(failure, ModelCallFailed) or not failure.complaint.parameter:
        return failure
    complaint = failure.complaint
    if not complaint.is_of_value and dialects.learn(model, credentials, asked, complaint):
        return Misunderstood(failure, request)
    spared = asked.spare(complaint, temperature=request.temperature, max_tokens=request.max_tokens)
    if spared is None:
        return failure
    temperature, max_tokens = spared
    return Misunderstood(failure, replace(request, temperature=temperature, max_tokens=max_tokens))


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
    for model in filter(local.is_folder, wanted):
        with suppress(EmbedderMissing):
            local.encode_locally(model, ["warm"])
    for model in local.list_folders():
        local.pin(model)
    if _need_litellm(wanted):
        gateway.warm_up()


def load_to_share(models: Iterable[str]) -> None:
    """The part of `warm_up` that outlives a fork: code and tables, no session, thread or connection."""
    tokens.load_encoding()
    pricing.load_map()
    local.load_code()
    if _need_litellm(models):
        gateway.load_litellm()


def _need_litellm(models: Iterable[str]) -> bool:
    return any(not local.is_local(model) and not direct.serves(model, None) for model in models)
