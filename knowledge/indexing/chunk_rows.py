"""Chunks and their index rows in the database: written by COPY, moved, deleted. The caller holds `lock_knowledge`."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import connection

from knowledge.indexing.incoming import NewChunk
from knowledge.indexing.lexicon import (
    add_statistics,
    choose_mean_length,
    remove_statistics,
    spell_terms,
)
from knowledge.indexing.vectors import (
    COPY_HEADER,
    COPY_TRAILER,
    count_terms,
    pack_index_row,
    weigh_terms,
)

if TYPE_CHECKING:
    from knowledge.indexing.vectors import Vector


def delete_chunks(chunk_ids: list[uuid.UUID]) -> None:
    """Remove chunks with their index rows and statistics."""
    if not chunk_ids:
        return
    remove_statistics(chunk_ids)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM chunk_index WHERE chunk_id = ANY(%s)", [chunk_ids])
        cursor.execute("DELETE FROM knowledge_chunk WHERE id = ANY(%s)", [chunk_ids])


def insert_chunks(
    source_id: uuid.UUID, chunks: Sequence[NewChunk], counted: Mapping[uuid.UUID, Counter[str]],
    vectors: Mapping[uuid.UUID, Vector],
) -> None:  # fmt: skip
    if not chunks:
        return
    counts = [count_terms(counted[chunk.id]) for chunk in chunks]
    lengths = [count.total() for count in counts]
    mean = choose_mean_length(lengths)
    with connection.cursor() as cursor:
        columns = "id, document_id, source_id, ordinal, heading, content, page, token_count, content_hash, place"
        with cursor.copy(f"COPY knowledge_chunk ({columns}) FROM STDIN") as copy:
            for chunk in chunks:
                draft = chunk.draft
                copy.write_row((
                    chunk.id, chunk.document_id, source_id, draft.ordinal, draft.heading[:1000], draft.content,
                    draft.page, draft.token_count, draft.content_hash, draft.place,
                ))  # fmt: skip
        columns = "chunk_id, source_id, dl, dim, emb, lex"
        with cursor.copy(f"COPY chunk_index ({columns}) FROM STDIN (FORMAT binary)") as copy:
            copy.write(COPY_HEADER)
            for chunk, count, length in zip(chunks, counts, lengths, strict=True):
                copy.write(
                    pack_index_row(
                        chunk.id, source_id, length, vectors.get(chunk.id), weigh_terms(count, mean)
                    )
                )
            copy.write(COPY_TRAILER)
    frequencies: Counter[int] = Counter()
    for count in counts:
        frequencies.update(count.keys())
    words = (word for chunk in chunks for word in counted[chunk.id])
    add_statistics(
        frequencies, chunks=len(chunks), length=sum(lengths), spellings=spell_terms(words)
    )


def move_chunks(chunks: Sequence[NewChunk]) -> None:
    """A chunk that stays may have moved within the source."""
    if not chunks:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE knowledge_chunk AS c SET document_id = n.document_id, ordinal = n.ordinal, page = n.page, "
            "place = n.place "
            "FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::int[], %s::text[]) "
            "AS n(id, document_id, ordinal, page, place) "
            "WHERE c.id = n.id AND (c.document_id, c.ordinal, c.page, c.place) "
            "IS DISTINCT FROM (n.document_id, n.ordinal, n.page, n.place)",
            [
                [chunk.id for chunk in chunks], [chunk.document_id for chunk in chunks],
                [chunk.draft.ordinal for chunk in chunks], [chunk.draft.page for chunk in chunks],
                [chunk.draft.place for chunk in chunks],
            ],
        )  # fmt: skip
