"""Which passages somebody means who asks why one was not found: by its id, by its source, or by words of it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.db.models import Q

from knowledge.corrections.finding import find_corrected
from knowledge.models import INSIDER, Chunk, RestrictedPart, Source
from knowledge.retrieval.statement import compose_statement
from knowledge.wording.query_terms import QueryTerms, analyse_question

MOST_WANTED: Final = 3
_LOOKED_AT: Final = 20
_MOST_SOURCES: Final = 5000
_MOST_LANGUAGES: Final = 4
LEAST_SHARE: Final = 0.6
"""Of the words that somebody quotes, so many have to stand in a passage."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Wanted:
    """One of them is given: a passage's id, its source's id, or words that stand in it.

    `own_only`: only among what the bot answers from, for somebody who may see nothing else; as `find_wanted` is told.
    """

    chunk_id: uuid.UUID | None = None
    source_id: uuid.UUID | None = None
    text: str = ""
    own_only: bool = False

    def __bool__(self) -> bool:
        return bool(self.chunk_id or self.source_id or self.text.strip())


def find_wanted(wanted: Wanted, asked: QueryTerms, own: Sequence[uuid.UUID]) -> list[Chunk]:
    """Return the passages that are meant, at most MOST_WANTED; of a source those that fit the question best.

    `own` are the sources that the bot answers from, and the parts of them that who asks may read: whether it does
    matters only with `own_only`.
    """
    readable = Q(document__restricted_to__isnull=True) | Q(document__restricted_to__in=own)
    among = Q(source__in=own) & readable if wanted.own_only else Q()
    if wanted.chunk_id:
        said = find_corrected([str(wanted.chunk_id)]).values()
        ids = [wanted.chunk_id, *(each.chunk_id for each in said if each.chunk_id)]
    elif wanted.source_id:
        ids = _search(_with_parts([wanted.source_id]), asked, MOST_WANTED) or list(
            Chunk.objects.filter(among, source=wanted.source_id).values_list("pk", flat=True)[
                :MOST_WANTED
            ]
        )
    else:
        ids = _find_quoted(wanted.text, Q(pk__in=own) if wanted.own_only else Q())
    chunks = (
        Chunk.objects.filter(among, pk__in=ids, source__deleted_at__isnull=True)
        .select_related("document", "source__dataset__reembedding", "source__parent")
        .in_bulk()
    )
    return [chunks[each] for each in ids if each in chunks]


def _search(sources: Sequence[uuid.UUID], asked: QueryTerms, limit: int) -> list[uuid.UUID]:
    """The passages of some sources that have most of these words, best first."""
    if not asked.terms or not sources:
        return []
    statement = compose_statement(dimensions=0, uses_vector_index=False, by_rank=False)
    parameters: dict[str, Any] = {
        "sources": list(sources), "limit": limit, "bot": None, "model": "", "language": "",
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters | asked.parameters)
        return [row[0] for row in cursor.fetchall()]


def _with_parts(sources: list[uuid.UUID]) -> list[uuid.UUID]:
    """All that the index has of some sources; who may read it is asked of what was found."""
    parts = RestrictedPart.objects.readable_by(INSIDER).filter(source__in=sources)
    return [*sources, *parts.values_list("pk", flat=True)]


def _find_quoted(text: str, among: Q) -> list[uuid.UUID]:
    """The passages that hold most of a quotation's words, among these of the tenant's sources."""
    rows = Source.objects.filter(among, deleted_at__isnull=True, chunk_count__gt=0).order_by(
        "-chunk_count"
    )
    sources = list(rows.values_list("pk", "language")[:_MOST_SOURCES])
    languages = list(dict.fromkeys(language or "en" for _, language in sources))[:_MOST_LANGUAGES]
    terms = analyse_question(text, languages[0] if languages else "en", languages)
    ids = _search(_with_parts([key for key, _ in sources]), terms, _LOOKED_AT)
    quoted = set(_WORD.findall(text.casefold()))
    told = dict(Chunk.objects.filter(pk__in=ids).values_list("pk", "content"))
    shares = {each: share_of(quoted, told[each]) for each in ids if each in told}
    least = max(LEAST_SHARE, 0.9 * max(shares.values(), default=0.0))
    found = [each for each in ids if shares.get(each, 0.0) >= least]
    return sorted(found, key=lambda each: -shares[each])[:MOST_WANTED]


def share_of(words: set[str], text: str) -> float:
    """How much of some words stands in a text, from 0 to 1."""
    return len(words & set(_WORD.findall(text.casefold()))) / len(words) if words else 0.0
