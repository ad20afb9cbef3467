"""What models outside read of a turn: without what its bot keeps from them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings

from bots.models import BotProfile
from conversations.turns.state import Answer, History, OpenTurn
from knowledge.retrieval.passages import Passage
from minirag.ai.builtin.local import is_local
from minirag.lib.masking.masker import NOTHING, Masker


async def masker_of(turn: OpenTurn, answer: Answer, *models: str) -> Masker:
    """The turn's, which has read what was said, where one of these models is not ours; else one that takes nothing out.

    What it takes out is counted in `answer.masked`.
    """
    if not turn.masker.takes_out or all(is_local(model) for model in models if model):
        return NOTHING
    await asyncio.to_thread(_read, turn)
    answer.masked = turn.masker.kinds
    return turn.masker


def _read(turn: OpenTurn) -> None:
    turn.masker.read([*(content for _, content in turn.history), turn.question.content])
    mask_exchange(turn.masker, turn.tooling.exchange if turn.tooling else ())


def chat_models(bot: BotProfile) -> tuple[str, ...]:
    """Who may be asked for an answer."""
    return (bot.model, *settings.FALLBACK_LLM_MODELS)


def mask_history(masker: Masker, history: History) -> tuple[tuple[str, str], ...]:
    return tuple((role, masker.mask(content)) for role, content in history)


def mask_passages(masker: Masker, passages: Sequence[Passage]) -> Sequence[Passage]:
    """Passages as a model reads them; what is cited, checked and shown are those that were found."""
    if not masker.takes_out:
        return passages
    return [
        replace(
            each, content=masker.mask_passage(each.content), heading=masker.mask_passage(each.heading),
            title=masker.mask_passage(each.title),
        )
        for each in passages
    ]  # fmt: skip


def mask_exchange(masker: Masker, exchange: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """What functions of the client's were asked, and what came of it."""
    return tuple(_mask_message(masker, message) for message in exchange)


def _mask_message(masker: Masker, message: dict[str, Any]) -> dict[str, Any]:
    masked = dict(message)
    if isinstance(said := message.get("content"), str):
        masked["content"] = masker.mask(said)
    if calls := message.get("tool_calls"):
        masked["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": masker.mask_json(call["function"]["arguments"])}}
            for call in calls
        ]  # fmt: skip
    return masked
