"""Lets a model put the passages that were found in order, where a bot has one for that. It is never needed.

What the model does not name stays behind what it names, in the order of the search; a model that fails, takes longer
than RERANK_TIMEOUT_SECONDS or says nothing of use leaves the order as it was, and the trace says so. Confidence and
refusal are the search's own affair: an order says nothing on whether there is an answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from django.conf import settings

from bots.models import BotProfile
from bots.providers.lending import lend_key
from knowledge.retrieval.found import Reranking, Retrieval
from knowledge.retrieval.passages import Passage
from minirag.ai.rerank import Reranked, estimate_spent, rerank
from minirag.lib.errors import ProviderError
from minirag.lib.masking.masker import Masker, mask_asked

DEPTH: Final = 20  # passages that a model is given


async def rerank_found(
    bot: BotProfile, question: str, found: Retrieval, wanted: int, masker: Masker
) -> Retrieval:
    """Return what was found in the order of the bot's model, `wanted` at most. Never fails."""
    if len(found.passages) < 2:
        return found
    started = time.perf_counter()
    seconds, model = settings.RERANK_TIMEOUT_SECONDS, bot.rerank_model
    texts = [f"{each.heading}\n{each.content}".strip() for each in found.passages]
    question, texts = await mask_asked(masker, question, texts)
    said, is_cut = Reranked(()), False
    try:
        async with asyncio.timeout(seconds):
            lent = await lend_key(bot, model)
            said = await rerank(model, question, texts, credentials=lent, timeout_seconds=seconds)
        outcome = "used" if said.order else "unusable"
    except TimeoutError:
        outcome, is_cut = "timeout", True
    except ProviderError as error:
        outcome = "timeout" if error.category == "timeout" else "failed"
        is_cut = error.is_cut_off
    if is_cut:  # it was asked, and a provider bills what it has read
        said = await asyncio.to_thread(estimate_spent, model, question, texts)
    milliseconds = (time.perf_counter() - started) * 1000
    spent = Reranking(
        model, outcome, said.tokens, said.completion_tokens, said.cost_usd, milliseconds
    )
    passages = put_in_order(found.passages, said.order)[:wanted]
    return replace(
        found, passages=passages, reranking=spent, milliseconds=found.milliseconds + milliseconds
    )


def put_in_order(passages: Sequence[Passage], order: Sequence[int]) -> tuple[Passage, ...]:
    """Passages as a model orders them; the first has the score of the first, so that scores still order. Pure."""
    named = [*order, *(place for place in range(len(passages)) if place not in set(order))]
    scores = [each.score for each in passages]
    return tuple(
        replace(passages[place], score=score) for place, score in zip(named, scores, strict=True)
    )
