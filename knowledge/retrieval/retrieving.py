"""From a question to the passages that may answer it: `retrieve` is the one way in.

Why it is built like this (all measured, see docs/retrieval.md):

* BM25 and cosine see different things, and their union of 50 + 50 candidates is enough, because *both* scores are
  computed for every candidate. A missing score counted as 0 costs up to 13 points of nDCG.
* Scores are divided by the best one and added. Adding reciprocal ranks instead loses 2 points in English and 13 to 36
  in languages that the default embedder does not know; it stays selectable per bot.
* One SQL statement in the tenant's own schema, so a deleted or deactivated source stops answering with the next
  question: what may answer is decided by the rows of that very moment.
* Up to `EXACT_SCAN_ROWS` rows after filtering the vectors are compared exactly. Beyond, the HNSW index is used with
  iterative scan; without that, a filtered query silently returned two of ten rows.
* The best passages are ordered anew by whether they say the question's words together (knowledge.retrieval.proximity).
* What decides on refusal is not the score that orders the passages: see knowledge.retrieval.confidence.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction

from bots.models import BotProfile, Fusion
from knowledge.curated.matching import Curated, find_by_meaning
from knowledge.retrieval.confidence import (
    Floors,
    Measured,
    choose_floors,
    choose_threshold,
    find_carrier,
    measure_confidence,
    name_floor,
)
from knowledge.retrieval.external import ExternalSearch, load_bases, search_bases
from knowledge.retrieval.nyxcore import Base
from knowledge.retrieval.passages import Passage, Repeat, leave_out_repeats, merge_passages
from knowledge.retrieval.proximity import DEPTH, Closeness, order_by_closeness
from knowledge.retrieval.queries import Query
from knowledge.retrieval.query_terms import NO_TERMS, QueryTerms, analyse_question
from knowledge.retrieval.scope import Scope, load_scope
from knowledge.retrieval.statement import compose_statement
from knowledge.retrieval.vocabulary import Expansion, find_expansions
from minirag.ai.builtin.local import is_local, pin_off_loop
from minirag.ai.embeddings import EmbedderMissing, EmbedderProfile, embed_query, profile_of
from minirag.lib.errors import ProviderError
from minirag.lib.text.languages import script_of_language
from minirag.lib.text.short_texts import decide_language
from tenants.context import run_sync

__all__ = ["Passage", "Retrieval", "format_vector", "retrieve"]

logger = structlog.get_logger(__name__)

FREE = Decimal(0)
# An English embedder makes something of languages in Latin letters, and little of others.
DENSE_WEIGHT, LATIN_DENSE_WEIGHT, WEAK_DENSE_WEIGHT = 0.5, 0.4, 0.2
SPARE = 5  # passages beyond those wanted, for the places of those that say the same as others
_SETTINGS = """
    SELECT set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', %s, true),
           set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '100', true),
           set_config('hnsw.max_scan_tuples', '40000', true),
           ARRAY(SELECT term FROM lex_df WHERE term = ANY(%s))
"""


@dataclass(frozen=True)
class Retrieval:
    """The passages for a question, in the order of the prompt, and how sure retrieval is that they are about it.

    `confidence` and `threshold` go from 0 to 1. `term_weights` are the inverse document frequencies of the question's
    analysed words. `mode` is "hybrid", "lexical" where no vectors could be compared, or "curated". `embedding_tokens`
    and `embedding_cost_usd` are of the question. `milliseconds` is the whole time, embedding included. `external` says
    how asking each external base went; `knows_from_outside`: one of their passages is relevant enough to answer from.
    The confidence is of the passages that were found here; another system's score is not part of it. `expansions` are
    the words of the tenant's that were searched for as well: right spellings, compounds and their parts. `repeats` were
    left out because a better passage says the same. `carrier` is a word of the question, such as a part number, that
    carries it alone since the best passage has it. `candidates` are all that were read, in their order: the passages,
    the repeats, and what came after as many passages as were wanted. `terms` and `vector` are what was searched for.
    Where there is a `curated` answer nothing was searched.
    """

    passages: tuple[Passage, ...]
    confidence: float
    threshold: float
    term_weights: Mapping[str, float]
    language: str
    mode: str
    embedding_model: str | None
    embedding_tokens: int
    embedding_cost_usd: Decimal
    milliseconds: float
    external: tuple[ExternalSearch, ...] = ()
    knows_from_outside: bool = False
    expansions: tuple[Expansion, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    carrier: str = ""
    rows: int = 0  # chunks that were searched
    candidates: tuple[Passage, ...] = ()
    measured: Measured | None = None
    embedding_milliseconds: float = 0.0
    terms: QueryTerms = NO_TERMS
    vector: str | None = None
    curated: Curated | None = None

    @property
    def variants(self) -> dict[str, tuple[str, ...]]:
        """The words of `expansions` by the term of the question that they were searched for."""
        found: dict[str, tuple[str, ...]] = {}
        for each in self.expansions:
            found[each.term] = (*found.get(each.term, ()), each.found)
        return found

    @property
    def is_weak(self) -> bool:
        """Whether a bot that refuses should refuse now."""
        return not self.passages or (
            self.confidence < self.threshold and not self.knows_from_outside and not self.carrier
        )


@dataclass(frozen=True)
class _Question:
    """A question on its way. `vector` is pgvector's text form, None where `model` could not embed it."""

    query: Query
    model: str
    vector: str | None
    dimensions: int
    tokens: int
    cost_usd: Decimal
    started: float
    milliseconds: float = 0.0  # of the embedding


@dataclass(frozen=True)
class _Candidates:
    """What the statement found: rows best first, the two absolute figures, and the terms' weights."""

    ordered: tuple[Passage, ...] = ()
    passages: tuple[Passage, ...] = ()
    top_cosine: float = 0.0
    top_bm25_share: float = 0.0
    term_weights: Mapping[str, float] = field(default_factory=dict)
    terms: QueryTerms = NO_TERMS
    expansions: tuple[Expansion, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    floors: Floors | None = None


async def retrieve(
    bot: BotProfile,
    question: Query | str,
    *,
    limit: int | None = None,
    bases: Sequence[Base] | None = None,
) -> Retrieval:
    """Find the passages of the bot's sources that fit `question`, at most `limit` (the bot's passage count).

    Never fails because of the embedder: when it is missing or its provider fails, words alone are searched. Takes one
    short use of a database connection; the embedding is made before, off the event loop. The external `bases`, those
    of the bot unless they are given, are asked at the same time, and never waited for beyond NYXCORE_TIMEOUT_SECONDS.
    Where the question looks for a curated answer as well and there is one, that is all that is found.
    """
    started = time.perf_counter()
    query = Query(question) if isinstance(question, str) else question
    if bases is None:
        bases = await run_sync(load_bases, bot.pk)
    if not bases:
        return await _retrieve_here(bot, query, limit or bot.passage_count, started)
    outside = asyncio.create_task(search_bases(bases, query.embedded))
    try:
        here = await _retrieve_here(bot, query, limit or bot.passage_count, started)
        if here.curated is not None:
            return here
        found = await outside
    finally:
        outside.cancel()
    return replace(
        here, passages=merge_passages(here.passages, found.passages), external=found.searches,
        knows_from_outside=bool(found.relevant), milliseconds=(time.perf_counter() - started) * 1000,
    )  # fmt: skip


async def _retrieve_here(bot: BotProfile, query: Query, wanted: int, started: float) -> Retrieval:
    """Search the tenant's own index."""
    model = await pin_off_loop(bot.embedding_model or settings.DEFAULT_EMBEDDING_MODEL)
    asked = await _embed_question(bot, model, query, started)
    found = await run_sync(_search, bot, asked, wanted)
    if isinstance(found, str):
        # The knowledge was embedded with another model than the bot names now: it is being re-embedded.
        spent = asked
        asked = await _embed_question(bot, found, query, started)
        asked = replace(
            asked, tokens=asked.tokens + spent.tokens, cost_usd=asked.cost_usd + spent.cost_usd,
            milliseconds=asked.milliseconds + spent.milliseconds,
        )  # fmt: skip
        found = await run_sync(_search, bot, asked, wanted, True)
    assert isinstance(found, Retrieval)  # noqa: S101
    return found


async def _embed_question(bot: BotProfile, model: str, query: Query, started: float) -> _Question:
    begun = time.perf_counter()
    unembedded = _Question(query, model, None, 0, 0, FREE, started)
    if query.by_words:
        return unembedded
    try:
        made = await embed_query(model, query.embedded, credentials=bot.credentials)
    except (EmbedderMissing, ProviderError) as error:
        logger.warning("searching by words only", model=model, reason=error.code)
        return unembedded
    vector = made.vectors[0]
    return _Question(
        query, model, format_vector(vector.tolist()), len(vector), made.tokens, made.cost_usd, started,
        (time.perf_counter() - begun) * 1000,
    )  # fmt: skip


def format_vector(values: list[float]) -> str:
    """pgvector's text form, with the four digits that half precision can hold."""
    return "[" + ",".join([f"{value:.5g}" for value in values]) + "]"


def _search(
    bot: BotProfile, asked: _Question, limit: int, is_final: bool = False
) -> Retrieval | str:
    """Search within one transaction; returns the embedding model of the knowledge if it is not the question's."""
    query = asked.query
    language = query.language or decide_language(query.text)
    with transaction.atomic():
        if query.curated_in == language and (curated := _find_curated(bot, asked, language)):
            return _give_curated(asked, curated, language)
        scope = load_scope(bot)
        if scope.source_ids and scope.embedding_model != asked.model:
            if not is_final:
                return scope.embedding_model
            asked = replace(asked, vector=None, dimensions=0)
        profile = profile_of(asked.model)
        # A cosine of an English-only embedder means something between English texts only.
        trusts_cosine = not profile.english_only or (
            language == "en" and "en" in (scope.languages or ["en"])
        )
        terms = analyse_question(
            query.text, language, scope.languages, query.carried, is_leaning=query.is_leaning
        )
        found = _Candidates(terms=terms)
        if scope.source_ids:
            weight = _weigh_meaning(bot, scope, language, trusts_cosine)
            found = _find_candidates(bot, scope, asked, terms, limit, weight, language)
    judged = _judge(bot, asked, found, profile, language, trusts_cosine)
    return replace(judged, rows=scope.rows)


def _find_curated(bot: BotProfile, asked: _Question, language: str) -> Curated | None:
    texts = [text for text in (asked.query.text, asked.query.meaning) if text]
    return find_by_meaning(bot.pk, texts, language, model=asked.model, vector=asked.vector)


def _give_curated(asked: _Question, curated: Curated, language: str) -> Retrieval:
    is_dense = asked.vector is not None
    return Retrieval(
        passages=(), confidence=1.0, threshold=0.0, term_weights={}, language=language, curated=curated,
        mode="curated", embedding_model=asked.model if is_dense else None, embedding_tokens=asked.tokens,
        embedding_cost_usd=asked.cost_usd, milliseconds=(time.perf_counter() - asked.started) * 1000,
    )  # fmt: skip


def _weigh_meaning(bot: BotProfile, scope: Scope, language: str, trusts_cosine: bool) -> float:
    """The share of meaning in the order of passages; the rest is that of words."""
    if bot.dense_weight is not None:
        return bot.dense_weight
    if trusts_cosine:
        return DENSE_WEIGHT
    is_latin = language in scope.languages and script_of_language(language) == "latin"
    return LATIN_DENSE_WEIGHT if is_latin else WEAK_DENSE_WEIGHT


def _find_candidates(
    bot: BotProfile,
    scope: Scope,
    asked: _Question,
    terms: QueryTerms,
    limit: int,
    weight: float,
    language: str,
) -> _Candidates:
    is_large = scope.rows > settings.EXACT_SCAN_ROWS
    statement = compose_statement(
        dimensions=asked.dimensions, uses_vector_index=is_large, by_rank=bot.fusion == Fusion.RECIPROCAL_RANK,
        is_mixed=len(scope.embedded_ids) < len(scope.source_ids), is_weighed=min(scope.factors) < 1,
        is_carried=bool(asked.query.carried) and not asked.query.is_leaning,
    )  # fmt: skip
    parameters: dict[str, Any] = {
        "sources": scope.source_ids, "embedded": scope.embedded_ids, "factors": scope.factors,
        "vector": asked.vector, "dimensions": asked.dimensions, "weight": weight, "limit": max(limit + SPARE, DEPTH),
        "bot": bot.pk, "model": asked.model, "language": language,
    }  # fmt: skip
    with connection.cursor() as cursor:
        # Starting parallel workers costs more than they save on a small table.
        cursor.execute(_SETTINGS, ["2" if is_large else "0", terms.ids])
        expansions = find_expansions(cursor, terms.words, set(cursor.fetchone()[-1]))
        terms = terms.expand(expansions)
        cursor.execute(statement, parameters | terms.parameters)
        rows = cursor.fetchall()
    if not rows:
        return _Candidates(terms=terms, expansions=expansions)
    top_cosine, top_bm25_share, term_weights, floors = rows[0][12:]
    ranked = [(Passage(*row[:8], *map(float, row[8:11])), row[11]) for row in rows]
    weights = _weigh_terms(terms, term_weights or ())
    # Scores by rank are of another kind, and where meaning alone is wanted words must not order.
    share = 0.0 if bot.fusion == Fusion.RECIPROCAL_RANK else min(1.0, 2 * (1 - weight))
    closeness = Closeness(
        asked.query.text, weights, {each.term: each.found for each in expansions if each.replaces}
    )
    ordered = order_by_closeness(ranked, closeness, share)
    passages, repeats = leave_out_repeats(ordered, limit)
    return _Candidates(
        tuple(ordered), passages, float(top_cosine), float(top_bm25_share), weights, terms, expansions, repeats,
        Floors(*floors) if floors else None,
    )  # fmt: skip


def _weigh_terms(terms: QueryTerms, idf: Sequence[float]) -> dict[str, float]:
    """The inverse document frequency of each term; of what is carried over a part."""
    pairs = zip(terms.terms.items(), idf, strict=False)
    return {term: weight * min(count, 1) for (term, count), weight in pairs}


def _judge(
    bot: BotProfile, asked: _Question, found: _Candidates, profile: EmbedderProfile, language: str,
    trusts_cosine: bool,
) -> Retrieval:  # fmt: skip
    is_dense = asked.vector is not None
    confidence = measure_confidence(
        profile if is_dense and trusts_cosine else None, top_cosine=found.top_cosine,
        top_bm25_share=found.top_bm25_share, term_count=len(found.terms.own),
    )  # fmt: skip
    floors = choose_floors(found.floors, profile, is_dense=is_dense, trusts_cosine=trusts_cosine)
    judges: dict[str, Any] = {"own_floor": bot.refusal_floor, "is_quoting": is_local(bot.model)}
    threshold = choose_threshold(bot.refusal_mode, floors=floors, **judges)
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
    )  # fmt: skip
