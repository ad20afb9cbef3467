"""What a bot may answer somebody from at this moment: its sources for them, less those that a filter leaves out."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, NullIf, TruncDate
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from django.utils import timezone

from bots.models import BotProfile, SourceFilter, read_source_filter
from knowledge.models import (
    ANYONE,
    Audience,
    CuratedAnswer,
    Document,
    RestrictedPart,
    Source,
    SourceQuerySet,
    Visibility,
)
from knowledge.ordering.precedence import Standing, weigh
from minirag.lib.rows import FixedQuery

PRIORITY_STEP, PRIORITY_STEPS = 0.01, 5
_DAY = Coalesce("dated_on", TruncDate("created_at", tzinfo=UTC))
_COLUMNS = (
    "pk", "chunk_count", "language", "dataset__embedding_model", "link__priority", "weight", "is_pinned",
)  # fmt: skip
_INDEXED = "SELECT chunk_id, source_id FROM chunk_index WHERE chunk_id = ANY(%s)"


@dataclass(frozen=True)
class Scope:
    """What a bot may answer from at this moment; `languages` with the most frequent first.

    `source_ids` are what the index is asked for: sources, and parts of them that only some may read.
    Only what `embedded_ids` name has vectors of `embedding_model`; the rest is found by its words. `factors`, one for
    each source, say what its dataset's priority, its weight and its age do to a score. `standings` are there
    where a source is pinned, or where age counts. `spoken`: a filter wants these languages, and sources hold documents
    of others, which are left out; empty where there is nothing to leave out.
    """

    source_ids: list[uuid.UUID]
    embedded_ids: list[uuid.UUID]
    factors: list[float]
    standings: dict[uuid.UUID, Standing]
    rows: int
    languages: list[str]
    embedding_model: str
    spoken: tuple[str, ...] = ()

    @property
    def state(self) -> int:
        """Another one once other sources answer, or other pieces of them; of one process."""
        return hash((frozenset(self.source_ids), self.rows, self.embedding_model))

    def find_held(self, chunks: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """Which of these chunks are searched in it now."""
        if not chunks:
            return set()
        with connection.cursor() as cursor:
            cursor.execute(_INDEXED, [list(chunks)])
            rows = cursor.fetchall()
        searched = set(self.source_ids)
        return {chunk for chunk, source in rows if source in searched}


def narrow(
    sources: SourceQuerySet, filters: Sequence[SourceFilter], audience: Audience
) -> SourceQuerySet:
    """Leave out what one of the filters does not want; without any, the query stays as it is.

    A source stays for one document in a language that is wanted; what it holds in others `Scope.spoken` leaves out.
    """
    if (wanted := wanted_languages(filters)) is not None:
        spoken = documents_by_language(audience).filter(source=OuterRef("pk"), spoken__in=wanted)
        sources = sources.filter(Q(language__in=wanted) | Exists(spoken))
    for each in filters:
        if each.tags:
            tagged = Q()
            for tag in each.tags:
                tagged |= Q(tags__contains=[tag]) | Q(parent__tags__contains=[tag])
                tagged |= Q(dataset__tags__contains=[tag])
            sources = sources.filter(tagged)
        if each.dataset_ids:
            sources = sources.filter(dataset__in=each.dataset_ids)
        if each.source_ids:
            sources = sources.filter(Q(pk__in=each.source_ids) | Q(parent__in=each.source_ids))
        if each.dated_from:
            sources = sources.filter(GreaterThanOrEqual(_DAY, each.dated_from))
        if each.dated_until:
            sources = sources.filter(LessThanOrEqual(_DAY, each.dated_until))
    return sources


def wanted_languages(filters: Sequence[SourceFilter]) -> frozenset[str] | None:
    """The languages that all of the filters want; None where none of them names any."""
    named = [frozenset(each.languages) for each in filters if each.languages]
    return frozenset.intersection(*named) if named else None


def documents_by_language(audience: Audience) -> QuerySet[Any, Any]:
    """The documents that an audience may read, by `spoken`: one whose language could not be told has its source's."""
    spoken = Coalesce(NullIf("language", Value("")), "source__language")
    return Document.objects.readable_by(audience).alias(spoken=spoken).order_by()


def filters_of(bot: BotProfile, asked: SourceFilter | None = None) -> tuple[SourceFilter, ...]:
    """The bot's own filter and that of a question, each if there is one: both have to be met."""
    own = read_source_filter(bot.source_filter)
    return tuple(each for each in (own, asked) if each is not None and each.says_anything)


def answering_sources(
    bot: BotProfile, filters: Sequence[SourceFilter], audience: Audience
) -> SourceQuerySet:
    """The sources that a bot answers an audience from now, less what its filter and a question's leave out."""
    return narrow(Source.objects.answering(bot.pk, audience), filters, audience)


def holds_restricted() -> bool:
    """Whether the tenant has anything that is not for everybody."""
    narrowed = ~Q(visibility=Visibility.PUBLIC) | ~Q(groups=[])
    return (
        RestrictedPart.objects.exists()
        or Source.objects.filter(narrowed, deleted_at__isnull=True).exists()
        or CuratedAnswer.objects.filter(narrowed).exists()
    )


def count_chunks(bot: BotProfile) -> Counter[str]:
    """How many chunks a bot answers everybody from in each language; what has none told counts as English."""
    filters = filters_of(bot)
    sources = answering_sources(bot, filters, ANYONE).order_by()
    if (wanted := wanted_languages(filters)) is not None:
        return _count_spoken(sources.values("pk"), wanted, ANYONE)
    counts = Counter[str]()
    for language, count in sources.values_list("language", "chunk_count"):
        counts[language or "en"] += count
    return counts


def _count_spoken(
    sources: Iterable[Any], wanted: Iterable[str], audience: Audience
) -> Counter[str]:
    """How many chunks of the sources are in each of the languages, by their documents."""
    found = documents_by_language(audience).filter(source__in=sources, spoken__in=wanted)
    counted = found.annotate(spoken=F("spoken")).values_list("spoken").annotate(Sum("chunk_count"))
    return Counter(dict(counted))


def _select_rows(
    bot_profile_id: uuid.UUID, filters: Sequence[SourceFilter] = (), audience: Audience = ANYONE
) -> QuerySet[Source, Any]:
    found = narrow(Source.objects.answering(bot_profile_id, audience), filters, audience).order_by()
    if (wanted := wanted_languages(filters)) is None:
        return found.values_list(*_COLUMNS, _DAY)
    others = (
        documents_by_language(audience).filter(source=OuterRef("pk")).exclude(spoken__in=wanted)
    )
    return found.values_list(*_COLUMNS, _DAY, Exists(others))


ROWS = FixedQuery(_select_rows, uuid.UUID)
"""What `load_scope` asks where a question `is_usual`."""


def is_usual(filters: Sequence[SourceFilter], audience: Audience) -> bool:
    """Whether nothing is left out, and only what is for everybody is searched."""
    return not filters and audience == ANYONE


def load_scope(bot: BotProfile, filters: Sequence[SourceFilter], audience: Audience) -> Scope:
    """Read it, in one query, and one more for whom something that is not for everybody may be there; one more again
    where a filter wants some of the languages of a source's documents.
    """
    rows = (
        ROWS.fetch(bot.pk)
        if is_usual(filters, audience)
        else list(_select_rows(bot.pk, filters, audience))
    )
    wanted = wanted_languages(filters)
    mixed = {row[0] for row in rows if row[-1]} if wanted is not None else set()
    by_language = _count_spoken(mixed, wanted, audience) if wanted and mixed else Counter[str]()
    by_model: dict[str, int] = {}
    for key, count, language, model, *_ in rows:
        if key not in mixed:
            by_language[language or "en"] += count
        by_model[model] = by_model.get(model, 0) + count
    own = bot.effective_embedding_model
    # Shared datasets may stay behind when a bot changes its model, or its own until it is re-embedded.
    chosen = (
        own
        if own in by_model
        else max(by_model, key=lambda name: (by_model[name], name), default="")
    )
    factors, standings = _weigh(rows, bot.recency_days)
    keys, embedded = [row[0] for row in rows], {row[0] for row in rows if row[3] == chosen}
    places = {key: place for place, key in enumerate(keys)}
    for part, source in _find_parts(keys, audience):
        keys.append(part)
        factors.append(factors[places[source]])
        embedded |= {part} if source in embedded else set()
    return Scope(
        source_ids=keys,
        embedded_ids=[key for key in keys if key in embedded],
        factors=factors,
        standings=standings,
        rows=sum(row[1] for row in rows),
        languages=sorted(by_language, key=lambda name: (-by_language[name], name)),
        embedding_model=chosen,
        spoken=tuple(sorted(wanted)) if wanted and mixed else (),
    )


def _find_parts(
    sources: Sequence[uuid.UUID], audience: Audience
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """The parts of these sources that not everybody may read, but this audience: each with its source."""
    if audience == ANYONE or not sources:
        return []
    parts = RestrictedPart.objects.readable_by(audience).filter(source__in=sources)
    return list(parts.order_by("pk").values_list("pk", "source_id"))


def _weigh(
    rows: Sequence[tuple[Any, ...]], half_life: int | None
) -> tuple[list[float], dict[uuid.UUID, Standing]]:
    """What each source's scores are multiplied by, and the standings where they decide more than that."""
    factors = [weigh_priority(row[4]) for row in rows]
    has_pinned = any(row[6] for row in rows)
    if half_life is None and not has_pinned and all(row[5] == 1 for row in rows):
        return factors, {}
    today = timezone.now().date()
    known = {row[0]: Standing(row[5], row[6], row[7] if half_life else None) for row in rows}
    weighed = [
        factor * weigh(known[row[0]], today, half_life)
        for factor, row in zip(factors, rows, strict=True)
    ]
    return weighed, known if half_life or has_pinned else {}


def weigh_priority(priority: int | None) -> float:
    """Return what a dataset's scores are multiplied by; None is the bot's own dataset, which comes first.

    A step is worth 1 %, five at most: that decides between passages that fit about equally well, as two versions of
    one page do, and leaves those that fit clearly better where they are.
    """
    return 1.0 - PRIORITY_STEP * min((priority or 1) - 1, PRIORITY_STEPS)
