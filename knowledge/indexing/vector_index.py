"""The HNSW index over a tenant's vectors, built once there are too many for an exact search."""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction

MAX_INDEXED_DIMENSIONS = 4000  # pgvector's limit for HNSW over halfvec


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
    with transaction.atomic(), connection.cursor() as cursor:
        # One process: a parallel build takes its memory from /dev/shm, and a container has only 64 MB of that.
        cursor.execute(
            "SELECT set_config('maintenance_work_mem', '512MB', true), "
            "set_config('max_parallel_maintenance_workers', '0', true)"
        )
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {name} ON chunk_index USING hnsw "
            f"((emb::halfvec({int(dimensions)})) halfvec_cosine_ops) WITH (m = 16, ef_construction = 64) "
            f"WHERE dim = {int(dimensions)}"
        )
    refresh_planner_statistics()
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
