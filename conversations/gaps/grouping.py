"""Puts questions that mean the same together, a few thousand at a time and always with the same result.

Each question goes to the nearest gap of its bot and language whose first question is near enough and names the same
things, and else begins one of its own. What was grouped stays where it is, so a week costs what is new of it. Where
the bot's embedder knows only English, other languages are compared by their words (minirag/hash). Of two workers that
group at once, who comes second finds that something has changed since it looked, and looks again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog
from django.db import transaction
from django.db.models import Min, OuterRef, QuerySet, Subquery
from django.utils import timezone

from bots.models import BotProfile
from conversations.gaps.noting import GROUP_AFTER
from conversations.models.gaps import Gap, GapQuestion
from knowledge.curated.same_question import key_of, names_the_same
from knowledge.indexing.embedding import embed_aside
from minirag.ai.builtin.local import HASH, is_embedder_available
from minirag.ai.embeddings import profile_of
from minirag.lib.errors import ProductError

if TYPE_CHECKING:
    import numpy as np

logger = structlog.get_logger(__name__)

NEAR: Final = 0.72
NEAR_BY_WORDS: Final = 0.55
AT_ONCE: Final = 2_000
MOST_GAPS: Final = 5_000
"""Of a bot and language that new questions are compared with, the latest first."""
EMBEDDED_AT_ONCE: Final = 128
SLICE_SECONDS: Final = 60.0
AGAIN: Final = timedelta(minutes=10)


def group_gaps() -> int:
    """Group what waits in the current tenant for as long as a slice lasts; returns how many questions.

    A bot whose embedder fails keeps no other waiting: its questions are tried again later.
    """
    ends_at, done = time.monotonic() + SLICE_SECONDS, 0
    waiting = GapQuestion.objects.filter(gap__isnull=True)
    places = waiting.order_by("bot_profile_id", "language").values_list(
        "bot_profile_id", "language"
    )
    for bot_id, language in list(places.distinct()):
        ordered = waiting.filter(bot_profile_id=bot_id, language=language).order_by(
            "asked_at", "id"
        )
        try:
            while time.monotonic() < ends_at:
                batch = list(ordered.select_related("bot_profile")[:AT_ONCE])
                if not batch:
                    break
                done += _group(batch)
        except ProductError as error:
            logger.warning("questions not grouped", bot=str(bot_id), code=error.code)
    _empty_gaps().delete()
    return done


def _empty_gaps() -> QuerySet[Gap]:
    return Gap.objects.exclude(pk__in=Gap.objects.standing().values("pk"))


def next_grouping() -> datetime | None:
    first = GapQuestion.objects.filter(gap__isnull=True).aggregate(first=Min("asked_at"))["first"]
    now = timezone.now()
    if first is None:  # nothing to group; what was erased in between leaves gaps that nothing is in
        return now if _empty_gaps().exists() else None
    return first + GROUP_AFTER if first + GROUP_AFTER > now else now + AGAIN


def choose_model(bot: BotProfile, language: str) -> str:
    """The embedder to compare with: the bot's, where it is there and knows the language."""
    model = bot.effective_embedding_model
    if not is_embedder_available(model) or (profile_of(model).english_only and language != "en"):
        return HASH
    return model


def _group(questions: Sequence[GapQuestion]) -> int:
    """Group some questions of one bot and language, oldest first; 0 where another worker was quicker. Raises
    ProviderError and the like.
    """
    bot, language = questions[0].bot_profile, questions[0].language
    model = choose_model(bot, language)
    gaps = _load_gaps(bot, language)
    fresh = _embed(bot, model, [question.text for question in questions])
    # A provider may give one model's vectors another length.
    stale = [
        gap for gap in gaps
        if gap.embedding_model != model or len(_as_floats(gap.emb)) != fresh.shape[1]
    ]  # fmt: skip
    if stale:
        vectors = _embed(bot, model, [gap.question for gap in stale])
        for gap, vector in zip(stale, vectors, strict=True):
            gap.emb, gap.embedding_model = vector.tolist(), model
    leads = [gap.question for gap in gaps]
    near = NEAR_BY_WORDS if model == HASH else NEAR
    places = assign(
        [_as_floats(gap.emb) for gap in gaps], fresh, near,
        lambda lead, at: names_the_same(
            leads[lead] if lead < len(leads) else questions[lead - len(leads)].text,
            questions[at].text, language,
        ),
    )  # fmt: skip
    with transaction.atomic():
        if not _is_as_it_was(bot, language, questions, gaps):
            return 0
        Gap.objects.bulk_update(stale, ["emb", "embedding_model"], batch_size=200)
        made: dict[int, uuid.UUID] = {at: gap.pk for at, gap in enumerate(gaps)}
        for question, place, vector in zip(questions, places, fresh, strict=True):
            if place not in made:
                gap = Gap.objects.create(
                    bot_profile=bot, language=language, embedding_model=model, emb=vector.tolist(),
                    first_asked_at=question.asked_at, last_asked_at=question.asked_at,
                )  # fmt: skip
                made[place] = gap.pk
            question.gap_id = made[place]
        GapQuestion.objects.bulk_update(questions, ["gap"], batch_size=500)
        asked: dict[uuid.UUID, list[datetime]] = {}
        for question, place in zip(questions, places, strict=True):
            asked.setdefault(made[place], []).append(question.asked_at)
        for gap_id, moments in asked.items():
            Gap.note_asked(gap_id, min(moments), max(moments))
    return len(questions)


def _is_as_it_was(
    bot: BotProfile, language: str, questions: Sequence[GapQuestion], gaps: Sequence[Gap]
) -> bool:
    """Whether none of the questions is grouped or gone and there are the same gaps, now that no other worker writes."""
    list(BotProfile.objects.select_for_update(no_key=True).only("pk").filter(pk=bot.pk))
    asked = GapQuestion.objects.filter(pk__in=[each.pk for each in questions], gap__isnull=True)
    asked = asked.select_for_update().order_by("pk")  # as who deletes their chats
    known = {gap.pk for gap in gaps}
    standing = set(_find_gaps(bot, language).values_list("pk", flat=True)[:MOST_GAPS])
    return standing == known and len(asked.values_list("pk")) == len(questions)


def _find_gaps(bot: BotProfile, language: str) -> QuerySet[Gap]:
    rows = Gap.objects.filter(bot_profile=bot, language=language).standing()
    return rows.order_by("-last_asked_at", "pk")


def assign(
    leads: Sequence[Sequence[float]], vectors: np.ndarray, near: float,
    agrees: Callable[[int, int], bool],
) -> list[int]:  # fmt: skip
    """Give each vector the place of the lead that it goes with; one that goes with none is a lead itself, whose place
    is the number of first leads and its own. All are of length 1. Pure.
    """
    import numpy as np

    count, size = len(leads), vectors.shape[1]
    known = np.asarray(leads, dtype=np.float32).reshape(count, size)
    old = vectors @ known.T
    own: list[int] = []  # vectors that have become leads
    places: list[int] = []
    mutual = vectors @ vectors.T
    for at in range(len(vectors)):
        cosines = np.concatenate([old[at], mutual[at, own] if own else np.zeros(0, np.float32)])
        candidates = np.flatnonzero(cosines >= near)
        place = None
        for candidate in candidates[np.argsort(-cosines[candidates], kind="stable")]:
            lead = int(candidate) if candidate < count else count + own[int(candidate) - count]
            if agrees(lead, at):
                place = lead
                break
        if place is None:
            place = count + at
            own.append(at)
        places.append(place)
    return places


def _load_gaps(bot: BotProfile, language: str) -> list[Gap]:
    first = GapQuestion.objects.filter(gap=OuterRef("pk")).order_by("asked_at", "id")
    rows = _find_gaps(bot, language).annotate(lead=Subquery(first.values("text")[:1]))
    return list(rows[:MOST_GAPS])


def _embed(bot: BotProfile, model: str, texts: Sequence[str]) -> np.ndarray:
    """A vector for each text; texts of the same words share one."""
    import numpy as np

    first: dict[str, int] = {}
    different: list[str] = []
    places = []
    for text in texts:
        key = key_of(text)
        if key not in first:
            first[key] = len(different)
            different.append(text)
        places.append(first[key])
    parts = [
        embed_aside(bot, model, different[start : start + EMBEDDED_AT_ONCE])
        for start in range(0, len(different), EMBEDDED_AT_ONCE)
    ]
    return np.concatenate(parts)[places]


def _as_floats(vector: object) -> Sequence[float]:
    return vector.to_list() if hasattr(vector, "to_list") else list(vector)  # type: ignore[call-overload]
