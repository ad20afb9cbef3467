"""Floors that fit a bot's own knowledge: how sure search is about strangers there, and about what it knows.

One floor for all cannot be right: a confidence depends on how many chunks there are, in which language, and who
embeds them. So each bot is asked everyday questions that hardly any documents answer (`strangers/`, a file a language),
and questions made of words from its own chunks, and the floors are put above most of the former and below nearly all of
the latter. Where a base does know the everyday, as an encyclopedia does, the figures of the embedder are the ceiling.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import structlog
from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone

from bots.models import BotProfile, UsageKind
from bots.usage.metering import record_usage
from knowledge.models import ANYONE, Chunk, RefusalFloors
from knowledge.retrieval.confidence import Floors, choose_floors
from knowledge.retrieval.queries import Query
from knowledge.retrieval.retrieving import Retrieval, retrieve
from knowledge.retrieval.scope import (
    answering_sources,
    count_chunks,
    documents_by_language,
    filters_of,
)
from minirag.ai.builtin.local import MINILM, is_local
from minirag.ai.builtin.quoting import split_quotes
from minirag.ai.embeddings import profile_of
from minirag.lib.text.analysis import analyse

logger = structlog.get_logger(__name__)

STRANGERS: Final = Path(__file__).resolve().parent / "strangers"
QUESTIONS_OF_ITS_OWN: Final = 40
WORDS_OF_ONE: Final = 4
LEAST_SHARE: Final = 0.1
"""A language that less of the chunks are in gets no floors of its own."""
MUCH, MANY = 0.2, 10
"""What is a large change: so much of the chunks, and so many."""
AGAIN = timedelta(hours=6)
"""When a bot is tried again whose floors could not be made."""
REST = timedelta(seconds=60)
"""So long floors stand that were just made, while more sources are on their way."""


@dataclass(frozen=True)
class Calibrated:
    """What became of one bot's floors in one language."""

    bot: BotProfile
    language: str
    floors: Floors


@cache
def load_strangers(language: str) -> tuple[str, ...]:
    """Everyday questions in a language, the English ones where there are none in it."""
    path = STRANGERS / f"{language}.txt"
    return tuple((path if path.is_file() else STRANGERS / "en.txt").read_text().splitlines())


def choose_quantiles(
    strangers: Sequence[float], own: Sequence[float], usual: Floors, *, is_measured: bool
) -> Floors:
    """Put the floors between the confidences of strange questions and of the base's own.

    `is_measured`: the embedder's `usual` floors are known to be right for large bases, and are the ceiling.
    """
    ceiling = usual if is_measured else Floors(1.0, 1.0, 1.0)
    surely = quantile(own, 0.05) if len(own) >= MANY else 1.0
    balanced = min(quantile(strangers, 0.80), surely, ceiling.balanced)
    return Floors(
        min(quantile(strangers, 0.50), balanced, ceiling.hopeless),
        balanced,
        max(balanced, min(quantile(strangers, 0.95), surely, ceiling.strict)),
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def calibrate_bot(bot: BotProfile) -> list[Calibrated]:
    """Make the bot's floors anew, for each language of its sources; none where nothing can be compared by meaning.

    Takes about 150 searches a language. Blocks: for commands and workers.
    """
    counts = count_chunks(bot)
    total, made = sum(counts.values()), []
    for language, count in counts.most_common():
        if not count or count < LEAST_SHARE * total:
            continue
        floors = _measure(bot, language, total)
        if floors is not None:
            made.append(Calibrated(bot, language, floors))
    return made


def _measure(bot: BotProfile, language: str, total: int) -> Floors | None:
    strangers = async_to_sync(_ask_all)(bot, language, load_strangers(language))
    models = {each.embedding_model for each in strangers}
    model = models.pop()
    if model is None or models:
        logger.warning("floors not made: the embedder is missing or failed", bot=str(bot.pk))
        return None
    own = async_to_sync(_ask_all)(bot, language, list(invent_questions(bot, language)))
    profile = profile_of(model)
    usual = choose_floors(
        None, profile, is_dense=True, trusts_cosine=not profile.english_only or language == "en"
    )
    floors = choose_quantiles(
        [each.confidence for each in strangers], [each.confidence for each in own], usual,
        is_measured=model == MINILM,
    )  # fmt: skip
    with transaction.atomic():
        RefusalFloors.objects.update_or_create(
            bot_profile=bot, embedding_model=model, language=language,
            defaults={
                "hopeless": floors.hopeless, "balanced": floors.balanced, "strict": floors.strict, "chunk_count": total,
            },
        )  # fmt: skip
        if not is_local(model):
            spent = [*strangers, *own]
            record_usage(
                UsageKind.EMBEDDING, bot_profile_id=bot.pk, model=model,
                prompt_tokens=sum(each.embedding_tokens for each in spent),
                cost_usd=sum((each.embedding_cost_usd for each in spent), start=spent[0].embedding_cost_usd * 0),
            )  # fmt: skip
    return floors


async def _ask_all(bot: BotProfile, language: str, texts: Iterable[str]) -> list[Retrieval]:
    return [
        await retrieve(bot, Query(text, language), audience=ANYONE, limit=1, bases=())
        for text in texts
    ]


def invent_questions(bot: BotProfile, language: str) -> Iterable[str]:
    """Questions to which the bot knows an answer: every other word of a sentence of its own, a chunk each."""
    found = answering_sources(bot, filters_of(bot), ANYONE)
    spoken = documents_by_language(ANYONE).filter(source__in=found.values("pk"), spoken=language)
    # Ids are made from the content, so their order is no order.
    chunks = (
        Chunk.objects.filter(document__in=spoken).order_by("id").values_list("content", flat=True)
    )
    for content in chunks[:QUESTIONS_OF_ITS_OWN]:
        quotes = split_quotes(content)
        said = quotes[len(quotes) // 2].split() if quotes else []
        words = [word.strip(".,;:!?()\"'") for word in said if analyse(word, language)]
        if len(words) > 3:
            yield " ".join(words[::2][:WORDS_OF_ONE])


# --- What the clock does in the current tenant (see minirag/tasks.py) ---------------------------------------------


def find_outdated_bots() -> list[BotProfile]:
    """The active bots whose floors were never made, or for a base or an embedder that was very different."""
    outdated = []
    for bot in BotProfile.objects.active().order_by("pk"):
        known = count_chunks(bot).total()
        made = bot.refusal_floors.order_by("-made_at").values_list("embedding_model", "chunk_count")
        latest = made.first()
        if known and (
            latest is None
            or latest[0] != bot.effective_embedding_model
            or abs(known - latest[1]) > max(MUCH * latest[1], MANY)
        ):
            outdated.append(bot)
    return outdated


def calibrate_outdated() -> int:
    """Make the floors of bots that need it; returns how many."""
    made = RefusalFloors.objects.filter(made_at__gt=timezone.now() - REST)
    resting = set(made.values_list("bot_profile_id", "embedding_model"))
    return sum(
        bool(calibrate_bot(bot))
        for bot in find_outdated_bots()
        if (bot.pk, bot.effective_embedding_model) not in resting
    )


def next_calibration() -> datetime | None:
    """When the outdated are looked at again: those that only rested when their rest is over."""
    outdated = find_outdated_bots()
    if not outdated:
        return None
    now = timezone.now()
    made = RefusalFloors.objects.filter(bot_profile__in=outdated, made_at__gt=now - REST)
    latest = made.order_by("-made_at").values_list("made_at", flat=True).first()
    return now + AGAIN if latest is None else latest + REST
