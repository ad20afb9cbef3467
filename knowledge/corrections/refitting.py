"""Has the index say at once what people have changed in their corrections: `refit`.

What is new is embedded outside of any transaction, as in an ingestion; then corrections, chunks, statistics and counts
change in one. A worker that ingests the source meanwhile finds at its end that the corrections are others, and fits
again, so of the two whoever is last has seen the other.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Count, F
from django.utils.translation import gettext

from knowledge.corrections.fitting import Fitted, fit
from knowledge.corrections.keeping import (
    Stamp,
    count_corrected,
    keep_outcomes,
    load_corrections,
    take_stamp,
)
from knowledge.corrections.own_text import read_own_text
from knowledge.documents.putting import find_payer
from knowledge.indexing.chunk_rows import delete_chunks, insert_chunks, move_chunks, place_chunks
from knowledge.indexing.embedding import embed_chunks
from knowledge.indexing.incoming import NewChunk
from knowledge.indexing.lexicon import lock_knowledge
from knowledge.indexing.swap import EmbedderChanged, KnowledgeChanged
from knowledge.models import Chunk, Correction, Dataset, Document, Source
from knowledge.sources.storage import require_room
from minirag.lib.errors import Conflict, NotFound

_TRIES: Final = 3


@dataclass(frozen=True)
class Edit:
    """Corrections as they are to be, those that are to go, and what else belongs into the same transaction."""

    source_id: uuid.UUID
    keep: Sequence[Correction] = ()
    drop: Sequence[Correction] = ()
    also: Callable[[], object] = lambda: None

    @property
    def document_ids(self) -> set[uuid.UUID]:
        """The documents whose chunks it concerns."""
        rows = [*self.keep, *self.drop]
        theirs = {uuid.UUID(each["document_id"]) for row in rows for each in row.theirs}
        return theirs | {row.document_id for row in rows}


@dataclass(frozen=True)
class _Read:
    """What a refit goes by, which must still be so when it writes."""

    stamp: Stamp
    rows: frozenset[uuid.UUID]
    fitted: Fitted
    added_bytes: int


def refit(edit: Edit) -> None:
    """Make an edit count with the next question.

    Raises NotFound where the source or document is gone, Conflict (`knowledge_changed`) where it is changed by others
    all the time, ProviderError, QuotaExceeded, BudgetExceeded; then nothing has changed.
    """
    for _ in range(_TRIES):
        try:
            _refit(edit)
        except (KnowledgeChanged, EmbedderChanged, IntegrityError):
            continue  # also where a row was made meanwhile of which nothing read here could know
        return
    raise Conflict(
        gettext("The source was changed by somebody else in this moment. Look at it again."),
        code="knowledge_changed",
    )


def _refit(edit: Edit) -> None:
    whole = Source.objects.select_related("bot_profile", "dataset__bot_profile").defer("content")
    source = whole.filter(pk=edit.source_id, deleted_at__isnull=True).first()
    if source is None:
        raise NotFound(gettext("Source not found"))
    model = source.dataset.embedding_model
    read = _read(edit)
    new = [chunk for chunk in read.fitted.chunks if chunk.id not in read.rows]
    require_room(source, source.stored_bytes + read.added_bytes)
    vectors: Mapping[uuid.UUID, Any] = {}
    if new:
        vectors = embed_chunks(find_payer(source, model), model, new, source_id=source.pk)
    with transaction.atomic():
        lock_knowledge()
        locked = _lock(source, model)
        _require_unchanged(edit, read)
        _write(edit, read, new, vectors)
        _count(locked, edit.document_ids)
        edit.also()


def _read(edit: Edit) -> _Read:
    before = load_corrections(edit.source_id)
    _require_own(edit, before)
    gone, mine = {each.pk for each in edit.drop}, {each.pk: each for each in edit.keep}
    corrections = [mine.pop(each.pk, each) for each in before if each.pk not in gone]
    document_ids = edit.document_ids
    languages = dict(
        Document.objects.filter(
            pk__in=document_ids, source=edit.source_id, error_code=""
        ).values_list("pk", "language")
    )
    concerned = [
        each for each in (*corrections, *mine.values()) if each.document_id in document_ids
    ]
    own = read_own_text(document_ids)
    fitted = fit(concerned, own, languages, known={chunk.id for chunk in own}, moves=False)
    written = {each.pk for each in (*edit.keep, *edit.drop)}
    added = _bytes_of(edit.keep) - _bytes_of([each for each in before if each.pk in written])
    return _Read(take_stamp(before), _ids_of_rows(document_ids), fitted, added)


def _require_own(edit: Edit, before: Sequence[Correction]) -> None:
    """Nobody else has changed these corrections since they were read, or corrected the same text first."""
    now = {each.pk: each for each in before}
    for each in (*edit.keep, *edit.drop):
        is_new = each._state.adding
        if is_new == (each.pk in now) or (
            not is_new and now[each.pk].updated_at != each.updated_at
        ):
            raise KnowledgeChanged
    taken = {(each.document_id, each.anchor_hash) for each in before if not each.is_added}
    if any(
        each._state.adding and not each.is_added and (each.document_id, each.anchor_hash) in taken
        for each in edit.keep
    ):
        raise KnowledgeChanged


def _lock(source: Source, model: str) -> Source:
    rows = Source.objects.select_for_update(of=("self",)).filter(deleted_at__isnull=True)
    locked = rows.only("pk").filter(pk=source.pk)
    found = locked.first()
    if found is None:
        raise NotFound(gettext("Source not found"))
    if Dataset.objects.select_for_update().get(pk=source.dataset_id).embedding_model != model:
        raise EmbedderChanged
    return found


def _require_unchanged(edit: Edit, read: _Read) -> None:
    if take_stamp(load_corrections(edit.source_id)) != read.stamp:
        raise KnowledgeChanged
    if _ids_of_rows(edit.document_ids) != read.rows:
        raise KnowledgeChanged


def _write(
    edit: Edit, read: _Read, new: Sequence[NewChunk], vectors: Mapping[uuid.UUID, Any]
) -> None:
    stay = {chunk.id for chunk in read.fitted.chunks}
    delete_chunks([*(read.rows - stay)])
    insert_chunks(edit.source_id, new, vectors)
    place_chunks(edit.source_id)  # of what is not for everybody elsewhere
    move_chunks([chunk for chunk in read.fitted.chunks if chunk.id in read.rows])
    Correction.objects.filter(pk__in=[each.pk for each in edit.drop]).delete()
    for each in edit.keep:
        each.save()
    keep_outcomes(read.fitted.outcomes)


def _count(source: Source, document_ids: Collection[uuid.UUID]) -> None:
    """Count again the chunks of these documents, and the bytes of what people have written."""
    counts = dict(
        Chunk.objects.filter(document__in=document_ids)
        .order_by()
        .values_list("document")
        .annotate(count=Count("pk"))
    )
    added = 0
    for document in Document.objects.filter(pk__in=document_ids).only("pk", "chunk_count"):
        count = counts.get(document.pk, 0)
        added += count - document.chunk_count
        Document.objects.filter(pk=document.pk).update(chunk_count=count)
    Source.objects.filter(pk=source.pk).update(chunk_count=F("chunk_count") + added)
    count_corrected(source.pk)


def _ids_of_rows(document_ids: Collection[uuid.UUID]) -> frozenset[uuid.UUID]:
    rows = Chunk.objects.filter(document__in=document_ids).order_by()
    return frozenset(rows.values_list("pk", flat=True))


def _bytes_of(corrections: Sequence[Correction]) -> int:
    return sum(len((each.content or "").encode()) for each in corrections)
