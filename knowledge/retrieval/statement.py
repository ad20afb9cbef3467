"""The one SQL statement of a search (docs/retrieval.md), put together from its parts. Values are always parameters.

Parameters (PARAMETERS has their types): terms (each once), frequencies, counted (which terms make up the best possible
score; where some are only carried over, also which count towards it), sources, limit; bot, model and language, whose
floors are read; and with vectors: vector (text of a halfvec), dimensions, weight; for a mixed statement embedded, for a
weighed one factors, for a spoken one spoken.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

from knowledge.indexing.search_indexes import WORDS_OF_ENTRY
from minirag.lib.rows import FixedStatement

PARAMETERS: Final = {
    "terms": "int[]", "frequencies": "float8[]", "counted": "bool[]", "sources": "uuid[]", "limit": "int",
    "bot": "uuid", "model": "text", "language": "text", "vector": "halfvec", "dimensions": "int", "weight": "float8",
    "embedded": "uuid[]", "factors": "float8[]", "spoken": "text[]",
}  # fmt: skip
# They go before the statement in its message, which is a transaction of its own. Its tables are joined as they stand:
# looking for another order took a seventh of it. The index passes over 10,000 chunks of other sources in a tenth of a
# second, and a scan of those that are searched takes less.
SETTINGS: Final = FixedStatement(
    """
    SELECT set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', %s, true),
           set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '100', true),
           set_config('hnsw.max_scan_tuples', '10000', true), set_config('join_collapse_limit', '1', true)""",
    is_kept=False,
)

CANDIDATES = 50  # of each kind
RANK_OFFSET = 60  # the k of reciprocal rank fusion
# Words are rare where so many chunks at most have any of them: a share of all and so many more. Fewest first.
RARITIES = ((0.05, 1_000), (0.2, 1_500))

# idf as Lucene has it. `best` is what a chunk with all the counted words, each saturated, would score: k1 + 1 = 2.2.
_TERMS = """
WITH q AS (
    SELECT t.term, t.frequency, t.counted, t.place,
           ln(1 + (s.n - coalesce(d.df, 0) + 0.5) / (coalesce(d.df, 0) + 0.5)) AS idf{rarity}
      FROM unnest(%(terms)s::int[], %(frequencies)s::float8[], %(counted)s::bool[])
           WITH ORDINALITY AS t(term, frequency, counted, place)
     CROSS JOIN lex_stats s
      LEFT JOIN lex_df d ON d.term = t.term
), qv AS MATERIALIZED (
    SELECT coalesce(('{' || string_agg(term || ':' || (idf * frequency)::real, ',' ORDER BY term)
                     || '}/1000000000')::sparsevec, '{}/1000000000'::sparsevec) AS lex,{own_lex}
           coalesce(sum(idf * frequency) FILTER (WHERE counted), 1) * 2.2 AS best,
           array_agg(idf::float8 ORDER BY place) AS weights{rare}
      FROM q
){narrowed}, lexical AS MATERIALIZED ({few}
    (SELECT chunk_id FROM chunk_index
      WHERE source_id = ANY(%(sources)s){spoken}{otherwise}
      ORDER BY lex <#> (SELECT lex FROM qv), chunk_id
      LIMIT {candidates})
)"""
# Many rows are not all compared: those with a rare word of the question are enough where the last of them scores more
# than all its common words together could, and they are all there is where it has no common words. Otherwise words are
# called rare that more rows have, and in the end it is as if none had been looked for. Weights are kept in single
# precision, hence the thousandth.
_RARITY = """,
           sum(coalesce(d.df, 0)) OVER (ORDER BY coalesce(d.df, 0), t.term)
               <= s.n * {share} + {spare} AS is_rare_{step}"""
_RARE = """,
           array_agg(term::text) FILTER (WHERE is_rare_{step}) AS rare_{step},
           coalesce(sum(idf * frequency) FILTER (WHERE NOT is_rare_{step}), 0) * 2.2 * 1.001 AS common_{step}"""
_NARROWED = """, few_{step} AS MATERIALIZED (
    SELECT chunk_id, -(lex <#> (SELECT lex FROM qv)) AS bm25 FROM chunk_index
     WHERE source_id = ANY(%(sources)s) AND {words} && (SELECT rare_{step} FROM qv){spoken}{earlier}
     ORDER BY bm25 DESC, chunk_id
     LIMIT {candidates}
), enough_{step} AS MATERIALIZED (
    SELECT (SELECT common_{step} FROM qv) = 0
           OR count(*) = {candidates} AND min(bm25) > (SELECT common_{step} FROM qv) AS suffices
      FROM few_{step}
)"""
_FEW = """
    SELECT chunk_id FROM few_{step} WHERE (SELECT suffices FROM enough_{step})
    UNION ALL"""
_OTHERWISE = " AND NOT (SELECT suffices FROM enough_{step})"
_NARROWING = {
    "rarity": _RARITY, "rare": _RARE, "narrowed": _NARROWED, "few": _FEW, "otherwise": _OTHERWISE,
}  # fmt: skip
# The cast is the index's expression; without it the planner cannot use the index, which is what "exact" means.
_DENSE_EXACT = """, dense AS MATERIALIZED (
    SELECT chunk_id FROM chunk_index
     WHERE source_id = ANY({embedded}) AND dim = %(dimensions)s{spoken}
     ORDER BY emb <=> %(vector)s::halfvec, chunk_id
     LIMIT {candidates}
)"""
# The index gives up where what lies nearest is nearly all of other sources: then as if it had not been asked.
_DENSE_INDEXED = """, near AS MATERIALIZED (
    SELECT chunk_id FROM chunk_index
     WHERE source_id = ANY({embedded}) AND dim = {dimensions}{spoken}
     ORDER BY (emb::halfvec({dimensions})) <=> %(vector)s::halfvec({dimensions})
     LIMIT {candidates}
), dense AS MATERIALIZED (
    SELECT chunk_id FROM near WHERE (SELECT count(*) FROM near) = {candidates}
    UNION ALL
    (SELECT chunk_id FROM chunk_index
      WHERE source_id = ANY({embedded}) AND dim = %(dimensions)s{spoken} AND (SELECT count(*) FROM near) < {candidates}
      ORDER BY emb <=> %(vector)s::halfvec, chunk_id
      LIMIT {candidates})
)"""
_SCORED = """, scored AS MATERIALIZED (
    SELECT i.chunk_id,{place} greatest(-(i.lex <#> (SELECT lex FROM qv)), 0) AS bm25, {cosine} AS cosine{own_bm25},
           {compared} AS compared
      FROM ({union}) AS c JOIN chunk_index i USING (chunk_id)
), top AS (
    SELECT greatest(max(bm25), 1e-9) AS bm25, greatest(max(cosine), 1e-9) AS cosine,
           max({counting}) / (SELECT best FROM qv) AS share, greatest(max(cosine), 0) AS top_cosine,
           (array_agg(compared ORDER BY {counting} DESC, chunk_id))[1] AS compared
      FROM scored
), ranked AS (
    SELECT s.chunk_id, s.bm25, s.cosine, {score} AS score, top.top_cosine, top.share, top.compared
      FROM scored s CROSS JOIN top{factors}
     WHERE s.bm25 > 0 OR s.cosine > 0
     ORDER BY score DESC, s.chunk_id
     LIMIT %(limit)s
)
SELECT c.id, c.source_id, c.document_id, coalesce(nullif(d.title, ''), so.name), d.url, c.page, c.heading, c.content,
       r.score, r.cosine, r.bm25, d.language, c.place, c.is_pinned, r.top_cosine, r.share, r.compared,
       (SELECT weights FROM qv),
       (SELECT ARRAY[f.hopeless, f.balanced, f.strict] FROM knowledge_refusalfloors f
         WHERE f.bot_profile_id = %(bot)s AND f.embedding_model = %(model)s AND f.language = %(language)s)
  FROM ranked r
  JOIN knowledge_chunk c ON c.id = r.chunk_id
  JOIN knowledge_document d ON d.id = c.document_id
  JOIN knowledge_source so ON so.id = c.source_id
 ORDER BY r.score DESC, c.id"""
_LEXICAL = "SELECT chunk_id FROM lexical"
# Of what a filter wants by language; a source may hold documents in several.
_SPOKEN = """
       AND EXISTS (SELECT FROM knowledge_chunk sc JOIN knowledge_document sd ON sd.id = sc.document_id
                                                  JOIN knowledge_source ss ON ss.id = sd.source_id
                    WHERE sc.id = chunk_index.chunk_id
                      AND coalesce(nullif(sd.language, ''), ss.language) = ANY(%(spoken)s))"""
_BOTH = "SELECT chunk_id FROM lexical UNION SELECT chunk_id FROM dense"
_COSINE = "CASE WHEN {compared} THEN greatest(1 - (i.emb <=> %(vector)s::halfvec), 0) ELSE 0 END"
# Vectors of two models may have the same size; comparing them would give numbers without meaning.
_COMPARED = "i.dim = %(dimensions)s{trusted}"
_TRUSTED = " AND i.source_id = ANY(%(embedded)s)"
_FACTORS = " JOIN unnest(%(sources)s::uuid[], %(factors)s::float8[]) AS f(source_id, factor) USING (source_id)"
# Words from before a question that stands alone put passages in order, and say nothing on whether it has an answer.
_OWN_LEX = """
           coalesce(('{' || string_agg(term || ':' || (idf * frequency)::real, ',' ORDER BY term) FILTER (WHERE counted)
                     || '}/1000000000')::sparsevec, '{}/1000000000'::sparsevec) AS own_lex,"""
_OWN_BM25 = ", greatest(-(i.lex <#> (SELECT own_lex FROM qv)), 0) AS own_bm25"
_BY_SCORE = "%(weight)s * s.cosine / top.cosine + (1 - %(weight)s) * s.bm25 / top.bm25"
_BY_WORDS = "s.bm25 / top.bm25"
_BY_RANK = """(
    CASE WHEN s.bm25 > 0 THEN 1.0 / ({offset} + row_number() OVER (ORDER BY s.bm25 DESC, s.chunk_id)) ELSE 0 END
    + CASE WHEN s.cosine > 0 THEN 1.0 / ({offset} + row_number() OVER (ORDER BY s.cosine DESC, s.chunk_id)) ELSE 0 END
)::float8"""


@cache
def compose_statement(
    *,
    dimensions: int,
    uses_vector_index: bool,
    by_rank: bool,
    is_mixed: bool = False,
    is_weighed: bool = False,
    is_carried: bool = False,
    is_spoken: bool = False,
    uses_word_index: bool = False,
) -> str:
    """Return the statement for a question vector of `dimensions`; 0 means there is none: words only.

    `by_rank` fuses by reciprocal rank instead of the max-normalised sum. `is_mixed`: only the sources in `embedded`
    have vectors to compare. `is_weighed`: scores are multiplied by `factors`, one for each of `sources`; without it
    the statement is the same as if there were no shared datasets. `is_carried`: terms that are not counted only order.
    `is_spoken`: only what is written in one of the languages `spoken` is found. `uses_word_index`: rows without a rare
    word are passed over where they cannot be among the best; it finds the same.
    Row: chunk_id, source_id, document_id, title, url, page, heading, content, score, cosine, bm25, language, place,
    whether it is pinned, top cosine, share of the best BM25, whether what has
    most of the words has a vector too that was compared, term weights, the bot's own floors.
    """
    dense = "" if not dimensions else _DENSE_INDEXED if uses_vector_index else _DENSE_EXACT
    union = _BOTH if dimensions else _LEXICAL
    score = _BY_RANK if by_rank else _BY_SCORE if dimensions else _BY_WORDS
    values = {
        **_narrow(RARITIES if uses_word_index else ()),
        "words": WORDS_OF_ENTRY,
        "union": union, "score": f"({score}) * f.factor" if is_weighed else score,
        "place": " i.source_id," if is_weighed else "", "factors": _FACTORS if is_weighed else "",
        "cosine": _COSINE if dimensions else "0::float8", "compared": _COMPARED if dimensions else "false",
        "trusted": _TRUSTED if is_mixed else "",
        "embedded": "%(embedded)s" if is_mixed else "%(sources)s",
        "spoken": _SPOKEN if is_spoken else "",
        "own_lex": _OWN_LEX if is_carried else "", "own_bm25": _OWN_BM25 if is_carried else "",
        "counting": "own_bm25" if is_carried else "bm25",
        "candidates": str(CANDIDATES), "dimensions": str(int(dimensions)), "offset": str(RANK_OFFSET),
    }  # fmt: skip
    return _fill(_TERMS + dense + _SCORED, values)


_RARER = " AND (SELECT rare_{step} IS DISTINCT FROM rare_{before} FROM qv)"


def _narrow(rarities: tuple[tuple[float, int], ...]) -> dict[str, str]:
    """Return the parts by which rows with rare words are looked at before all others, once for each of `rarities`."""
    parts = dict.fromkeys(_NARROWING, "")
    for step, (share, spare) in enumerate(rarities):
        more = _fill(_RARER, {"step": str(step), "before": str(step - 1)}) if step else ""
        values = {
            "earlier": parts["otherwise"] + more, "step": str(step), "share": str(share), "spare": str(spare),
        }  # fmt: skip
        for name, part in _NARROWING.items():
            parts[name] += _fill(part, values)
    return parts


def _fill(statement: str, values: dict[str, str]) -> str:
    """Put the values in, each of which may name those after it."""
    for name, value in values.items():
        statement = statement.replace("{" + name + "}", value)
    return statement


@lru_cache(maxsize=64)
def fix_statement(statement: str, *, is_kept: bool) -> FixedStatement:
    """To be asked with the values of PARAMETERS; what it has no use for may be anything."""
    return FixedStatement(statement, PARAMETERS, is_kept=is_kept)


_PLACED = """
SELECT i.chunk_id, i.dim, i.lex::text, greatest(-(i.lex <#> qv.lex), 0) AS bm25, {cosine} AS cosine,
       (SELECT count(*) + 1 FROM chunk_index o
         WHERE o.source_id = ANY(%(sources)s) AND (o.lex <#> qv.lex) < (i.lex <#> qv.lex)) AS by_words,
       {by_meaning} AS by_meaning
  FROM chunk_index i CROSS JOIN qv
 WHERE i.chunk_id = ANY(%(chunks)s)
 ORDER BY bm25 DESC, cosine DESC, i.chunk_id"""
_BY_MEANING = """CASE WHEN i.dim = %(dimensions)s AND i.source_id = ANY(%(embedded)s) THEN
       (SELECT count(*) + 1 FROM chunk_index o
         WHERE o.source_id = ANY(%(compared)s) AND o.dim = %(dimensions)s
           AND (o.emb <=> %(vector)s::halfvec) < (i.emb <=> %(vector)s::halfvec)) END"""


def compose_placing(*, has_vector: bool) -> str:
    """Return the statement that says where `chunks` stand by words and by meaning among all that is searched.

    They are compared with all rows of `sources`, and of `compared` by meaning, so the caller bounds these.
    Row: chunk_id, dimensions, terms as pgvector writes them, bm25, cosine, place by words, place by meaning (null
    without a vector that could be compared).
    """
    values = {
        **_narrow(()),
        "own_lex": "", "spoken": "", "candidates": "1",
        "by_meaning": _BY_MEANING if has_vector else "NULL::bigint",
        "cosine": _COSINE if has_vector else "0::float8", "compared": _COMPARED, "trusted": _TRUSTED,
    }  # fmt: skip
    return _fill(_TERMS + _PLACED, values)
