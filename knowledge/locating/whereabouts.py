"""Where a passage stands for a question: `locate` looks at its source, its words, its scores and its places.

It compares with every passage that the bot answers from, so it is for people who ask, not for a turn; a base of more
than MOST_COMPARED passages is told scores without places.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection
from django.db.models import Q

from bots.models import BotProfile
from knowledge.corrections.finding import find_corrected, find_silenced
from knowledge.locating.wanted import LEAST_SHARE, Wanted, find_wanted
from knowledge.models import (
    INSIDER,
    Audience,
    BotDataset,
    Chunk,
    Correction,
    Document,
    Source,
    Visibility,
)
from knowledge.models.index import LexiconTerm
from knowledge.models.states import SourceStatus
from knowledge.ordering.proximity import list_terms
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.queries import Query
from knowledge.retrieval.retrieving import Retrieval
from knowledge.retrieval.scope import Scope, filters_of, load_scope
from knowledge.retrieval.statement import CANDIDATES, compose_placing
from minirag.lib.text.analysis import analyse, analyse_words, term_id

MOST_COMPARED: Final = 200_000
_MOST_WORDS: Final = 64
_EXCERPT: Final = 300


@dataclass(frozen=True)
class AskedWord:
    """A word of the question. `instead`: what the tenant's vocabulary has for it; `known_in`: passages that have it,
    of those that may be counted to who asks.
    """

    word: str
    instead: tuple[str, ...]
    is_there: bool
    known_in: int


@dataclass(frozen=True)
class Place:
    """`at` counts from 1; None where it was not compared. `score` is what the place is by."""

    at: int | None
    score: float


@dataclass(frozen=True)
class Whereabouts:
    """One passage. `fate`: "read" (it was given to whoever answers), "repeat", "limit" (ordered behind those that were
    read), "outranked" (among neither list's best), or "not_searched". `hindrances` say why it is not searched, `at` its
    place among the candidates, `compared` with how many passages.
    """

    chunk_id: uuid.UUID
    source_id: uuid.UUID
    source_name: str
    title: str
    heading: str
    excerpt: str
    language: str
    hindrances: tuple[str, ...]
    error: str
    has_vector: bool
    embedding_model: str
    words: tuple[AskedWord, ...]
    by_words: Place
    by_meaning: Place
    compared: int
    fate: str
    at: int | None = None
    passage: Passage | None = None
    repeat_of: uuid.UUID | None = None


@dataclass(frozen=True)
class Located:
    """`searched` says how many sources and passages were looked at. `why_nothing` where no such passage is there."""

    found: tuple[Whereabouts, ...] = ()
    why_nothing: str = ""
    error: str = ""
    sources: int = 0
    rows: int = 0
    languages: tuple[str, ...] = field(default_factory=tuple)


def locate(
    bot: BotProfile, query: Query, retrieval: Retrieval, wanted: Wanted, audience: Audience
) -> Located:
    """Say where the wanted passages stand for a question of this audience, after it was searched."""
    scope = load_scope(bot, filters_of(bot), audience)
    facts: dict[str, Any] = {
        "sources": len(scope.source_ids), "rows": scope.rows, "languages": tuple(scope.languages),
    }  # fmt: skip
    chunks = find_wanted(wanted, retrieval.terms, scope.source_ids)
    if not chunks:
        why, error = explain_nothing(wanted, scope.source_ids)
        return Located((), why, error, **facts)
    placed = _place(scope, retrieval, [chunk.pk for chunk in chunks])
    words = _read_words(query.text, scope, retrieval)
    known = _count_known(words, scope, retrieval, own_only=wanted.own_only)
    found = [
        _tell(bot, scope, retrieval, chunk, placed.get(chunk.pk), words, known) for chunk in chunks
    ]
    return Located(tuple(found), **facts)


def _may_know(said: Correction | None, wanted: Wanted, own: Sequence[uuid.UUID]) -> bool:
    """Whether there is such a correction, of what the bot answers from where nothing else may be told of."""
    if said is None or not wanted.own_only:
        return said is not None
    documents = Document.objects.filter(pk=said.document_id)
    open_ones = Q(restricted_to__isnull=True) | Q(restricted_to__in=own)
    return said.source_id in own and documents.filter(open_ones).exists()


def explain_nothing(wanted: Wanted, own: Sequence[uuid.UUID]) -> tuple[str, str]:
    """Why there is no such passage, as a code and what its source says of it."""
    if wanted.chunk_id:
        said = find_corrected([str(wanted.chunk_id)]).get(str(wanted.chunk_id))
        return "chunk_off" if _may_know(said, wanted, own) else "chunk_unknown", ""
    if not wanted.source_id:
        said = find_silenced(wanted.text, LEAST_SHARE)
        return "chunk_off" if _may_know(said, wanted, own) else "text_unknown", ""
    source = Source.objects.filter(pk=wanted.source_id, deleted_at__isnull=True).first()
    if source is None or (wanted.own_only and source.pk not in own):
        return "source_unknown", ""
    if source.source_type == "nyxcore":
        return "source_external", ""
    if source.status == SourceStatus.ERROR:
        return "source_failed", source.error_message or source.error_code
    is_busy = source.status in (SourceStatus.PENDING, SourceStatus.PROCESSING)
    return ("source_not_ready" if is_busy else "source_empty"), source.status


def find_hindrances(bot: BotProfile, scope: Scope, source: Source) -> list[str]:
    """Why a bot does not search a source; empty where it does."""
    if source.pk in scope.source_ids:
        return []
    dataset, found = source.dataset, []
    if not source.is_active:
        found.append("source_off")
    if source.parent is not None and not source.parent.is_active:
        found.append("parent_off")
    if dataset.is_shared:
        link = BotDataset.objects.filter(bot_profile=bot.pk, dataset=dataset).first()
        if not dataset.is_active:
            found.append("dataset_off")
        if link is None:
            found.append("not_linked")
        elif not link.is_active:
            found.append("link_off")
    elif dataset.bot_profile_id != bot.pk:
        found.append("other_bot")
    others = Source.objects.answering(bot.pk, INSIDER).filter(pk=source.pk)
    return found or ["filtered" if _is_for_all(source) or not others else "restricted"]


def _is_for_all(source: Source) -> bool:
    """Whether neither it nor what it belongs to is for some only."""
    family = (source, source.parent) if source.parent is not None else (source,)
    return all(each.visibility == Visibility.PUBLIC and not each.groups for each in family)


def _place(
    scope: Scope, retrieval: Retrieval, chunks: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[Any, ...]]:
    is_compared = scope.rows <= MOST_COMPARED
    parameters: dict[str, Any] = {
        "sources": scope.source_ids if is_compared else [],
        "compared": scope.embedded_ids if is_compared else [],
        "embedded": scope.embedded_ids, "chunks": list(chunks), "vector": retrieval.vector,
        "dimensions": retrieval.vector.count(",") + 1 if retrieval.vector else 0,
    }  # fmt: skip
    with connection.cursor() as cursor:
        statement = compose_placing(has_vector=retrieval.vector is not None)
        cursor.execute(statement, parameters | retrieval.terms.parameters)
        return {row[0]: row[1:] for row in cursor.fetchall()}


def _read_words(question: str, scope: Scope, retrieval: Retrieval) -> list[tuple[str, set[str]]]:
    """The question's words that mean something, each with the terms that it is looked for by."""
    languages = list(dict.fromkeys([*scope.languages, retrieval.language]))
    variants = retrieval.variants
    found: dict[str, set[str]] = {}
    for language in languages:
        for word, term in analyse_words(question, language)[: 4 * _MOST_WORDS]:
            if term in retrieval.terms.terms or term in variants:
                found.setdefault(word, set()).add(term)
    if not found:  # scripts without spaces
        found = {term: {term} for term in analyse(question, retrieval.language)[:_MOST_WORDS]}
    return list(found.items())[:_MOST_WORDS]


def _tell(
    bot: BotProfile, scope: Scope, retrieval: Retrieval, chunk: Chunk, row: tuple[Any, ...] | None,
    words: Sequence[tuple[str, set[str]]], known: Mapping[int, int],
) -> Whereabouts:  # fmt: skip
    source, dataset = chunk.source, chunk.source.dataset
    hindrances = find_hindrances(bot, scope, source)
    part = chunk.document.restricted_to_id
    if not hindrances and part is not None and part not in scope.source_ids:
        hindrances.append("restricted")
    language = chunk.document.language or source.language
    if not hindrances and scope.spoken and language not in scope.spoken:
        hindrances.append("filtered")
    if row is None:
        hindrances.append("not_indexed")
    dimensions, terms, bm25, cosine, by_words, by_meaning = row or (0, "", 0.0, 0.0, None, None)
    is_searched, is_compared = not hindrances, scope.rows <= MOST_COMPARED
    fate, at, passage, repeat_of = find_fate(retrieval, chunk.pk, is_searched=is_searched)
    return Whereabouts(
        chunk_id=chunk.pk, source_id=source.pk, source_name=source.name,
        title=chunk.document.title or source.name, heading=chunk.heading,
        excerpt=" ".join(chunk.content.split())[:_EXCERPT], language=language,
        hindrances=tuple(hindrances), error=source.error_message or "",
        has_vector=bool(dimensions) and source.pk in scope.embedded_ids and retrieval.vector is not None
        if is_searched else bool(dimensions),
        embedding_model=dataset.embedding_model,
        words=tuple(_look_for(words, read_ids(terms), retrieval, known)),
        by_words=Place(by_words if is_searched and is_compared else None, round(float(bm25), 4)),
        by_meaning=Place(by_meaning if is_searched and is_compared else None, round(float(cosine), 4)),
        compared=scope.rows, fate=fate, at=at, passage=passage, repeat_of=repeat_of,
    )  # fmt: skip


def find_fate(
    retrieval: Retrieval, chunk_id: uuid.UUID, *, is_searched: bool
) -> tuple[str, int | None, Passage | None, uuid.UUID | None]:
    """What became of a passage, its place among the candidates, it with its scores, and what it repeats. Pure."""
    repeats = {each.chunk_id: each.of for each in retrieval.repeats}
    ordered = [*retrieval.candidates] or [*retrieval.passages]
    at = next((at for at, each in enumerate(ordered, 1) if each.chunk_id == chunk_id), None)
    passage = ordered[at - 1] if at else None
    if any(each.chunk_id == chunk_id for each in retrieval.passages):
        return "read", at, passage, None
    if not is_searched:
        return "not_searched", None, None, None
    if chunk_id in repeats:
        return "repeat", at, passage, repeats[chunk_id]
    return ("limit" if passage else "outranked"), at, passage, None


def read_ids(vector: str) -> frozenset[int]:
    """The term ids of a sparse vector as pgvector writes it: `{1:0.5,7:1.2}/1000000000`. Pure."""
    inside = vector.partition("{")[2].partition("}")[0]
    return frozenset(int(pair.partition(":")[0]) for pair in inside.split(",") if pair)


def _count_known(
    words: Sequence[tuple[str, set[str]]], scope: Scope, retrieval: Retrieval, *, own_only: bool
) -> dict[int, int]:
    """How many passages have each term: of the tenant, and with `own_only` of those that the search found."""
    variants = retrieval.variants
    every = {term for _, terms in words for term in terms}
    every |= {each for term in every for each in variants.get(term, ())}
    if not own_only:
        ids = [term_id(term) for term in every]
        return dict(LexiconTerm.objects.filter(term__in=ids).values_list("term", "df"))
    languages = {retrieval.language, *scope.languages}
    said = Counter(
        term
        for passage in retrieval.candidates
        for term in {term for each in languages for term in list_terms(passage, each)}
    )
    return {term_id(term): said[term] for term in every}


def _look_for(
    words: Sequence[tuple[str, set[str]]], ids: frozenset[int], retrieval: Retrieval, known: Mapping[int, int],
) -> list[AskedWord]:  # fmt: skip
    variants, told = retrieval.variants, []
    for word, terms in words:
        instead = tuple(dict.fromkeys(each for term in terms for each in variants.get(term, ())))
        searched = {term_id(term) for term in (*terms, *instead)}
        most = max((known.get(each, 0) for each in searched), default=0)
        told.append(AskedWord(word, instead, bool(searched & ids), most))
    return told


def is_among_best(place: Place) -> bool:
    """Whether a passage is a candidate by this list."""
    return place.at is not None and place.at <= CANDIDATES
