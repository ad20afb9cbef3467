"""What a tenant of many chunks is searched by: an HNSW index over their vectors, and one over their words.

Each is built once there are too many to compare them all. That over words needs no column: its keys are the terms in
a chunk's sparse vector, as text (there is no cast to numbers that an index may be made of).
"""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction

MAX_INDEXED_DIMENSIONS = 4000  # pgvector's limit for HNSW over halfvec
WORD_INDEX = "chunk_index_words"
INDEXED_FROM = 5_000
"""Rows beyond which it is quicker; below, comparing them all takes some milliseconds."""
WORDS_OF_ENTRY = "string_to_array(regexp_replace(lex::text, ':[^,]*|[{]', '', 'g'), ',')"
"""Searches have to say it as the index does."""


def ensure_indexes(dimensions: int) -> bool:
    """Build what a tenant of many chunks needs beyond a scan; `dimensions` of its vectors, 0 without. True if any was
    built now.
    """
    has_words, has_vectors = ensure_word_index(), ensure_vector_index(dimensions)
    return has_words or has_vectors


def ensure_word_index() -> bool:
    """Build the index over words; True if built now. Not inside a swap: it takes ten seconds for 100,000 chunks.

    Searches go on during that time, ingestions wait.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regclass(%s) IS NULL AND (SELECT coalesce(sum(n), 0) FROM lex_stats) > %s",
            [WORD_INDEX, INDEXED_FROM],
        )
        (is_wanted,) = cursor.fetchone()
    if not is_wanted:
        return False
    _build(f"{WORD_INDEX} ON chunk_index USING gin (({WORDS_OF_ENTRY}))")
    return True


def ensure_vector_index(dimensions: int) -> bool:
    """Build the HNSW index over vectors of this size once a tenant has too many for exact search; True if built now.

    Not inside a swap: it takes half a minute for 100,000 vectors. Searches go on during that time, ingestions wait.
    """
    if not 0 < dimensions <= MAX_INDEXED_DIMENSIONS:
        return False
    name = f"chunk_index_emb_{int(dimensions)}"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regclass(%s) IS NOT NULL, (SELECT count(*) FROM chunk_index WHERE dim = %s)",
            [name, dimensions],
        )
        exists, rows = cursor.fetchone()
    if exists or rows <= settings.EXACT_SCAN_ROWS:
        return False
    _build(
        f"{name} ON chunk_index USING hnsw ((emb::halfvec({int(dimensions)})) halfvec_cosine_ops) "
        f"WITH (m = 16, ef_construction = 64) WHERE dim = {int(dimensions)}"
    )
    refresh_planner_statistics()
    return True


def _build(index: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        # One process: a parallel build takes its memory from /dev/shm, and a container has only 64 MB of that.
        cursor.execute(
            "SELECT set_config('maintenance_work_mem', '512MB', true), "
            "set_config('max_parallel_maintenance_workers', '0', true)"
        )
        cursor.execute(f"CREATE INDEX IF NOT EXISTS {index}")


def refresh_planner_statistics() -> None:
    """Tell the planner how many rows there are now, and what is in the columns that searches look for rows by."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE chunk_index (chunk_id, source_id, dim), knowledge_chunk (id, document_id, source_id), "
            "lex_df (term, df)"
        )


def refresh_outgrown_statistics() -> None:
    """The same where the index has grown by a tenth since: to look at all of it costs more the larger it is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.n > 1.1 * greatest(c.reltuples, 0) FROM lex_stats AS t, pg_class AS c "
            "WHERE c.oid = 'chunk_index'::regclass"
        )
        row = cursor.fetchone()
    if row is not None and row[0]:
        refresh_planner_statistics()
