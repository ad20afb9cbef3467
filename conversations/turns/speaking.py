"""The part of a turn in which a model speaks: what it is asked, and what of its words is the answer.

Its thoughts are kept back below (minirag.ai), its citations are checked here while they stream.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from django.conf import settings

from bots.models import Fusion, Outcome, UnsupportedMode
from conversations.citing.marks import MarkerFilter, numbered
from conversations.citing.supporting import SupportGate, check_support, list_statements
from conversations.masking.asking import (
    chat_models,
    mask_exchange,
    mask_history,
    mask_passages,
    masker_of,
)
from conversations.masking.restoring import Restored
from conversations.models import CutReason
from conversations.turns.fitting import Reading, fit, room_of, surely_fits
from conversations.turns.grounding import (
    Refusal,
    choose_strictness,
    decline,
    find_model_refusal,
)
from conversations.turns.prompting import Messages, build_prompt, fit_passages, recall
from conversations.turns.state import Answer, OpenTurn, Prompted
from conversations.turns.streams import coalesce
from knowledge.retrieval.passages import Passage, measure_lead
from knowledge.retrieval.queries import Query
from knowledge.retrieval.retrieving import Retrieval
from minirag.ai.builtin.offline import OfflinePassage, Part
from minirag.ai.chat import (
    ChatDeclined,
    ChatDelta,
    ChatFinished,
    ChatRequest,
    ChatRetracted,
    ChatShortened,
    count_cut_off,
    stream_chat,
)
from minirag.ai.tooling import ToolCallPiece
from minirag.lib.errors import ProviderError
from minirag.lib.masking.masker import NOTE, NOTHING, Masker

FILTERED = "content_filter"
# Characters of a token, at the least, in the scripts that are written most: what fits by this fits.
_CHARACTERS_PER_TOKEN = 3
RULES_TOKENS = 300  # of the rules that come with passages


async def speak(
    turn: OpenTurn, answer: Answer, retrieval: Retrieval, refusal_text: str
) -> AsyncGenerator[str | ToolCallPiece, None]:
    """Stream the answer, its citations checked, in frames of about 20 ms; fills in `answer` on the way.

    Raises ProviderError; `provider_content_filter` where the provider would not hear the question or say a word.
    """
    query = answer.understood.query if answer.understood else Query(turn.question.content)
    masker = await masker_of(turn, answer, *chat_models(turn.bot))
    if masker.masks_passages:
        await asyncio.to_thread(masker.read, [each.content for each in retrieval.passages])
    reading = await _make_room(turn, retrieval, refusal_text, masker)
    request = make_chat_request(turn, retrieval, refusal_text, query, reading, masker)
    answer.prompted = _tell_prompted(turn, retrieval, reading, request)
    markers, gate = _make_markers(turn, len(reading.passages)), _make_gate(turn, retrieval)
    declined: ChatDeclined | None = None
    async with aclosing(listen(turn, answer, request, masker)) as pieces:
        async for piece in pieces:
            if isinstance(piece, ChatRetracted):
                markers = _make_markers(turn, markers.passage_count)
                gate = _make_gate(turn, retrieval)
                answer.content, answer.citations = "", []
            elif isinstance(piece, ChatDeclined):
                declined = piece
            elif isinstance(piece, ChatShortened):
                markers.passage_count = len(piece.request.passages)
                answer.prompted = replace(
                    _tell_prompted(turn, retrieval, reading, piece.request),
                    passages=markers.passage_count, said=0, is_shortened=True,
                )  # fmt: skip
            elif isinstance(piece, ToolCallPiece):
                answer.calls.add(piece)
                yield piece
            elif shown := _show(markers.feed(piece), gate):
                answer.content += shown
                answer.citations = numbered(retrieval.passages, list(markers.cited))
                yield shown
    answer.note_stage("model")
    rest = _show(markers.flush(), gate) + (gate.flush() if gate else "")
    if rest := rest.rstrip():
        answer.content += rest
        yield rest
    answer.citations = numbered(retrieval.passages, list(markers.cited))
    answer.dropped_citations = markers.dropped
    if declined is not None:
        answer.content, answer.refusal = refusal_text, decline(retrieval, declined.check)
        yield refusal_text
    elif turn.bot.refuses:
        answer.refusal = find_model_refusal(answer.content, refusal_text, retrieval)
    if (
        declined is None
        and not answer.only_calls
        and await _note_support(turn, answer, retrieval, gate)
    ):
        answer.content = refusal_text
        yield refusal_text
    answer.note_stage("cite")
    answer.outcome = Outcome.REFUSED if answer.refusal else Outcome.ANSWERED
    if not answer.content.strip() and not answer.only_calls:
        raise ProviderError(FILTERED if answer.cut_reason == CutReason.FILTER else "empty")


class _Unmarked:
    """In place of a MarkerFilter where the answer is JSON, in which `[1]` is a list: all that was read is cited."""

    dropped = 0

    def __init__(self, passage_count: int) -> None:
        self.passage_count = passage_count

    @property
    def cited(self) -> range:
        return range(1, self.passage_count + 1)

    def feed(self, text: str) -> str:
        return text

    def flush(self) -> str:
        return ""


def _make_markers(turn: OpenTurn, passage_count: int) -> MarkerFilter | _Unmarked:
    is_json = turn.tooling is not None and turn.tooling.is_formatted
    return _Unmarked(passage_count) if is_json else MarkerFilter(passage_count)


def _tell_prompted(
    turn: OpenTurn, retrieval: Retrieval, reading: Reading, request: ChatRequest
) -> Prompted:
    characters = sum(len(message["content"] or "") for message in request.messages)
    return Prompted(
        len(reading.passages), len(retrieval.passages), len(reading.history), len(turn.history), characters
    )  # fmt: skip


def _make_gate(turn: OpenTurn, retrieval: Retrieval) -> SupportGate | None:
    """Only where the bot leaves out what is not supported."""
    is_json = turn.tooling is not None and turn.tooling.is_formatted
    if turn.bot.unsupported_mode != UnsupportedMode.DROP or is_json:
        return None
    return SupportGate(_list_texts(retrieval), turn.question.content)


def _list_texts(retrieval: Retrieval) -> list[tuple[str, str]]:
    return [(passage.heading or passage.title, passage.content) for passage in retrieval.passages]


def _show(text: str, gate: SupportGate | None) -> str:
    return gate.feed(text) if gate else text


async def _note_support(
    turn: OpenTurn, answer: Answer, retrieval: Retrieval, gate: SupportGate | None
) -> bool:
    """Compare what was said with what it cites; True where that left nothing to say, which is a refusal then."""
    if gate is None:
        if answer.citations:  # or there is nothing to compare, and a thread costs more
            answer.support = await asyncio.to_thread(
                check_support, answer.content, _list_texts(retrieval), turn.question.content
            )
        return False
    answer.support = gate.found
    left = {number for each in list_statements(answer.content) for number in each.numbers}
    answer.citations = [each for each in answer.citations if each[0] in left]
    if answer.content.strip() or not gate.found:
        return False
    answer.refusal = Refusal("unsupported", retrieval.confidence, retrieval.threshold)
    return True


def refuse_filtered(answer: Answer, retrieval: Retrieval, error: ProviderError, text: str) -> str:
    """End a turn whose question the provider's filter refused: plainly, and with its own reason and code."""
    answer.content, answer.outcome, answer.error_code = text, Outcome.REFUSED, error.code
    answer.refusal = Refusal(FILTERED, retrieval.confidence, retrieval.threshold)
    answer.cut_reason = ""
    return text


Heard = ToolCallPiece | ChatDeclined | ChatShortened | ChatRetracted | ChatFinished


async def listen(
    turn: OpenTurn, answer: Answer, request: ChatRequest, masker: Masker
) -> AsyncGenerator[str | ToolCallPiece | ChatDeclined | ChatShortened | ChatRetracted, None]:
    """Ask the model what `masker` has read; notes which it was, its tokens, cost, times and how its answer ended."""
    answer.model, answer.asked, started = turn.bot.model, request.messages, time.monotonic()
    restored = Restored(turn, masker)

    async def words() -> AsyncGenerator[str | Heard, None]:
        async with aclosing(stream_chat(request)) as events:
            async for event in events:
                if isinstance(event, ChatDelta):
                    yield event.content
                else:
                    yield event

    paced: AsyncGenerator[str | Heard, None] = coalesce(words())
    async with aclosing(paced) as pieces:
        async for piece in pieces:
            if isinstance(piece, ChatFinished):
                _note_end(turn, answer, piece)
                if rest := restored.words.flush():
                    yield rest
                continue
            if isinstance(piece, ChatShortened):
                answer.asked = piece.request.messages
            elif answer.first_token_ms is None:
                answer.first_token_ms = round((time.monotonic() - started) * 1000)
            if isinstance(piece, str):
                if said := restored.words.feed(piece):
                    yield said
                continue
            yield restored.see(piece)


def _note_end(turn: OpenTurn, answer: Answer, end: ChatFinished) -> None:
    answer.prompt_tokens, answer.completion_tokens = end.prompt_tokens, end.completion_tokens
    answer.cost_usd, answer.check = end.cost_usd, end.check
    answer.first_token_ms = round(end.first_token_seconds * 1000)
    answer.model = turn.bot.model if end.model.endswith(turn.bot.model) else end.model
    answer.cut_reason = end.finish_reason if end.finish_reason in CutReason.values else ""


async def charge_cut_off(answer: Answer, *, is_given_up: bool) -> None:
    """Count what a model has read and said that took too long, was interrupted, or was given up by whoever waited: the
    provider bills it all the same.
    """
    said = answer.content + answer.calls.describe()
    is_cut = said or is_given_up or answer.is_late
    if not answer.asked or answer.completion_tokens or not is_cut:
        return
    end = await count_cut_off(answer.model, answer.asked, said)
    answer.prompt_tokens, answer.completion_tokens = end.prompt_tokens, end.completion_tokens
    answer.cost_usd = end.cost_usd


Build = Callable[[Sequence[Passage], Sequence[tuple[str, str]]], Messages]


def _builder(turn: OpenTurn, refusal_text: str, language: str, masker: Masker) -> Build:
    def build(passages: Sequence[Passage], history: Sequence[tuple[str, str]]) -> Messages:
        messages = build_prompt(
            system_prompt=turn.bot.system_prompt,
            history=mask_history(masker, history),
            question=masker.mask(turn.question.content),
            passages=mask_passages(masker, passages),
            refusal=refusal_text,
            note=NOTE if masker.kinds else "",
            scopes=turn.scopes,
            today=turn.today,
            language=language,
            is_json=turn.tooling is not None and turn.tooling.is_formatted,
            has_tools=turn.offers_tools,
        )
        return (*messages, *mask_exchange(masker, turn.tooling.exchange if turn.tooling else ()))

    return build


async def _make_room(
    turn: OpenTurn, retrieval: Retrieval, refusal_text: str, masker: Masker
) -> Reading:
    """What the model can read of the history and the passages, where the size of its context is known."""
    history = recall(turn.history, turn.refused, refusal_text)
    reading, bot = Reading(history, retrieval.passages), turn.bot
    room = room_of(bot.model, bot.max_tokens)
    build = _builder(turn, refusal_text, retrieval.language, masker)
    if room is None or surely_fits(build(reading.passages, reading.history), room):
        return reading
    frame = build(retrieval.passages[:0], ())
    return await asyncio.to_thread(fit, reading, frame, room - RULES_TOKENS)


def make_chat_request(
    turn: OpenTurn, retrieval: Retrieval, refusal_text: str, query: Query, reading: Reading,
    masker: Masker = NOTHING,
) -> ChatRequest:  # fmt: skip
    """Put the turn into the words of minirag.ai; pure but for the settings and the bot's own key."""
    bot, passages = turn.bot, reading.passages
    build = _builder(turn, refusal_text, retrieval.language, masker)

    def shorten(limit: int | None) -> ChatRequest:
        """Without what was said before, and with half of the passages' text, or what a known limit leaves of it."""
        max_tokens = max(1, min(bot.max_tokens, limit // 4) if limit else bot.max_tokens // 2)
        size = sum(len(message["content"] or "") for message in request.messages) // 2
        if limit:
            size = min(size, (limit - max_tokens) * _CHARACTERS_PER_TOKEN)
        rest = sum(len(message["content"] or "") for message in build((), ()))
        kept = fit_passages(passages, size - rest)
        return replace(
            request, messages=build(kept, ()), passages=quote_offline(kept), max_tokens=max_tokens, shorten=None,
        )  # fmt: skip

    request = ChatRequest(
        model=bot.model,
        messages=build(passages, reading.history),
        temperature=bot.temperature,
        max_tokens=bot.max_tokens,
        credentials=bot.credentials,
        timeout_seconds=settings.MODEL_TIMEOUT_SECONDS,
        fallback_models=tuple(settings.FALLBACK_LLM_MODELS),
        question=query.text,
        before=query.said_before if query.is_leaning else "",
        language=query.language,
        parts=tuple(Part(each.text, each.said_before, each.is_leaning) for each in query.parts),
        passages=quote_offline(passages),
        term_weights=retrieval.term_weights,
        embedding_model=bot.effective_embedding_model,
        variants=retrieval.variants,
        strictness=choose_strictness(bot.refusal_mode),
        margin=retrieval.confidence - retrieval.threshold,
        tooling=turn.tooling,
        lead=None
        if bot.fusion == Fusion.RECIPROCAL_RANK
        else measure_lead(retrieval.passages, retrieval.rows),
        shorten=shorten,
    )
    return request


def quote_offline(passages: Sequence[Passage]) -> tuple[OfflinePassage, ...]:
    """Passages as the offline answerer reads them, numbered as in the prompt."""
    return tuple(
        OfflinePassage(number, passage.heading, passage.content, passage.score, passage.title)
        for number, passage in enumerate(passages, start=1)
    )
