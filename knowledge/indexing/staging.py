"""Keeps what an ingestion has made when it stops on its way: it gives its process back, it fails, or its worker dies.

Cut text is used again as long as it is what the source says; a vector as long as its chunk is wanted, by the same
model and for the same order to make it anew. All of it goes with the swap.
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Collection, Mapping
from dataclasses import astuple, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from knowledge.indexing.chunking import ChunkDraft
from knowledge.indexing.incoming import NewDocument
from knowledge.models import Redo, Source, StagedText, StagedVector

if TYPE_CHECKING:
    from knowledge.indexing.vectors import Vector

GOOD_FOR: Final = timedelta(minutes=10)
"""For so long after the last turn what was read is still worked with; later it is read anew."""
_ROWS = 500


def keep_text(
    source: Source, model: str, documents: Collection[NewDocument], facts: Mapping[str, Any]
) -> None:
    """Keep what was read and cut, with the facts that the swap will need. Raises ClaimLost."""
    said = [_describe(document) for document in documents]
    body = zlib.compress(json.dumps(said).encode(), level=1)
    kept = {
        "embedding_model": model, "remake": source.redo, "facts": dict(facts), "body": body,
    }  # fmt: skip
    with transaction.atomic():
        source.beat()
        StagedText.objects.update_or_create(source_id=source.pk, defaults=kept)


def find_text(source: Source, model: str) -> StagedText | None:
    """Return what was kept for this model, if it still is what would be made; its `body` is for `read_text`."""
    fresh = StagedText.objects.filter(
        source_id=source.pk, embedding_model=model, remake=source.redo,
        staged_at__gte=timezone.now() - GOOD_FOR,
    )  # fmt: skip
    return fresh.first()


def touch_text(staged: StagedText) -> None:
    """Note that it was worked with just now, unless it is dropped in the meantime."""
    StagedText.objects.filter(pk=staged.pk).update(staged_at=timezone.now())


def read_text(staged: StagedText) -> list[NewDocument]:
    said = json.loads(zlib.decompress(staged.body))
    return [
        NewDocument(**{**fields, "drafts": [ChunkDraft(*draft) for draft in fields["drafts"]]})
        for fields in said
    ]


def _describe(document: NewDocument) -> dict[str, Any]:
    fields = vars(replace(document, drafts=[]))
    return {**fields, "drafts": [astuple(draft) for draft in document.drafts]}


def keep_vectors(source: Source, model: str, vectors: Mapping[uuid.UUID, Vector]) -> None:
    """Keep vectors that were made. Raises ClaimLost."""
    rows = [
        StagedVector(
            chunk_id=chunk_id, source_id=source.pk, embedding_model=model, remake=source.redo, emb=vector
        )
        for chunk_id, vector in vectors.items()
    ]  # fmt: skip
    with transaction.atomic():
        source.beat()
        StagedVector.objects.bulk_create(
            rows, batch_size=_ROWS, update_conflicts=True, unique_fields=["chunk_id"],
            update_fields=["embedding_model", "remake", "emb"],
        )  # fmt: skip


def find_kept(source: Source, model: str) -> set[uuid.UUID]:
    """Which chunks have a vector that was kept."""
    return set(_vectors(source, model).values_list("chunk_id", flat=True))


def read_vectors(source: Source, model: str) -> dict[uuid.UUID, Vector]:
    return dict(_vectors(source, model).values_list("chunk_id", "emb"))


def drop_staged(source_id: uuid.UUID) -> None:
    """Forget what was kept of a source: it is in the index, or it is to be forgotten."""
    StagedText.objects.filter(source_id=source_id)._raw_delete("default")
    StagedVector.objects.filter(source_id=source_id)._raw_delete("default")


def drop_text(source_ids: Collection[uuid.UUID]) -> None:
    """Have sources that are asked for anew be read anew: what was read belongs to an ingestion that is over."""
    StagedText.objects.filter(source__in=list(source_ids))._raw_delete("default")


def _vectors(source: Source, model: str) -> Any:
    kept = StagedVector.objects.filter(source_id=source.pk, embedding_model=model)
    # What was made before somebody asked for new vectors is not what they asked for.
    return kept.filter(remake=Redo.EMBED) if source.redo == Redo.EMBED else kept
