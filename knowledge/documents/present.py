"""What there is of a source in the database beside its row: `look_at` asks for all of it in one statement.

Most sources have nothing that people wrote, and a new one has nothing at all. So nobody looks for each kind of it by
itself, but only for what is there.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import connection

from knowledge.models import IndexEntry


@dataclass(frozen=True)
class Stored:
    """What the index has of a chunk."""

    dimensions: int
    language: str


@dataclass(frozen=True)
class Present:
    """What there is of a source at one moment. It stays so while its row is locked, under `lock_knowledge`."""

    stored_bytes: int
    corrected_bytes: int
    edited_bytes: int
    has_documents: bool
    has_edits: bool
    has_corrections: bool
    has_parts: bool
    has_staged: bool
    """Texts or vectors of an ingestion that stopped on its way."""
    stored: Mapping[uuid.UUID, Stored]
    """What the index has of its chunks, by their ids."""


_OWN_EDITS: Final = (
    "FROM knowledge_documentedit AS e JOIN knowledge_document AS d ON d.id = e.document_id "
    "WHERE d.source_id = s.id"
)
_LOOK: Final = f"""
    SELECT s.stored_bytes, s.corrected_bytes, (SELECT coalesce(sum(e.mine_bytes), 0)::bigint {_OWN_EDITS}),
           EXISTS (SELECT FROM knowledge_document WHERE source_id = s.id),
           EXISTS (SELECT {_OWN_EDITS}),
           EXISTS (SELECT FROM knowledge_correction WHERE source_id = s.id),
           EXISTS (SELECT FROM knowledge_restrictedpart WHERE source_id = s.id),
           EXISTS (SELECT FROM knowledge_stagedtext WHERE source_id = s.id)
               OR EXISTS (SELECT FROM knowledge_stagedvector WHERE source_id = s.id),
           EXISTS (SELECT FROM knowledge_chunk WHERE source_id = s.id)
      FROM knowledge_source AS s WHERE s.id = %s
"""  # noqa: S608 - ours


def look_at(source_id: uuid.UUID) -> Present | None:
    """Return what there is of a source, None where there is no such source."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [source_id])
        row = cursor.fetchone()
    if row is None:
        return None
    *found, has_chunks = row
    found.append(_find_stored(source_id) if has_chunks else {})
    return Present(*found)


def _find_stored(source_id: uuid.UUID) -> dict[uuid.UUID, Stored]:
    rows = IndexEntry.objects.filter(chunk__source_id=source_id).values_list(
        "chunk_id", "dim", "chunk__document__language"
    )
    return {chunk_id: Stored(dimensions, language) for chunk_id, dimensions, language in rows}
