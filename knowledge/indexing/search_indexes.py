"""What a tenant of many chunks is searched by: an HNSW index over their vectors, and one over their words.

Each is built once there are too many to compare them all. That over words needs no column: its keys are the terms in
a chunk's sparse vector, as text (there is no cast to numbers that an index may be made of).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from tenants.context import scoped_name

MAX_INDEXED_DIMENSIONS = 4000  # pgvector's limit for HNSW over halfvec
WORD_INDEX = "chunk_index_words"
INDEXED_FROM = 5_000
"""Rows beyond which it is quicker; below, comparing them all takes some milliseconds."""
WORDS_OF_ENTRY = "string_to_array(regexp_replace(lex::text, ':[^,]*|[{]', '', 'g'), ',')"
"""Searches have to say it as the index does."""
LOOK_AGAIN: Final = timedelta(minutes=2)
"""Another worker may be building what is missing still."""


def ensure_indexes(dimensions: int) -> bool:
    """Build what a tenant of many chunks needs beyond a scan; `dimensions` of its vectors, 0 without. True if any was
    built now.
    """
    has_words, has_vectors = ensure_word_index(), ensure_vector_index(dimensions)
    return has_words or has_vectors


def tend_indexes() -> int:
    """`ensure_indexes` however the chunks came here: in a tenant's file, from a backup, or before there was such an
    index. Returns how many were built.
    """
    has_words = ensure_word_index()
    return has_words + sum(map(ensure_vector_index, _find_unindexed_sizes()))


def next_indexing() -> datetime | None:
    """When to look for what is missing, None where nothing is."""
    is_missing = _lacks_word_index() or _find_unindexed_sizes()
    return timezone.now() + LOOK_AGAIN if is_missing else None


def ensure_word_index() -> bool:
    """Build the index over words; True if built now. Not inside a swap: it takes ten seconds for 100,000 chunks.

    Searches go on during that time, ingestions wait.
    """
    # What is written waits in no list, which searches would have to read through until the next vacuum.
    return _lacks_word_index() and _build(
        f"{WORD_INDEX} ON chunk_index USING gin (({WORDS_OF_ENTRY})) WITH (fastupdate = off)"
    )


def ensure_vector_index(dimensions: int) -> bool:
    """Build the HNSW index over vectors of this size once a tenant has too many for exact search; True if built now.

    Not inside a swap: it takes half a minute for 100,000 vectors. Searches go on during that time, ingestions wait.
    """
    if not 0 < dimensions <= MAX_INDEXED_DIMENSIONS:
        return False
    name = _name_vector_index(dimensions)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regclass(%s) IS NULL AND (SELECT count(*) FROM chunk_index WHERE dim = %s) > %s",
            [name, dimensions, settings.EXACT_SCAN_ROWS],
        )
        (is_wanted,) = cursor.fetchone()
    is_built = is_wanted and _build(
        f"{name} ON chunk_index USING hnsw ((emb::halfvec({int(dimensions)})) halfvec_cosine_ops) "
        f"WITH (m = 16, ef_construction = 64) WHERE dim = {int(dimensions)}"
    )
    if is_built:
        refresh_planner_statistics()
    return is_built


def _name_vector_index(dimensions: int) -> str:
    return f"chunk_index_emb_{int(dimensions)}"


def _lacks_word_index() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regclass(%s) IS NULL AND (SELECT coalesce(sum(n), 0) FROM lex_stats) > %s",
            [WORD_INDEX, INDEXED_FROM],
        )
        (is_wanted,) = cursor.fetchone()
    return bool(is_wanted)


def _find_unindexed_sizes() -> list[int]:
    """Of vectors that there are too many of. Only the count of a small tenant is looked at, and not all its chunks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT dim, count(*) FROM chunk_index WHERE dim BETWEEN 1 AND %(most)s "
            "AND (SELECT coalesce(sum(n), 0) FROM lex_stats) > %(rows)s GROUP BY dim HAVING count(*) > %(rows)s",
            {"most": MAX_INDEXED_DIMENSIONS, "rows": settings.EXACT_SCAN_ROWS},
        )
        sizes = [dimensions for dimensions, _ in cursor.fetchall()]
        cursor.execute(
            "SELECT size FROM unnest(%s::int[], %s::text[]) AS wanted (size, name) WHERE to_regclass(name) IS NULL",
            [sizes, [_name_vector_index(size) for size in sizes]],
        )
        return [size for (size,) in cursor.fetchall()]


def _build(index: str) -> bool:
    """False where another worker is building one of the tenant's: it takes long, and nobody else should wait for it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [scoped_name("indexes")]
        )
        (is_ours,) = cursor.fetchone()
        if not is_ours:
            return False
        # One process: a parallel build takes its memory from /dev/shm, and a container has only 64 MB of that.
        cursor.execute(
            "SELECT set_config('maintenance_work_mem', '512MB', true), "
            "set_config('max_parallel_maintenance_workers', '0', true)"
        )
        cursor.execute(f"CREATE INDEX IF NOT EXISTS {index}")
    return True


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
