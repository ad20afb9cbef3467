"""Chunks by words: those that have all of them, by the index's own terms, so that cases, endings and accents agree.

What stands in quotation marks has to stand so in the text. Each chunk is compared in its own language.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from pgvector import SparseVector
from pgvector.django import MaxInnerProduct

from knowledge.models import LEXICAL_DIMENSIONS, Chunk, Document, IndexEntry
from minirag.lib.text.analysis import analyse, term_id

MOST_TERMS: Final = 20
_QUOTED = re.compile(r"[\"“„«»]([^\"“”„«»]+)[\"”“«»]")


def search_chunks(found: QuerySet[Chunk], text: str) -> QuerySet[Chunk]:
    """Keep the chunks that have all words of `text` in text or heading. Words that only frame a sentence are no help;
    where there is nothing else, the text has to stand as it is written."""
    for quoted in _QUOTED.findall(text):
        found = found.filter(
            Q(content__icontains=quoted.strip()) | Q(heading__icontains=quoted.strip())
        )
    words = _QUOTED.sub(" ", text).strip()
    if not words:
        return found
    by_terms: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for language in _languages():
        terms = {term_id(term) for term in analyse(words, language)}
        by_terms[tuple(sorted(terms)[:MOST_TERMS])].append(language)
    condition = Q()
    for ids, languages in by_terms.items():
        has_all = Q(content__icontains=words) | Q(heading__icontains=words)
        if ids:
            has_all = Q(Exists(_entries_with(ids)))
        condition |= Q(document__language__in=languages) & has_all
    return found.filter(condition)


def _languages() -> list[str]:
    """The languages of the tenant's documents."""
    return list(Document.objects.order_by().values_list("language", flat=True).distinct()) or [""]


def _entries_with(ids: tuple[int, ...]) -> QuerySet[IndexEntry]:
    """The index rows that have each of these terms: weights are positive, so a product of 0 says that it lacks one."""
    entries = IndexEntry.objects.filter(chunk_id=OuterRef("pk"))
    for number, each in enumerate(ids):
        # pgvector's Python vectors count from 0, its text from 1.
        vector = SparseVector({each - 1: 1.0}, LEXICAL_DIMENSIONS)
        entries = entries.alias(**{f"has_{number}": MaxInnerProduct("lex", vector)})
        entries = entries.filter(**{f"has_{number}__lt": 0})
    return entries
