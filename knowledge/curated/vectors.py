"""The vectors of curated questions: made in the background, for the models that the bots name now.

Until one is made its question is found by its words. A model that nobody names any more loses its vectors.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from bots.models import BotProfile
from knowledge.indexing.embedding import BATCH_SIZE, embed_aside
from knowledge.models import CuratedQuestion, CuratedVector
from minirag.ai.builtin.local import is_embedder_available
from minirag.lib.errors import ProductError
from tenants.due import DueKind, make_due

logger = structlog.get_logger(__name__)

AGAIN: Final = timedelta(minutes=5)
"""When it is tried again after a failure."""


def embed_soon() -> None:
    """Have the vectors made that are missing; in the transaction that makes them missing."""
    make_due({DueKind.CURATED: timezone.now()})


def embed_curated() -> int:
    """Make the vectors that are missing in the current tenant, and drop those that nobody needs; returns how many.

    A model that fails keeps nobody else waiting: its questions are tried again later.
    """
    bots, made = _bots_by_model(), 0
    CuratedVector.objects.exclude(embedding_model__in=list(bots)).delete()
    for model, of_model in sorted(bots.items()):
        if is_embedder_available(model):
            try:
                made += _embed(model, of_model)
            except ProductError as error:
                logger.warning("curated questions not embedded", model=model, code=error.code)
    return made


def next_embedding() -> datetime | None:
    """When there is something left to do: after a failure, or where an embedder is missing."""
    bots = _bots_by_model()
    is_missing = any(
        _missing(model, of_model).exists()
        for model, of_model in bots.items()
        if is_embedder_available(model)
    )
    return timezone.now() + AGAIN if is_missing else None


def _embed(model: str, bots: list[BotProfile]) -> int:
    made = 0
    while batch := list(_missing(model, bots)[:BATCH_SIZE]):
        # With the key of a bot that gives the answer; its owner pays for it.
        texts = [question.text for question in batch]
        vectors = embed_aside(bots[0], model, texts)
        rows = [
            CuratedVector(question=question, embedding_model=model, emb=vector.tolist())
            for question, vector in zip(batch, vectors, strict=True)
        ]
        CuratedVector.objects.bulk_create(rows, ignore_conflicts=True)
        made += len(rows)
    return made


def _missing(model: str, bots: Iterable[BotProfile]) -> QuerySet[CuratedQuestion]:
    made = CuratedVector.objects.filter(question=OuterRef("pk"), embedding_model=model)
    asked = CuratedQuestion.objects.filter(answer__bots__in=[bot.pk for bot in bots])
    return asked.filter(~Exists(made)).order_by("pk").distinct()


def _bots_by_model() -> dict[str, list[BotProfile]]:
    """The bots that give curated answers, by their embedding model."""
    found: dict[str, list[BotProfile]] = {}
    bots = BotProfile.objects.filter(curated_answers__isnull=False).order_by("created_at", "pk")
    for bot in bots.distinct():
        found.setdefault(bot.effective_embedding_model, []).append(bot)
    return found
