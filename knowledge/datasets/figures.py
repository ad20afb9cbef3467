"""What datasets hold, counted in the database: for `/v1/datasets/{id}/statistics`, the overview and the admin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from knowledge.models import SourceStatus

# Of the sources that are not deleted. The octets are of what was given to us: texts and files, not what was made of it.
_SOURCES = """
SELECT s.status, count(*), coalesce(sum(s.document_count), 0), coalesce(sum(s.chunk_count), 0),
       coalesce(sum(octet_length(s.content)), 0) + coalesce(sum(octet_length(f.data)), 0),
       max(greatest(s.updated_at, s.last_refreshed_at))
  FROM knowledge_source s LEFT JOIN knowledge_sourcefile f ON f.source_id = s.id
 WHERE s.deleted_at IS NULL AND (%(dataset)s::uuid IS NULL OR s.dataset_id = %(dataset)s)
 GROUP BY s.status
"""
_CHUNKS = """
SELECT coalesce(sum(c.token_count), 0), coalesce(sum(length(c.content)), 0), count(*) FILTER (WHERE i.dim > 0)
  FROM knowledge_chunk c JOIN knowledge_source s ON s.id = c.source_id JOIN chunk_index i ON i.chunk_id = c.id
 WHERE s.deleted_at IS NULL AND (%(dataset)s::uuid IS NULL OR s.dataset_id = %(dataset)s)
"""
_LINKS = """
SELECT count(DISTINCT bot_profile_id), count(DISTINCT bot_profile_id) FILTER (WHERE is_active)
  FROM (SELECT dataset_id, bot_profile_id, is_active FROM knowledge_botdataset
        UNION ALL
        SELECT id, bot_profile_id, true FROM knowledge_dataset WHERE bot_profile_id IS NOT NULL) AS links
 WHERE %(dataset)s::uuid IS NULL OR dataset_id = %(dataset)s
"""


@dataclass(frozen=True)
class DatasetFigures:
    """`embedded` counts the chunks that have a vector; `characters` are the chunks', which overlap a little."""

    by_status: dict[str, int]
    documents: int
    chunks: int
    embedded: int
    tokens: int
    characters: int
    octets: int
    bots: int
    active_bots: int
    last_activity_at: datetime | None

    @property
    def sources(self) -> int:
        return sum(self.by_status.values())

    @property
    def embedding_progress(self) -> float:
        """The share of the chunks that have a vector, 0 to 1; 1 where there are none."""
        return round(self.embedded / self.chunks, 4) if self.chunks else 1.0


def measure_dataset(dataset_id: UUID | None = None) -> DatasetFigures:
    """Count what a dataset holds, or all of the tenant's together, in three queries."""
    parameters = {"dataset": dataset_id}
    with connection.cursor() as cursor:
        cursor.execute(_SOURCES, parameters)
        rows = cursor.fetchall()
        cursor.execute(_CHUNKS, parameters)
        tokens, characters, embedded = cursor.fetchone()
        cursor.execute(_LINKS, parameters)
        bots, active_bots = cursor.fetchone()
    return DatasetFigures(
        by_status=dict.fromkeys(SourceStatus.values, 0) | {row[0]: row[1] for row in rows},
        documents=int(sum(row[2] for row in rows)), chunks=int(sum(row[3] for row in rows)), embedded=embedded,
        tokens=int(tokens), characters=int(characters), octets=int(sum(row[4] for row in rows)), bots=bots,
        active_bots=active_bots, last_activity_at=max((row[5] for row in rows if row[5]), default=None),
    )  # fmt: skip
