"""What a bot may answer from at this moment."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import FilteredRelation, Q, QuerySet

from bots.models import BotProfile
from knowledge.models import Source
from minirag.lib.fixed_queries import FixedQuery

PRIORITY_STEP, PRIORITY_STEPS = 0.01, 5


@dataclass(frozen=True)
class Scope:
    """What a bot may answer from at this moment; `languages` with the most frequent first.

    Only what `embedded_ids` name has vectors of `embedding_model`; the rest is found by its words. `factors`, one for
    each source, say what its dataset's priority does to a score.
    """

    source_ids: list[uuid.UUID]
    embedded_ids: list[uuid.UUID]
    factors: list[float]
    rows: int
    languages: list[str]
    embedding_model: str


def _select_rows(bot_profile_id: uuid.UUID) -> QuerySet[Source, Any]:
    link = FilteredRelation(
        "dataset__bot_links", condition=Q(dataset__bot_links__bot_profile=bot_profile_id)
    )
    return (
        Source.objects.answering(bot_profile_id)
        .annotate(link=link)
        .order_by()
        .values_list("pk", "chunk_count", "language", "dataset__embedding_model", "link__priority")
    )


_ROWS = FixedQuery(_select_rows, uuid.UUID)


def load_scope(bot: BotProfile) -> Scope:
    """Read it, in one query."""
    rows = _ROWS.fetch(bot.pk)
    by_language: dict[str, int] = {}
    by_model: dict[str, int] = {}
    for _, count, language, model, _ in rows:
        by_language[language or "en"] = by_language.get(language or "en", 0) + count
        by_model[model] = by_model.get(model, 0) + count
    own = bot.effective_embedding_model
    # Shared datasets may stay behind when a bot changes its model, or its own until it is re-embedded.
    chosen = (
        own
        if own in by_model
        else max(by_model, key=lambda name: (by_model[name], name), default="")
    )
    return Scope(
        source_ids=[row[0] for row in rows],
        embedded_ids=[row[0] for row in rows if row[3] == chosen],
        factors=[weigh_priority(row[4]) for row in rows],
        rows=sum(row[1] for row in rows),
        languages=sorted(by_language, key=lambda name: (-by_language[name], name)),
        embedding_model=chosen,
    )


def weigh_priority(priority: int | None) -> float:
    """Return what a dataset's scores are multiplied by; None is the bot's own dataset, which comes first.

    A step is worth 1 %, five at most: that decides between passages that fit about equally well, as two versions of
    one page do, and leaves those that fit clearly better where they are.
    """
    return 1.0 - PRIORITY_STEP * min((priority or 1) - 1, PRIORITY_STEPS)
