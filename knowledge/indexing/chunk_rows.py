"""Chunks and their index rows in the database: written by COPY, moved, deleted, and kept apart where not everybody may
read them. The caller holds `lock_knowledge`.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction

from knowledge.formats.restrictions import read_groups
from knowledge.indexing.incoming import NewChunk, NewDocument
from knowledge.indexing.lexicon import (
    add_statistics,
    choose_mean_length,
    lock_knowledge,
    remove_statistics,
    spell_terms,
)
from knowledge.indexing.vectors import (
    COPY_HEADER,
    COPY_TRAILER,
    pack_index_row,
    pack_texts,
)
from knowledge.models import Document, RestrictedPart, Source

if TYPE_CHECKING:
    from knowledge.indexing.vectors import Vector


_CHUNK: Final = (
    "id, document_id, source_id, ordinal, token_count, is_pinned, page, heading, content, "
    "content_hash, place"
)
_CHUNK_HEAD: Final = struct.Struct(">hi16si16si16siiiii?")
_LENGTH, _INTEGER = struct.Struct(">i"), struct.Struct(">ii")
_NO_PAGE: Final = _LENGTH.pack(-1)
_AT_ONCE: Final = 100
_SAID: Final = "convert_to(c.heading, 'UTF8') || '\\x00' || convert_to(c.content, 'UTF8')"
HASH_OF_CHUNK: Final = f"encode(sha256({_SAID}), 'hex')"
"""What `hash_content` says of a chunk `c` that is stored."""
_KEY = "coalesce(d.restricted_to_id, c.source_id)"
"""Under which id the index has a chunk."""
MISPLACED: Final = (
    f"UPDATE chunk_index AS i SET source_id = {_KEY} "  # noqa: S608 - ours
    "FROM knowledge_chunk AS c JOIN knowledge_document AS d ON d.id = c.document_id "
    f"WHERE c.id = i.chunk_id AND i.source_id <> {_KEY} RETURNING i.chunk_id"
)
"""Puts every chunk of the tenant where it belongs."""


def delete_chunks(chunk_ids: list[uuid.UUID]) -> None:
    """Remove chunks with their index rows and statistics."""
    if not chunk_ids:
        return
    remove_statistics(chunk_ids)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM chunk_index WHERE chunk_id = ANY(%s)", [chunk_ids])
        cursor.execute("DELETE FROM knowledge_chunk WHERE id = ANY(%s)", [chunk_ids])


def insert_chunks(
    source_id: uuid.UUID, chunks: Sequence[NewChunk], vectors: Mapping[uuid.UUID, Vector], *, is_whole: bool = False
) -> None:  # fmt: skip
    """`is_whole`: the caller knows that no document of the source is kept apart from the others."""
    if not chunks:
        return
    counts = [chunk.words for chunk in chunks]
    found = pack_texts(counts, choose_mean_length([sum(count.values()) for count in counts]))
    _copy("knowledge_chunk", _CHUNK, (_pack_chunk(source_id, chunk) for chunk in chunks))
    texts = zip(chunks, found.lengths, found.packed, strict=True)
    _copy(
        "chunk_index", "chunk_id, source_id, dl, dim, emb, lex",
        (pack_index_row(each.id, source_id, length, vectors.get(each.id), packed) for each, length, packed in texts),
    )  # fmt: skip
    if not is_whole:
        place_chunks(source_id)
    add_statistics(
        found.frequencies, chunks=len(chunks), length=sum(found.lengths),
        spellings=spell_terms(chain.from_iterable(counts)),
    )  # fmt: skip


def _pack_chunk(source_id: uuid.UUID, chunk: NewChunk) -> bytes:
    """A row of knowledge_chunk, by `_CHUNK`."""
    draft = chunk.draft
    heading, content = draft.heading[:1000].encode(), draft.content.encode()
    page = _NO_PAGE if draft.page is None else _INTEGER.pack(4, draft.page)
    digest, place = draft.content_hash.encode(), draft.place.encode()
    return b"".join((
        _CHUNK_HEAD.pack(
            11, 16, chunk.id.bytes, 16, chunk.document_id.bytes, 16, source_id.bytes, 4, draft.ordinal,
            4, draft.token_count, 1, chunk.is_pinned,
        ),
        page, _LENGTH.pack(len(heading)), heading, _LENGTH.pack(len(content)), content,
        _LENGTH.pack(len(digest)), digest, _LENGTH.pack(len(place)), place,
    ))  # fmt: skip


def _copy(table: str, columns: str, rows: Iterable[bytes]) -> None:
    """Send packed rows in portions: each call costs as much as packing a row."""
    rows = iter(rows)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.write(COPY_HEADER)
        while portion := b"".join(islice(rows, _AT_ONCE)):
            copy.write(portion)
        copy.write(COPY_TRAILER)


def move_chunks(chunks: Sequence[NewChunk]) -> None:
    """A chunk that stays may have moved within the source, or have been pinned."""
    if not chunks:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE knowledge_chunk AS c SET document_id = n.document_id, ordinal = n.ordinal, page = n.page, "
            "place = n.place, is_pinned = n.is_pinned "
            "FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::int[], %s::text[], %s::bool[]) "
            "AS n(id, document_id, ordinal, page, place, is_pinned) "
            "WHERE c.id = n.id AND (c.document_id, c.ordinal, c.page, c.place, c.is_pinned) "
            "IS DISTINCT FROM (n.document_id, n.ordinal, n.page, n.place, n.is_pinned)",
            [
                [chunk.id for chunk in chunks], [chunk.document_id for chunk in chunks],
                [chunk.draft.ordinal for chunk in chunks], [chunk.draft.page for chunk in chunks],
                [chunk.draft.place for chunk in chunks], [chunk.is_pinned for chunk in chunks],
            ],
        )  # fmt: skip


def store_parts(
    source_id: uuid.UUID, documents: Iterable[NewDocument]
) -> Mapping[int, uuid.UUID | None]:
    """Make the parts that these documents say they belong to; returns each document's, by its place among them.

    What counts is what the document says itself, whatever a person has made of its metadata.
    """
    parts: dict[uuid.UUID, list[str]] = {}
    found: dict[int, uuid.UUID | None] = {}
    for place, document in enumerate(documents):
        groups = read_groups(document.metadata)
        found[place] = None if groups is None else RestrictedPart.identify(source_id, groups)
        if (part := found[place]) is not None and groups is not None:
            parts[part] = groups
    RestrictedPart.objects.bulk_create(
        [
            RestrictedPart(id=part, source_id=source_id, groups=names)
            for part, names in parts.items()
        ],
        ignore_conflicts=True,
    )
    return found


def narrow_documents(source: Source, documents: Mapping[uuid.UUID, Sequence[str] | None]) -> bool:
    """Have what these documents say now answer only whom they are for, before their new text is in the index; returns
    whether anything is different.

    `documents` are their groups, by their ids. Who may read them only from now on waits for the new text, for which the
    source is read anew whatever comes in between. A transaction of its own, which waits for other writers only where a
    document is not for everybody. Raises ClaimLost.
    """
    wanted = {pk: groups for pk, groups in documents.items() if groups is not None}
    rows = Document.objects.select_related("restricted_to").filter(source=source.pk, pk__in=wanted)
    if not wanted or not any(_narrow(row, wanted[row.pk]) is not None for row in rows.all()):
        return False
    changed = False
    with transaction.atomic():
        lock_knowledge()
        source.beat()
        for row in rows.all():
            groups = _narrow(row, wanted[row.pk])
            if groups is None:
                continue
            part = RestrictedPart.identify(source.pk, groups)
            RestrictedPart.objects.get_or_create(
                pk=part, defaults={"source_id": source.pk, "groups": groups}
            )
            Document.objects.filter(pk=row.pk).update(restricted_to=part)
            changed = True
        if changed:
            place_chunks(source.pk)
            Source.objects.filter(pk=source.pk).update(content_hash="")
    return changed


def _narrow(row: Document, wanted: Sequence[str]) -> list[str] | None:
    """The groups that a document is for from now on; None where these are those it is for already."""
    known, groups = row.own_groups, sorted(wanted)
    if known is not None:
        groups = [each for each in groups if each in known]
    return None if groups == known else groups


def place_chunks(source_id: uuid.UUID) -> None:
    """Put a source's chunks into the index where its documents say that they belong, and forget parts without any."""
    if not RestrictedPart.objects.filter(source=source_id).exists():
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE chunk_index AS i SET source_id = {_KEY} "  # noqa: S608 - ours
            "FROM knowledge_chunk AS c JOIN knowledge_document AS d ON d.id = c.document_id "
            f"WHERE c.source_id = %s AND i.chunk_id = c.id AND i.source_id <> {_KEY}",
            [source_id],
        )
    RestrictedPart.objects.filter(source=source_id, documents__isnull=True).delete()
