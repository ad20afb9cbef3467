"""A first answer to a gap, from the sources: what the bot itself would say if it were let to."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from bots.models import BotProfile, RefusalMode
from conversations.evaluating.rehearsing import rehearse
from conversations.models import Gap
from knowledge.retrieval.passages import Passage
from minirag.ai.builtin.local import is_local
from minirag.lib.database import wait_for_model
from minirag.lib.errors import Conflict, ProviderError
from tenants.audit import record

SPARE_SECONDS: Final = 10.0
"""For all but the model."""


class NothingToDraft(Conflict):
    """The sources have nothing to draft an answer from."""

    code = "nothing_to_draft"

    def __init__(self) -> None:
        super().__init__(
            "The sources have nothing to draft an answer from: write it, or add a source."
        )


@dataclass(frozen=True)
class Draft:
    """`is_quoted`: no model wrote it; they are the sentences that come closest, to start from."""

    answer: str
    model: str
    is_quoted: bool
    citations: tuple[tuple[int, Passage], ...]


def draft_for(gap: Gap) -> Draft:
    """`draft_answer` of a gap, in the audit log since it costs. Blocks."""
    record("gap.draft_asked", detail={"gap_id": gap.pk})
    return wait_for_model(draft_answer, gap.bot_profile, gap.question)


async def draft_answer(bot: BotProfile, question: str) -> Draft:
    """Have an answer drafted; stores nothing but what it cost.

    Raises NothingToDraft, ProviderError, and QuotaExceeded or BudgetExceeded where nothing is left to ask with.
    """
    lenient = copy.copy(bot)
    lenient.asks_back = False  # whoever drafts has read what is meant
    is_quoted = is_local(bot.model)
    # A model says itself what its sources do not hold; the offline answerer's check has failed already.
    lenient.refusal_mode = RefusalMode.OPEN if is_quoted else RefusalMode.BALANCED
    try:
        async with asyncio.timeout(settings.MODEL_TIMEOUT_SECONDS + SPARE_SECONDS):
            made = await rehearse(lenient, question)
    except TimeoutError:
        raise ProviderError("timeout") from None
    if made.error is not None:
        raise made.error
    answer = made.answer
    if answer.refusal is not None or not answer.citations:
        raise NothingToDraft
    return Draft(answer.content, answer.model or bot.model, is_quoted, tuple(answer.citations))
