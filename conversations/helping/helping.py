"""Makes a refusal helpful: passages that come close, questions that have an answer, and where a person can be reached.

What is offered comes from what this very turn was allowed to find, from the bot's starter questions and from the titles
of its sources at this moment; so nothing of a source that is deleted, switched off or another tenant's. A question is
offered only after it was tried: it is searched and judged as it would be if a visitor asked it, without a model and
without a provider. The refusal itself is with the reader by then. Whoever tries to change the bot's orders is told
where a person is, and nothing else.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError

from bots.scopes.guardrails import UNSAFE_QUESTION
from conversations.helping.nearby import (
    MOST_SHOWN,
    choose_plausible,
    leave_out_asked,
    list_asked,
    list_topics,
)
from conversations.helping.offers import Help, Near
from conversations.helping.tried import Tried, place_of, recall, recall_standing, remember
from conversations.models import Message, MessageRole
from conversations.turns.grounding import choose_strictness, ground
from conversations.turns.guarding import judge_question
from conversations.turns.speaking import FILTERED, quote_offline
from conversations.turns.state import Answer, OpenTurn
from conversations.understanding.reading import read_turn
from knowledge.retrieval.passages import Passage, measure_lead
from knowledge.retrieval.retrieving import retrieve
from knowledge.retrieval.tongues import list_titles
from minirag.ai.builtin.local import is_local
from minirag.ai.builtin.offline import answer_question
from minirag.lib.errors import ProductError
from minirag.lib.rows import FixedQuery
from tenants.context import run_sync

logger = structlog.get_logger(__name__)

MOST_TRIED: Final = 5
MOST_REMEMBERED: Final = 100  # of a chat's questions, the latest
_ASKED: FixedQuery[str] = FixedQuery(
    lambda chat: Message.objects.filter(chat=chat, role=MessageRole.USER).order_by("-created_at")
    .values_list("content", flat=True)[:MOST_REMEMBERED],
    UUID,
)  # fmt: skip
_MARKER: Final = re.compile(r"\[(\d+)\]")
_UNHELPED: Final = (UNSAFE_QUESTION, FILTERED)


async def find_help(turn: OpenTurn, answer: Answer) -> Help | None:
    """What to offer below a refusal; None where there is nothing."""
    assert answer.refusal is not None and answer.understood is not None  # noqa: S101 - for the type checker
    language = answer.understood.language
    help = Help(language, contact=" ".join(turn.bot.known_contact.split()))
    if answer.refusal.reason not in _UNHELPED:
        near = await choose_near(answer)
        questions: list[str] = []
        try:
            async with asyncio.timeout(settings.HELP_TIMEOUT_SECONDS):
                await _find_questions(turn, language, near, questions)
        except TimeoutError:
            pass
        except (ProductError, DatabaseError):  # the refusal was said, and stands without help
            logger.exception("no help was found", bot=str(turn.bot.pk))
        shown = tuple(map(Near.of, near[:MOST_SHOWN]))
        help = replace(help, passages=shown, questions=tuple(questions))
    return None if help.is_empty else help


async def choose_near(answer: Answer) -> tuple[Passage, ...]:
    """What comes close to what was asked; nothing where nothing was searched, as where a scope refused."""
    if answer.retrieval is None or answer.understood is None:
        return ()
    # Each passage that nobody has looked at yet takes milliseconds.
    return await asyncio.to_thread(choose_plausible, answer.understood.query.text, answer.retrieval)


async def list_asked_before(turn: OpenTurn) -> list[str]:
    """What the visitor has asked in this chat, with the turn's own question; however little of it the model is told."""
    asked = [content for role, content in turn.history if role == MessageRole.USER]
    return [*await run_sync(_ASKED.fetch, turn.chat.pk), *asked, turn.question.content]


async def _find_questions(
    turn: OpenTurn, language: str, near: tuple[Passage, ...], questions: list[str]
) -> None:
    """Fill `questions` with what can be asked and has an answer: what comes close first, then what the bot is for."""
    candidates: Iterable[str] = (
        *list_asked(near, language), *turn.bot.starter_questions, *list_topics(near[MOST_SHOWN:])
    )  # fmt: skip
    if not turn.bot.starter_questions and not near:
        candidates = await run_sync(
            list_titles, turn.bot, language, MOST_SHOWN, turn.audience, turn.source_filter
        )
    asked = await list_asked_before(turn)
    async with aclosing(try_each(turn, leave_out_asked(candidates, asked)[:MOST_TRIED])) as tried:
        async for question, _ in tried:
            questions.append(question)
            if len(questions) == MOST_SHOWN:
                return


async def try_each(
    turn: OpenTurn, questions: Sequence[str], gate: AbstractAsyncContextManager[Any] | None = None
) -> AsyncGenerator[tuple[str, str], None]:
    """Yield those of the questions that this bot would answer now, as far as that can be told without asking a model,
    each with what it would quote. What has to be searched for that is searched within the `gate`.
    """
    place, begun = place_of(turn), time.monotonic()
    standing, state = await run_sync(recall_standing, turn, place, questions)
    for question in questions:
        tried = standing.get(question)
        if tried is None:
            async with gate or nullcontext():
                tried = recall(place, question, since=begun)  # while this waited for the gate
                if tried is None:
                    tried = await _try(turn, question, state)
                    if tried.is_lasting:
                        remember(place, question, tried)
        if tried.said is not None:
            yield question, tried.said


async def _try(turn: OpenTurn, question: str, state: int) -> Tried:
    """Find out whether this bot would answer a question now, and with what.

    It is guarded, searched, judged by the floor and, whoever speaks, by the check of what could be quoted. A provider's
    embedder is not asked: then it is searched by words.
    """
    none = Tried(None, (), state)
    understood = read_turn(question, (), (*turn.languages, *turn.source_languages))
    if understood.is_small_talk:
        return none
    verdict = await judge_question(question, turn.scopes, (), understood.language)
    if not verdict.is_allowed:
        return none
    bot = turn.bot
    is_asked_here = is_local(bot.embedding_model or settings.DEFAULT_EMBEDDING_MODEL)
    curated_in = understood.language if turn.has_curated else None
    query = replace(understood.query, by_words=not is_asked_here, curated_in=curated_in)
    found = await retrieve(
        bot, query, audience=turn.audience, bases=(), source_filter=turn.source_filter
    )
    if found.curated is not None:
        return Tried(found.curated.text, (), state)
    if not found.passages or ground(found, refuses=bot.refuses) is not None:
        return none
    answered = await asyncio.to_thread(
        answer_question, question, quote_offline(found.passages), term_weights=found.term_weights,
        variants=found.variants, strictness=choose_strictness(bot.refusal_mode) or "balanced",
        margin=found.confidence - found.threshold, lead=measure_lead(found.passages, found.rows),
        spoken=understood.language,
    )  # fmt: skip
    if answered.check is None or not answered.check.is_answered:
        return none
    cited = set(_MARKER.findall(answered.text))
    quoted = (each for at, each in enumerate(found.passages, start=1) if str(at) in cited)
    return Tried(answered.text, tuple(each.chunk_id for each in quoted), state)
