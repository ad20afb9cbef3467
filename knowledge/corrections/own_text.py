"""The chunks of documents as their source says them, whatever people have said of them since."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Final

from django.db import connection

from knowledge.indexing.chunking import ChunkDraft
from knowledge.indexing.incoming import NewChunk

# One statement, and so one moment: what a correction holds is either in the index or among what it holds. Where rows
# disagree (brought in or mended by hand), a chunk is in both, or held twice: it counts once, as the index has it.
_STATEMENT: Final = """
WITH own AS (
    SELECT c.id, c.document_id, c.ordinal, c.heading, c.content, c.page, c.token_count, c.content_hash, c.place,
           0 AS rank
      FROM knowledge_chunk c
     WHERE c.document_id = ANY(%(documents)s)
       AND NOT EXISTS (SELECT FROM knowledge_correction k WHERE k.source_id = c.source_id AND c.id = ANY(k.made_ids))
    UNION ALL
    SELECT t.id, t.document_id, t.ordinal, t.heading, t.content, t.page, t.token_count, t.content_hash, t.place, 1
      FROM knowledge_correction k
     CROSS JOIN jsonb_to_recordset(k.theirs) AS t(id uuid, document_id uuid, ordinal int, heading text, content text,
                                                  page int, token_count int, content_hash text, place text, held bool)
     WHERE k.source_id IN (SELECT source_id FROM knowledge_document WHERE id = ANY(%(documents)s))
       AND t.document_id = ANY(%(documents)s) AND t.held
), once AS (
    SELECT DISTINCT ON (id) * FROM own ORDER BY id, rank
)
SELECT o.id, o.document_id, d.language, o.ordinal, o.heading, o.content, o.page, o.token_count, o.content_hash,
       coalesce(o.place, '')
  FROM once o JOIN knowledge_document d ON d.id = o.document_id
 ORDER BY o.document_id, o.ordinal, o.id"""


def read_own_text(document_ids: Collection[uuid.UUID]) -> list[NewChunk]:
    """Return the chunks of these documents in their order, without what people have said of them."""
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, {"documents": list(document_ids)})
        rows = cursor.fetchall()
    return [NewChunk(row[0], row[1], row[2], ChunkDraft(*row[3:])) for row in rows]
