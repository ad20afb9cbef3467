"""Chooses the embedder of a bot that has just begun to know something: the multilingual one unless that is English.

The default embedder is best in English and knows no other language. The choice falls with the bot's first floors, and
again while those were made from little (`LITTLE`), since one English page may come before a hundred others. What is
chosen is kept as the bot's own `embedding_model`: so nothing changes by itself later, and whoever changes it has the
last word. The vectors are then made anew as after any such change, while the old ones answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from bots.drafts.models import QualityGate
from bots.models import BotProfile, BotProfileQuerySet
from bots.profiles import update_bot
from knowledge.models import BotDataset, RefusalFloors
from knowledge.retrieval.scope import count_chunks
from minirag.ai.builtin.local import is_embedder_available
from minirag.ai.embeddings import profile_of
from tenants.audit import acting

logger = structlog.get_logger(__name__)

ACTOR: Final = "automatic choice of the embedder"
"""Who did it, in the audit log."""

LITTLE: Final = 100
"""Floors from fewer chunks do not end the choice."""


def is_mostly_foreign(chunks: Mapping[str, int]) -> bool:
    """Whether more than half of the chunks, counted by language, are in another than English; "" counts as English."""
    total = sum(chunks.values())
    return 2 * (total - chunks.get("en", 0) - chunks.get("", 0)) > total


def choose_embedders() -> int:
    """Give the current tenant's new bots whose knowledge is not mostly English the multilingual embedder.

    Returns how many. Left alone are bots that have long known something, that have or had a model of their own, with a
    shared dataset, since all that share one have to embed alike, and with a gate, which lets nothing change by itself.
    The caller has their datasets embedded anew.
    """
    model = settings.MULTILINGUAL_EMBEDDING_MODEL
    if not (
        model
        and profile_of(settings.DEFAULT_EMBEDDING_MODEL).english_only
        and is_embedder_available(model)
    ):
        return 0
    new = _find_new().order_by("pk")
    return sum(_move(bot, model) for bot in new if is_mostly_foreign(count_chunks(bot)))


def _find_new() -> BotProfileQuerySet:
    """The bots whose embedder is still free to choose: where floors are for another, somebody took the default back."""
    decided = Q(chunk_count__gte=LITTLE) | ~Q(embedding_model=settings.DEFAULT_EMBEDDING_MODEL)
    return (
        BotProfile.objects.active()
        .filter(Q(embedding_model=None) | Q(embedding_model=""))
        .exclude(pk__in=RefusalFloors.objects.filter(decided).values("bot_profile"))
        .exclude(pk__in=BotDataset.objects.values("bot_profile"))
        .exclude(pk__in=QualityGate.objects.values("bot_profile"))
    )


def _move(bot: BotProfile, model: str) -> bool:
    """False where somebody was faster."""
    with transaction.atomic():
        free = _find_new().select_for_update().filter(pk=bot.pk).first()
        if free is None:
            return False
        with acting(ACTOR):
            update_bot(free, {"embedding_model": model})
    logger.info("multilingual embedder chosen", bot=str(bot.pk), model=model)
    return True
