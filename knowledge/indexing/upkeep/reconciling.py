"""Finds and mends drift between a tenant's rows, its files and its index.

Nothing of ours makes such drift: all of it is written in one transaction each. A restored dump, a hand in the database
or a fault of the disk does. Every check says what it found; what it can mend it mends under the lock that writers of
knowledge take, and what nobody can mend (a file that is gone) it says as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from bots.models import BotProfile, SharedStorage
from bots.quotas.counting import correct_storage
from knowledge.indexing.chunk_rows import HASH_OF_CHUNK, MISPLACED
from knowledge.indexing.forgetting import forget_knowledge
from knowledge.indexing.lexicon import (
    count_statistics,
    lock_knowledge,
    recount_statistics,
    stored_statistics,
)
from knowledge.models import Redo, Source, SourceStatus, SourceType
from knowledge.sites.drift import find_drifted
from knowledge.tasks import queue_again


@dataclass(frozen=True)
class Finding:
    """A kind of drift: how many rows have it, and whether they are mended now."""

    what: str
    count: int
    is_mended: bool


def reconcile_knowledge(*, mend: bool) -> list[Finding]:
    """Look at the current tenant's knowledge; with `mend` put right what can be."""
    found = []
    for what, check in CHECKS.items():
        with transaction.atomic():
            lock_knowledge()
            count, is_mended = check(mend)
        if count:
            found.append(Finding(what, count, is_mended))
    return found


def _update(statement: str, mend: bool) -> tuple[int, bool]:
    """Run an UPDATE or DELETE that ends in RETURNING, and take it back unless it is to mend."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        count = len(cursor.fetchall())
        if not mend:
            transaction.set_rollback(True)
    return count, mend


def _count_of_sources(mend: bool) -> tuple[int, bool]:
    return _update(
        f"""UPDATE knowledge_source AS s SET document_count = n.documents, chunk_count = n.chunks
              FROM (SELECT id, (SELECT count(*) FROM knowledge_document AS d WHERE d.source_id = k.id) AS documents,
                           (SELECT count(*) FROM knowledge_chunk AS c WHERE c.source_id = k.id) AS chunks
                      FROM knowledge_source AS k) AS n
             WHERE n.id = s.id AND s.source_type <> '{SourceType.NYXCORE.value}'
               AND (s.document_count, s.chunk_count) <> (n.documents, n.chunks)
            RETURNING s.id""",  # noqa: S608 - ours
        mend,
    )


def _count_of_documents(mend: bool) -> tuple[int, bool]:
    return _update(
        """UPDATE knowledge_document AS d SET chunk_count = n.chunks
             FROM (SELECT k.id, count(c.id) AS chunks FROM knowledge_document AS k
                     LEFT JOIN knowledge_chunk AS c ON c.document_id = k.id GROUP BY k.id) AS n
            WHERE n.id = d.id AND d.chunk_count <> n.chunks RETURNING d.id""",
        mend,
    )


def _entries_of_other_sources(mend: bool) -> tuple[int, bool]:
    return _update(MISPLACED, mend)


def _chunks_without_entry(mend: bool) -> tuple[int, bool]:
    """They are found by nothing, and in the way of their own return."""
    return _read_anew("NOT EXISTS (SELECT FROM chunk_index AS i WHERE i.chunk_id = c.id)", mend)


def _chunks_without_document(mend: bool) -> tuple[int, bool]:
    """Nobody sees them in a list, and they are in the way of their document's return."""
    gone = "NOT EXISTS (SELECT FROM knowledge_document AS d WHERE d.id = c.document_id)"
    return _read_anew(gone, mend)


def _chunks_of_another_text(mend: bool) -> tuple[int, bool]:
    """They would be quoted with what nothing was made of: neither their words in the index nor their vector."""
    return _read_anew(f"c.content_hash <> {HASH_OF_CHUNK}", mend)


def _read_anew(which: str, mend: bool) -> tuple[int, bool]:
    """Let chunks go that are good for nothing as they are; their sources are read again and bring them back.

    Not those of a source that a worker has: it would not bring back what it has found unchanged, and nobody would know.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT c.id, c.source_id FROM knowledge_chunk AS c WHERE {which}")  # noqa: S608 - ours
        found = dict(cursor.fetchall())
        sources = Source.objects.filter(pk__in=set(found.values())).order_by("pk")
        held = (
            set(sources.select_for_update().values_list("pk", flat=True))
            if found and mend
            else set()
        )
        busy = held - set(sources.at_rest().values_list("pk", flat=True))
        gone = [pk for pk, source_id in found.items() if source_id not in busy]
        if gone and mend:
            cursor.execute("DELETE FROM chunk_index WHERE chunk_id = ANY(%s)", [gone])
            cursor.execute("DELETE FROM knowledge_chunk WHERE id = ANY(%s)", [gone])
            _count_of_sources(mend)
            queue_again(held - busy, Redo.PARSE)
    return len(found), mend and not busy


def _entries_without_chunk(mend: bool) -> tuple[int, bool]:
    return _update(
        """DELETE FROM chunk_index AS i WHERE NOT EXISTS (
               SELECT FROM knowledge_chunk AS c WHERE c.id = i.chunk_id) RETURNING i.chunk_id""",
        mend,
    )


def _sources_without_claim(mend: bool) -> tuple[int, bool]:
    """They look busy, and nobody would ever take them back."""
    stuck = Source.objects.filter(status=SourceStatus.PROCESSING, claim_id__isnull=True)
    return (stuck.come_to_rest() if mend else stuck.count()), mend


def _uploads_without_file(mend: bool) -> tuple[int, bool]:
    uploads = Source.objects.filter(source_type=SourceType.UPLOAD, deleted_at__isnull=True)
    return uploads.filter(file__isnull=True).count(), False


def _deleted_with_knowledge(mend: bool) -> tuple[int, bool]:
    left = Source.objects.filter(deleted_at__isnull=False, chunks__isnull=False).distinct()
    found = list(left.values_list("pk", flat=True))
    for source_id in found if mend else ():
        forget_knowledge(source_id, only_deleted=True)
    return len(found), mend


def _pages_and_documents(mend: bool) -> tuple[int, bool]:
    """Of sites and connectors; all of such a source is read anew."""
    found = find_drifted()
    if found and mend:
        queue_again(found, Redo.PARSE)
    return sum(found.values()), mend


def _corrections_and_chunks(mend: bool) -> tuple[int, bool]:
    """What somebody wrote has to answer, and what they silenced must not; all of such a source is fitted anew."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT k.source_id FROM knowledge_correction AS k
                 JOIN knowledge_source AS s ON s.id = k.source_id AND s.deleted_at IS NULL
                WHERE EXISTS (SELECT FROM unnest(k.made_ids) AS made
                               WHERE NOT EXISTS (SELECT FROM knowledge_chunk AS c WHERE c.id = made))
                   OR EXISTS (SELECT FROM jsonb_to_recordset(k.theirs) AS t(id uuid, held bool)
                                JOIN knowledge_chunk AS c ON c.id = t.id WHERE t.held)"""
        )
        sources = [row[0] for row in cursor.fetchall()]
    if sources and mend:
        queue_again(dict.fromkeys(sources), Redo.PARSE)
    return len(sources), mend


def _sizes_of_sources(mend: bool) -> tuple[int, bool]:
    return _update(
        f"""UPDATE knowledge_source AS s SET stored_bytes = n.size
              FROM (SELECT k.id, CASE k.source_type WHEN '{SourceType.UPLOAD.value}' THEN octet_length(f.data)
                           ELSE coalesce(octet_length(k.content), 0) END + k.corrected_bytes
                           + coalesce((SELECT sum(e.mine_bytes) FROM knowledge_documentedit AS e
                                         JOIN knowledge_document AS d ON d.id = e.document_id
                                        WHERE d.source_id = k.id), 0) AS size
                      FROM knowledge_source AS k LEFT JOIN knowledge_sourcefile AS f ON f.source_id = k.id
                     WHERE k.deleted_at IS NULL
                       AND k.source_type IN ('{SourceType.UPLOAD.value}', '{SourceType.TEXT.value}')) AS n
             WHERE n.id = s.id AND n.size IS NOT NULL AND s.stored_bytes <> n.size RETURNING s.id""",  # noqa: S608
        mend,
    )


def _storage_of_bots(mend: bool) -> tuple[int, bool]:
    """What bots, and the shared sources of no bot, store by their own count and by their sources' sizes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bot_profile_id, sum(stored_bytes) FROM knowledge_source WHERE deleted_at IS NULL GROUP BY 1"
        )
        sizes = {bot_id: int(size) for bot_id, size in cursor.fetchall()}
    counted: dict[UUID | None, int] = dict(BotProfile.objects.values_list("pk", "stored_bytes"))
    counted[None] = SharedStorage.objects.values_list("stored_bytes", flat=True).first() or 0
    wrong = [bot_id for bot_id, size in counted.items() if size != sizes.get(bot_id, 0)]
    for bot_id in wrong if mend else ():
        correct_storage(bot_id, sizes.get(bot_id, 0))
    return len(wrong), mend


def _word_statistics(mend: bool) -> tuple[int, bool]:
    if mend:
        return int(recount_statistics()), True
    return int(count_statistics() != stored_statistics()), False


def _vectors_of_wrong_size(mend: bool) -> tuple[int, bool]:
    """`dim` is what searches filter by."""
    return _update(
        """UPDATE chunk_index SET dim = coalesce(vector_dims(emb), 0)
            WHERE dim <> coalesce(vector_dims(emb), 0) RETURNING chunk_id""",
        mend,
    )


CHECKS: dict[str, Callable[[bool], tuple[int, bool]]] = {
    "index entries without a chunk": _entries_without_chunk,
    "chunks whose document is gone": _chunks_without_document,
    "chunks that say something else than was indexed": _chunks_of_another_text,
    "chunks that are not in the index": _chunks_without_entry,
    "index entries that name another source": _entries_of_other_sources,
    "index entries with a wrong number of dimensions": _vectors_of_wrong_size,
    "deleted sources that still have knowledge": _deleted_with_knowledge,
    "sources that count documents or chunks wrongly": _count_of_sources,
    "documents that count chunks wrongly": _count_of_documents,
    "pages and documents that do not belong together": _pages_and_documents,
    "corrections whose chunks are not as they say": _corrections_and_chunks,
    "word statistics that are not those of the chunks": _word_statistics,
    "sources that look busy and are nobody's": _sources_without_claim,
    "uploads whose file is gone": _uploads_without_file,
    "sources whose size is wrong": _sizes_of_sources,
    "bots that count their storage wrongly": _storage_of_bots,
}
"""In this order: what a check mends is counted by those behind it."""
