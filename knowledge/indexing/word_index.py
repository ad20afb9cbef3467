"""The index over the words of a tenant's chunks, built once there are too many to compare each with a question.

It needs no column: its keys are the terms in a chunk's sparse vector, as text (there is no cast to numbers that an
index may be made of).
"""

from __future__ import annotations

from django.db import connection, transaction

from knowledge.indexing.vector_index import ensure_vector_index

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
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('maintenance_work_mem', '512MB', true), "
            "set_config('max_parallel_maintenance_workers', '0', true)"
        )
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {WORD_INDEX} ON chunk_index USING gin (({WORDS_OF_ENTRY}))"
        )
    return True
