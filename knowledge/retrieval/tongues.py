"""What a bot's sources are called and written in, and whether they know a word: asked before anything is searched."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Final

from django.db.models import Q, Sum

from bots.models import BotProfile, SourceFilter
from knowledge.models import Audience, Source
from knowledge.models.index import LexiconTerm
from knowledge.retrieval.scope import (
    answering_sources,
    documents_by_language,
    filters_of,
    wanted_languages,
)
from minirag.lib.remembering import Remembered
from minirag.lib.text.analysis import analyse, term_id
from tenants.context import current_schema

KEPT_SECONDS: Final = 30.0
"""For so long the languages are remembered: they are a hint, and what may answer is looked up by the search."""
_LONGEST_TITLE: Final = 60
_LOOKED_AT: Final = 30

_kept: Remembered[tuple[str, uuid.UUID, Audience], tuple[float, tuple[str, ...]]] = Remembered(2000)


def load_languages(bot_profile_id: uuid.UUID, audience: Audience) -> tuple[str, ...]:
    """Return the languages of the sources that a bot answers an audience from, the most frequent first."""
    key, now = (current_schema(), bot_profile_id, audience), time.monotonic()
    known = _kept.get(key)
    if known is not None and now - known[0] < KEPT_SECONDS:
        return known[1]
    found = (
        Source.objects.answering(bot_profile_id, audience)
        .order_by()
        .values_list("language")
        .annotate(size=Sum("chunk_count"))
    )
    languages = tuple(
        language for language, _ in sorted(found, key=lambda row: (-row[1], row[0])) if language
    )
    _kept[key] = now, languages
    return languages


def list_titles(
    bot: BotProfile, language: str, count: int, audience: Audience,
    source_filter: SourceFilter | None = None,
) -> list[str]:  # fmt: skip
    """Return what a bot's largest sources are about, by the titles of documents that this audience may read; those in
    `language` first.
    """
    filters = filters_of(bot, source_filter)
    sources = answering_sources(bot, filters, audience)
    wanted = wanted_languages(filters)
    rows = (
        documents_by_language(audience)
        .filter(source__in=sources, **({} if wanted is None else {"spoken__in": wanted}))
        .exclude(Q(title="") & Q(source__name=""))
        .order_by("-source__chunk_count", "source_id", "-chunk_count", "id")
        .values_list("title", "source__name", "language")[:_LOOKED_AT]
    )
    ordered = sorted(rows, key=lambda row: row[2] != language)
    titles = dict.fromkeys(" ".join((title or name).split()) for title, name, _ in ordered)
    return [title for title in titles if len(title) <= _LONGEST_TITLE][:count]


def knows_any_word(text: str, languages: Sequence[str]) -> bool:
    """Whether a word of `text` occurs in what the tenant has indexed."""
    terms = {term for language in languages or ["en"] for term in analyse(text, language)}
    return LexiconTerm.objects.filter(term__in=[term_id(term) for term in terms], df__gt=0).exists()
