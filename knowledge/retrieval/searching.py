"""The search in the tenant's own index: one statement, from a question with its vector to what was found.

`knowledge.retrieval.retrieving` says why it is built like this.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from bots.models import BotProfile, Fusion, SourceFilter
from knowledge.curated.matching import Curated, find_by_meaning
from knowledge.indexing.search_indexes import INDEXED_FROM, WORD_INDEX
from knowledge.models import Audience
from knowledge.ordering.joining import join_cut
from knowledge.ordering.precedence import prefer_pinned, settle
from knowledge.ordering.proximity import DEPTH, Closeness, list_terms, order_by_closeness
from knowledge.retrieval.confidence import (
    Floors,
    Measured,
    choose_floors,
    choose_threshold,
    find_carrier,
    measure_confidence,
    name_floor,
)
from knowledge.retrieval.found import Retrieval
from knowledge.retrieval.passages import Passage, Repeat, leave_out_repeats
from knowledge.retrieval.queries import Query
from knowledge.retrieval.scope import ROWS, Scope, is_usual, load_scope
from knowledge.retrieval.statement import PARAMETERS, SETTINGS, compose_statement, fix_statement
from knowledge.wording.common_words import find_common
from knowledge.wording.query_terms import NO_TERMS, QueryTerms, analyse_query
from knowledge.wording.respelling import respell
from knowledge.wording.vocabulary import Expansion, find_expansions
from minirag.ai.builtin.local import is_local, knows_word
from minirag.ai.embeddings import EmbedderProfile, profile_of
from minirag.lib.remembering import Remembered
from minirag.lib.rows import FixedStatement, fetch_together, fetched_ahead
from minirag.lib.text.languages import script_of_language
from minirag.lib.text.short_texts import decide_language
from tenants.context import current_schema

FREE = Decimal(0)
# An English embedder makes something of languages in Latin letters, and little of others.
DENSE_WEIGHT, LATIN_DENSE_WEIGHT, WEAK_DENSE_WEIGHT = 0.6, 0.4, 0.2
ABROAD_DENSE_WEIGHT = 0.8  # where a question shares only names with its sources
_MOST_TRIES = 2
_spoken: Remembered[tuple[str, UUID], list[str]] = Remembered(2000)
"""The languages of each bot's sources as they were last, which says what a question's words will be."""
SPARE = 5  # passages beyond those wanted, for the places of those that say the same as others
_KNOWN = FixedStatement(
    "SELECT ARRAY(SELECT term FROM lex_df WHERE term = ANY(%s::int[])), to_regclass(%s) IS NOT NULL,"
    " (SELECT coalesce(sum(n), 0) FROM lex_stats)"
)
# Of fewer rows than this part of the tenant's a scan is quicker than an index over all, up to so many.
_SMALL_PART, _LARGE = 8, 20_000
_SMALL = 2_000
"""Up to so many chunks any plan is a good one, and planning takes longer than searching: the plan is kept."""


@dataclass(frozen=True)
class Asked:
    """A question on its way: `wanted` passages of what the `filters` leave and the `audience` may read.

    `vector` is pgvector's text form of `text`, None where `model` could not embed it. `tries` counts earlier ones.
    """

    query: Query
    wanted: int
    filters: tuple[SourceFilter, ...]
    audience: Audience
    started: float
    model: str
    text: str
    vector: str | None = None
    dimensions: int = 0
    tokens: int = 0
    cost_usd: Decimal = FREE
    tries: int = 0
    milliseconds: float = 0.0  # of the embedding


@dataclass(frozen=True)
class Again:
    """The search is to be made again with this text, embedded by this model."""

    model: str
    text: str


@dataclass(frozen=True)
class _Candidates:
    """What the statement found: rows best first, the two absolute figures, and the terms' weights."""

    ordered: tuple[Passage, ...] = ()
    passages: tuple[Passage, ...] = ()
    top_cosine: float = 0.0
    top_bm25_share: float = 0.0
    is_compared: bool = True
    """Whether what has most of the words has a vector too that was compared."""
    term_weights: Mapping[str, float] = field(default_factory=dict)
    terms: QueryTerms = NO_TERMS
    expansions: tuple[Expansion, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    floors: Floors | None = None
    text: str = ""
    """What was embedded, with its words as the passages spell them."""


def format_vector(values: list[float]) -> str:
    """pgvector's text form, with the four digits that half precision can hold."""
    return "[" + ",".join([f"{value:.5g}" for value in values]) + "]"


def search(bot: BotProfile, asked: Asked) -> Retrieval | Again:
    """Search, unless the question has to be embedded otherwise: by the model of the knowledge,
    or, once it was searched, with its words spelled as the knowledge spells them.
    """
    query = asked.query
    language = query.language or decide_language(query.text)
    if query.curated_in == language and (curated := _find_curated(bot, asked, language)):
        return _give_curated(asked, curated, language)
    # What will be asked one after the other unless the bot's sources have come to be in other languages.
    spoken = _spoken.get((current_schema(), bot.pk))
    if spoken is None or not is_usual(asked.filters, asked.audience):
        return _search(bot, asked, language)
    terms = analyse_query(query, language, spoken)
    with fetched_ahead((ROWS, bot.pk), (_KNOWN, terms.listed, WORD_INDEX)):
        return _search(bot, asked, language, (spoken, terms))


def _search(
    bot: BotProfile, asked: Asked, language: str, foreseen: tuple[list[str], QueryTerms] | None = None
) -> Retrieval | Again:  # fmt: skip
    scope = load_scope(bot, asked.filters, asked.audience)
    _spoken[current_schema(), bot.pk] = scope.languages
    if scope.source_ids and scope.embedding_model != asked.model:
        # It was embedded with another model than the bot names now: it is being re-embedded.
        if not asked.tries:
            return Again(scope.embedding_model, asked.text)
        asked = replace(asked, vector=None, dimensions=0)
    profile = profile_of(asked.model)
    # A cosine of an English-only embedder means something between English texts only.
    trusts_cosine = not profile.english_only or (
        language == "en" and "en" in (scope.languages or ["en"])
    )
    if foreseen is not None and foreseen[0] == scope.languages:
        terms = foreseen[1]
    else:
        terms = analyse_query(asked.query, language, scope.languages)
    found = _Candidates(terms=terms)
    is_abroad = profile.abroad_floor is not None and language not in scope.languages
    if scope.source_ids:
        weight = _weigh_meaning(bot, scope, language, trusts_cosine, is_abroad=is_abroad)
        found = _find_candidates(bot, scope, asked, terms, weight, language)
    if asked.vector and found.text and found.text != asked.text and asked.tries < _MOST_TRIES:
        return Again(asked.model, found.text)
    is_filtered_out = bool(asked.filters) and not scope.source_ids
    if is_abroad:
        profile = profile.abroad()
    judged = _judge(
        bot, asked, found, profile, language, trusts_cosine, is_filtered_out=is_filtered_out
    )
    return replace(judged, rows=scope.rows)


def _find_curated(bot: BotProfile, asked: Asked, language: str) -> Curated | None:
    texts = [text for text in (asked.query.text, asked.query.meaning) if text]
    return find_by_meaning(
        bot.pk, texts, language, model=asked.model, vector=asked.vector, audience=asked.audience
    )


def _give_curated(asked: Asked, curated: Curated, language: str) -> Retrieval:
    is_dense = asked.vector is not None
    return Retrieval(
        passages=(), confidence=1.0, threshold=0.0, term_weights={}, language=language, curated=curated,
        mode="curated", embedding_model=asked.model if is_dense else None, embedding_tokens=asked.tokens,
        embedding_cost_usd=asked.cost_usd, milliseconds=(time.perf_counter() - asked.started) * 1000,
    )  # fmt: skip


def _weigh_meaning(
    bot: BotProfile, scope: Scope, language: str, trusts_cosine: bool, *, is_abroad: bool = False
) -> float:
    """The share of meaning in the order of passages; the rest is that of words."""
    if bot.dense_weight is not None:
        return bot.dense_weight
    if trusts_cosine:
        return ABROAD_DENSE_WEIGHT if is_abroad else DENSE_WEIGHT
    is_latin = language in scope.languages and script_of_language(language) == "latin"
    return LATIN_DENSE_WEIGHT if is_latin else WEAK_DENSE_WEIGHT


def _find_candidates(
    bot: BotProfile,
    scope: Scope,
    asked: Asked,
    terms: QueryTerms,
    weight: float,
    language: str,
) -> _Candidates:
    compose = partial(
        compose_statement,
        dimensions=asked.dimensions, by_rank=bot.fusion == Fusion.RECIPROCAL_RANK,
        is_mixed=len(scope.embedded_ids) < len(scope.source_ids), is_weighed=set(scope.factors) != {1.0},
        is_carried=bool(asked.query.carried) and not asked.query.is_leaning,
        is_spoken=bool(scope.spoken),
    )  # fmt: skip
    parameters: dict[str, Any] = {
        "sources": scope.source_ids, "embedded": scope.embedded_ids, "factors": scope.factors,
        "spoken": list(scope.spoken), "vector": asked.vector, "dimensions": asked.dimensions, "weight": weight,
        "limit": max(asked.wanted + SPARE, DEPTH), "bot": bot.pk, "model": asked.model, "language": language,
    }  # fmt: skip
    # Starting parallel workers costs more than they save on a small table.
    workers = "2" if scope.rows > _LARGE else "0"
    [(known_ids, is_indexed, all_rows)] = _KNOWN.fetch(terms.listed, WORD_INDEX)
    with connection.cursor() as cursor:
        expansions = find_expansions(cursor, terms.words, set(known_ids), find_common(language))
        terms = terms.expand(expansions).leave_out_framing(known_ids)
    statement = compose(
        uses_vector_index=pays_vector_index(scope.rows, int(all_rows)),
        uses_word_index=is_indexed and scope.rows > INDEXED_FROM,
    )
    search = fix_statement(statement, is_kept=scope.rows <= _SMALL)
    values = [(parameters | terms.parameters)[each] for each in PARAMETERS]
    _, rows = fetch_together((SETTINGS, workers), (search, *values))
    if not rows:
        return _Candidates(terms=terms)
    top_cosine, top_bm25_share, is_compared, term_weights, floors = rows[0][14:]
    ranked = _read_rows(rows)
    expansions = _keep_found(expansions, ranked)
    is_pinned = any(each.is_pinned for each, _ in ranked)
    weights = _weigh_terms(terms, term_weights or ())
    # Scores by rank are of another kind, and where meaning alone is wanted words must not order.
    share = 0.0 if bot.fusion == Fusion.RECIPROCAL_RANK else min(1.0, 2.5 * (1 - weight))
    closeness = Closeness(
        asked.query.read, weights, {each.term: each.found for each in expansions if each.replaces}
    )
    ordered = order_by_closeness(ranked, closeness, share)
    counting, outdone = (
        settle(ordered, scope.standings) if scope.standings or is_pinned else (ordered, [])
    )
    passages, repeats = leave_out_repeats(counting, asked.wanted)
    spoken = language if language in scope.languages else (scope.languages or [language])[0]
    return _Candidates(
        tuple(ordered), join_cut(passages), float(top_cosine), float(top_bm25_share), is_compared, weights, terms,
        expansions,
        (*outdone, *repeats),
        Floors(*floors) if floors else None,
        respell(asked.text, spoken, expansions, ranked, partial(knows_word, asked.model)) if asked.vector else "",
    )  # fmt: skip


def pays_vector_index(rows: int, all_rows: int) -> bool:
    """Whether the index finds the nearest of so many sooner than a scan does. It leads through all the tenant's rows,
    so that of a small part of them a scan is quicker.
    """
    return rows > max(settings.EXACT_SCAN_ROWS, min(all_rows // _SMALL_PART, _LARGE))


def _keep_found(
    expansions: tuple[Expansion, ...], ranked: Sequence[tuple[Passage, str]]
) -> tuple[Expansion, ...]:
    """The words that found something here: the vocabulary is the tenant's, and holds words of texts that are not for
    who asks, or of other bots.
    """
    if not expansions:
        return ()
    said = {term for passage, spoken in ranked for term in list_terms(passage, spoken)}
    return tuple(each for each in expansions if each.found in said)


def _read_rows(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Passage, str]]:
    """The passages, the best first, each with its language. Pinned ones count more."""
    ranked = [
        (Passage(*row[:8], *map(float, row[8:11])).but(place=row[12], is_pinned=row[13]), row[11])
        for row in rows
    ]
    if any(each.is_pinned for each, _ in ranked):
        ranked = prefer_pinned(ranked)
    most = ranked[0][0].score
    if most <= 1:
        return ranked
    # A source may count more than others do, and the best score is still 1.
    return [(each.but(score=each.score / most), spoken) for each, spoken in ranked]


def _weigh_terms(terms: QueryTerms, idf: Sequence[float]) -> dict[str, float]:
    """The inverse document frequency of each term; of what is carried over a part."""
    pairs = zip(terms.terms.items(), idf, strict=False)
    return {term: weight * min(count, 1) for (term, count), weight in pairs}


def _judge(
    bot: BotProfile, asked: Asked, found: _Candidates, profile: EmbedderProfile, language: str,
    trusts_cosine: bool, *, is_filtered_out: bool,
) -> Retrieval:  # fmt: skip
    is_dense = asked.vector is not None
    judges: dict[str, Any] = {"own_floor": bot.refusal_floor, "is_quoting": is_local(bot.model)}

    def judge(by_meaning: bool) -> tuple[float, float, Floors]:
        confidence = measure_confidence(
            profile if by_meaning and trusts_cosine else None, top_cosine=found.top_cosine,
            top_bm25_share=found.top_bm25_share, term_count=len(found.terms.own),
        )  # fmt: skip
        own = found.floors
        floors = choose_floors(own, profile, is_dense=by_meaning, trusts_cosine=trusts_cosine)
        return confidence, choose_threshold(bot.refusal_mode, floors=floors, **judges), floors

    # While vectors are still to be made, words alone may vouch for what has none yet.
    ways = [True, False] if is_dense and not found.is_compared else [is_dense]
    confidence, threshold, floors = max(map(judge, ways), key=lambda each: each[0] - each[1])
    measured = Measured(
        found.top_cosine, found.top_bm25_share, len(found.terms.own),
        name_floor(bot.refusal_mode, **judges), floors,
    )  # fmt: skip
    best = found.passages[0] if found.passages else None
    read = f"{best.heading}\n{best.content}" if best else ""
    carrier = find_carrier(asked.query.text, read, language, found.term_weights)
    return Retrieval(
        passages=found.passages, confidence=confidence, threshold=threshold,
        term_weights=found.term_weights, language=language,
        carrier=carrier,
        mode="hybrid" if is_dense else "lexical", embedding_model=asked.model if is_dense else None,
        embedding_tokens=asked.tokens, embedding_cost_usd=asked.cost_usd,
        milliseconds=(time.perf_counter() - asked.started) * 1000,
        expansions=found.expansions, repeats=found.repeats, candidates=found.ordered,
        measured=measured, embedding_milliseconds=asked.milliseconds, terms=found.terms, vector=asked.vector,
        is_filtered_out=is_filtered_out,
    )  # fmt: skip
