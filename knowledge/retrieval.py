"""Finds the passages that may answer a question: `retrieve` is the one entry.

One statement on the tenant's own narrow index: the 50 best by BM25 (a sparse dot product, exact) united with the 50
best by cosine, both scores computed for every candidate, fused as the sum of the scores divided by their maxima.
Measured against reciprocal rank fusion that is worth 1.8 nDCG points in English and 13 to 36 in other languages,
where the default embedder is weak; ranks throw away by how much a passage won. RRF stays selectable per bot.

Up to EXACT_SCAN_ROWS rows after filtering the scan is exact. Beyond, HNSW with an iterative scan: without it a
filtered index scan silently returns fewer rows than asked for (2 to 7 of 10 measured).

The fused score only orders. Whether to answer at all is judged by a confidence that is calibrated per embedder.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import log
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction

from bots.models import BotProfile, Fusion
from knowledge.models import LEXICAL_DIMENSIONS, Source
from minirag.ai.embeddings import EmbedderMissing, EmbedderProfile, Embeddings, embed_query, profile_of
from minirag.lib.analysis import analyse, term_id
from minirag.lib.errors import ProviderError
from minirag.lib.languages import detect_language
from tenants.context import run_sync

logger = structlog.get_logger(__name__)

CANDIDATES = 50  # of each leg; 30 with exact cross-scores already equal full scoring
K1, B = 1.2, 0.75
MAX_TERM_WEIGHT = K1 + 1  # what a term's saturated frequency tends to
DENSE_WEIGHT, WEAK_DENSE_WEIGHT = 0.5, 0.2  # the latter where an English-only embedder meets another language
LEXICAL_ONLY_FLOOR = 0.17  # of bm25n; 5 % false refusals without an embedder (retrieval notes, section 6)
RRF_K = 60


@dataclass(frozen=True)
class Passage:
    """A chunk with its scores. `score` only orders; `cosine` is 0 to 1, `bm25` unbounded."""

    chunk_id: UUID
    source_id: UUID
    document_id: UUID
    title: str
    url: str
    page: int | None
    heading: str
    content: str
    score: float
    cosine: float
    bm25: float


@dataclass(frozen=True)
class Retrieval:
    """What was found, and how far it can be trusted.

    `confidence` and `threshold` are comparable (0 to 1); `term_weights` maps the question's terms to their idf in
    the tenant; `mode` is `hybrid` or `lexical`.
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

    @property
    def is_weak(self) -> bool:
        return not self.passages or self.confidence < self.threshold


@dataclass(frozen=True)
class Query:
    """A question in the index's terms."""

    language: str
    counts: Mapping[str, int]
    weights: Mapping[str, float]  # idf

    @property
    def sparse(self) -> str:
        """The pgvector sparsevec literal {id: idf * count}."""
        entries: Counter[int] = Counter()
        for term, count in self.counts.items():
            entries[term_id(term)] += self.weights[term] * count  # type: ignore[assignment]
        body = ",".join(f"{key}:{weight:.6g}" for key, weight in sorted(entries.items()))
        return f"{{{body}}}/{LEXICAL_DIMENSIONS}"

    @property
    def max_bm25(self) -> float:
        """The BM25 of a chunk that holds every term over and over; unknown terms count, and so lower bm25n."""
        return MAX_TERM_WEIGHT * sum(self.weights[term] * count for term, count in self.counts.items()) or 1.0


async def retrieve(bot: BotProfile, question: str, *, limit: int | None = None) -> Retrieval:
    """Find up to `limit` passages (the bot's own number by default) in the bot's active, ready sources.

    Runs in the current tenant. An embedder that fails or is missing leaves the words to decide (`mode` "lexical").
    """
    started = time.perf_counter()
    embedded = await _embed(bot, question)
    found = await run_sync(_search, bot, question, embedded, limit or bot.passage_count)
    return Retrieval(
        **found,
        mode="hybrid" if embedded else "lexical",
        embedding_model=embedded.model if embedded else None,
        embedding_tokens=embedded.tokens if embedded else 0,
        embedding_cost_usd=embedded.cost_usd if embedded else Decimal(0),
        milliseconds=(time.perf_counter() - started) * 1000,
    )


async def _embed(bot: BotProfile, question: str) -> Embeddings | None:
    model = bot.effective_embedding_model
    try:
        if not model.startswith("minirag/") and not await run_sync(Source.objects.answering(bot.pk).exists):
            return None  # an empty bot costs nothing
        return await embed_query(model, question, credentials=bot.credentials)
    except (EmbedderMissing, ProviderError) as error:
        logger.warning("question was not embedded, searching by words", model=model, code=error.code)
        return None


def _search(bot: BotProfile, question: str, embedded: Embeddings | None, limit: int) -> dict[str, Any]:
    sources = list(Source.objects.answering(bot.pk).values_list("pk", "language", "chunk_count"))
    profile = profile_of(bot.effective_embedding_model) if embedded else None
    query = read_query(question, choose_language(question, sources))
    rows: list[Any] = []
    if sources:
        total = sum(chunks for _, _, chunks in sources)
        rows = _select(bot, query, embedded, profile, [pk for pk, _, _ in sources], total, limit)
    passages = tuple(Passage(*row[:11]) for row in rows)
    top_cosine, top_bm25 = (rows[0][11], rows[0][12]) if rows else (0.0, 0.0)
    return {
        "passages": passages,
        "confidence": rate_confidence(
            profile, query.language, top_cosine=top_cosine, bm25n=top_bm25 / query.max_bm25, terms=len(query.counts)
        ),
        "threshold": choose_threshold(bot, profile, query.language),
        "term_weights": query.weights,
        "language": query.language,
    }


def choose_language(question: str, sources: Sequence[tuple[Any, str, int]]) -> str:
    """Return the language to read the question in: its own if the bot knows any of it, else the bot's main one.

    The index holds stems of the documents' languages, so a question must be stemmed as one of them.
    """
    chunks: Counter[str] = Counter()
    for _, language, count in sources:
        chunks[language or "en"] += count
    own = detect_language(question)
    return own if own in chunks or not chunks else chunks.most_common(1)[0][0]


def read_query(question: str, language: str) -> Query:
    """Analyse a question and weigh its terms by the tenant's document frequencies (idf of BM25)."""
    counts = Counter(analyse(question, language))
    ids = {term_id(term): term for term in counts}
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(n), 0) FROM lex_stats")
        (total,) = cursor.fetchone()
        cursor.execute("SELECT term, df FROM lex_df WHERE term = ANY(%s)", [list(ids)])
        known = {ids[term]: df for term, df in cursor.fetchall()}
    weights = {term: weigh_term(known.get(term, 0), total) for term in counts}
    return Query(language, counts, weights)


def weigh_term(df: int, total: int) -> float:
    """BM25's idf: ln(1 + (N - df + 0.5) / (df + 0.5))."""
    return log(1 + (max(total - df, 0) + 0.5) / (df + 0.5))


def rate_confidence(
    profile: EmbedderProfile | None, language: str, *, top_cosine: float, bm25n: float, terms: int
) -> float:
    """Mix the best cosine and the best normalised BM25 into the confidence that `choose_threshold` is compared with.

    The lexical part shrinks for short questions, where one shared word proves little: n / (n + 2). Where the
    embedder does not speak the language, or there is none, bm25n decides alone.
    """
    bm25n = min(bm25n, 1.0)
    if profile is None or (profile.english_only and language != "en"):
        return bm25n
    return profile.cos_weight * top_cosine + profile.lexical_weight * bm25n * terms / (terms + 2)


def choose_threshold(bot: BotProfile, profile: EmbedderProfile | None, language: str) -> float:
    """Return the bot's own floor, or that of the embedder for the language; 0 for a bot that never refuses."""
    if not bot.refuses:
        return 0.0
    if bot.refusal_floor is not None:
        return bot.refusal_floor
    if profile is None:
        return LEXICAL_ONLY_FLOOR
    return profile.non_english_floor if profile.english_only and language != "en" else profile.floor


def choose_dense_weight(bot: BotProfile, profile: EmbedderProfile, language: str) -> float:
    if bot.dense_weight is not None:
        return bot.dense_weight
    return WEAK_DENSE_WEIGHT if profile.english_only and language != "en" else DENSE_WEIGHT


_LEXICAL_LEG = """
    SELECT chunk_id FROM chunk_index WHERE source_id = ANY(%(sources)s)
     ORDER BY lex <#> %(lex)s::sparsevec LIMIT %(candidates)s"""
_DENSE_LEG = """
    SELECT chunk_id FROM chunk_index WHERE source_id = ANY(%(sources)s) AND dim = %(dim)s
     ORDER BY emb <=> %(emb)s::halfvec LIMIT %(candidates)s"""
# The cast makes the partial expression index of knowledge.indexing usable.
_HNSW_LEG = """
    SELECT chunk_id FROM chunk_index WHERE source_id = ANY(%(sources)s) AND dim = {dim}
     ORDER BY (emb::halfvec({dim})) <=> %(emb)s::halfvec({dim}) LIMIT %(candidates)s"""
_COSINE = "CASE WHEN i.dim = %(dim)s THEN greatest(1 - (i.emb <=> %(emb)s::halfvec), 0) ELSE 0 END"
_SCORES = {
    Fusion.MAX_NORM: "%(weight)s * s.cosine / m.cosine + (1 - %(weight)s) * s.bm25 / m.bm25",
    Fusion.RECIPROCAL_RANK: (
        f"1.0 / ({RRF_K} + rank() OVER (ORDER BY s.cosine DESC)) + 1.0 / ({RRF_K} + rank() OVER (ORDER BY s.bm25 DESC))"
    ),
}
_STATEMENT = """
WITH candidates AS MATERIALIZED (({legs})),
scored AS MATERIALIZED (
    SELECT i.chunk_id, greatest(-(i.lex <#> %(lex)s::sparsevec), 0) AS bm25, {cosine} AS cosine
      FROM candidates JOIN chunk_index i USING (chunk_id)),
best AS (
    SELECT greatest(max(bm25), 1e-9) AS bm25, greatest(max(cosine), 1e-9) AS cosine,
           coalesce(max(cosine), 0) AS top_cosine, coalesce(max(bm25), 0) AS top_bm25 FROM scored),
fused AS (
    SELECT s.chunk_id, s.cosine, s.bm25, m.top_cosine, m.top_bm25, {score} AS score FROM scored s CROSS JOIN best m
     WHERE s.bm25 > 0 OR s.cosine > 0)
SELECT c.id, c.source_id, c.document_id, d.title, d.url, c.page, c.heading, c.content,
       f.score::float8, f.cosine::float8, f.bm25::float8, f.top_cosine::float8, f.top_bm25::float8
  FROM fused f JOIN knowledge_chunk c ON c.id = f.chunk_id JOIN knowledge_document d ON d.id = c.document_id
 ORDER BY f.score DESC, c.id LIMIT %(limit)s"""


def build_statement(fusion: str, *, dim: int, use_hnsw: bool) -> str:
    """Compose the one statement; `dim` 0 means that there is no vector, and the words decide alone."""
    legs, cosine = [_LEXICAL_LEG], "0"
    if dim:
        legs.append(_HNSW_LEG.format(dim=int(dim)) if use_hnsw else _DENSE_LEG)
        cosine = _COSINE
    score = _SCORES[Fusion(fusion)] if dim else "s.bm25 / m.bm25"
    return _STATEMENT.format(legs=") UNION (".join(legs), cosine=cosine, score=score)


def _select(
    bot: BotProfile,
    query: Query,
    embedded: Embeddings | None,
    profile: EmbedderProfile | None,
    sources: list[UUID],
    total: int,
    limit: int,
) -> list[Any]:
    vector = embedded.vectors[0] if embedded else ()
    use_hnsw = total > settings.EXACT_SCAN_ROWS
    parameters = {
        "sources": sources,
        "lex": query.sparse,
        "emb": "[" + ",".join(f"{value:.5g}" for value in vector) + "]",
        "dim": len(vector),
        "weight": choose_dense_weight(bot, profile, query.language) if profile else 0.0,
        "candidates": max(CANDIDATES, limit),
        "limit": limit,
    }
    statement = build_statement(bot.fusion, dim=len(vector), use_hnsw=use_hnsw)
    with transaction.atomic(), connection.cursor() as cursor:
        if use_hnsw:
            cursor.execute(
                "SET LOCAL hnsw.iterative_scan = relaxed_order; SET LOCAL hnsw.ef_search = 100;"
                " SET LOCAL hnsw.max_scan_tuples = 40000"
            )
        cursor.execute(statement, parameters)
        return cursor.fetchall()
