"""Changes the embedding model of a dataset that already has knowledge, while it goes on answering.

The new vectors are made beside the old ones, in batches that each commit, so a killed worker loses one batch at most.
When every chunk has one, a single transaction puts them into the index and names the new model; until then questions
are embedded with the old model. One worker at a time, by a lease in the cache that each batch renews: a lock of the
database session would be lost or left behind where a pooler lends the session to others. Two workers, should one stall
longer than its lease, would only do the same work twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from bots.models import BotProfile
from knowledge.indexing.chunking import ChunkDraft, indexed_text
from knowledge.indexing.embedding import BATCH_SIZE, embed_batch
from knowledge.indexing.lexicon import lock_knowledge
from knowledge.indexing.vector_index import MAX_INDEXED_DIMENSIONS, ensure_vector_index
from knowledge.models import Chunk, Dataset, NextVector
from minirag.ai.embeddings import EmbedderMissing
from minirag.lib.errors import ProviderError

logger = structlog.get_logger(__name__)

PAUSE_SECONDS = 900
"""How long a dataset is left alone after its new model failed."""
LEASE_SECONDS = 300
"""Longer than a batch takes with all its retries; a killed worker's dataset waits as long for the next one."""


def find_outdated_datasets() -> QuerySet[Dataset]:
    """Return the datasets with knowledge whose bot names another embedding model than made their vectors."""
    default = Value(settings.DEFAULT_EMBEDDING_MODEL, output_field=CharField())
    named = Coalesce(NullIf("bot_profile__embedding_model", Value("")), default)
    outdated = Dataset.objects.filter(
        bot_profile__isnull=False, sources__chunk_count__gt=0
    ).annotate(wanted=named)
    return outdated.exclude(wanted=F("embedding_model")).distinct()


def reembed_dataset(dataset_id: uuid.UUID) -> bool:
    """Embed a dataset's chunks with the model that its bot names now, and swap; returns whether it was swapped.

    Does nothing if it is up to date, if another worker does it, or shortly after its new model failed.
    """
    dataset = find_outdated_datasets().select_related("bot_profile").filter(pk=dataset_id).first()
    if dataset is None or dataset.bot_profile is None or cache.get(_pause_key(dataset_id)):
        return False
    model = dataset.bot_profile.effective_embedding_model
    with _only_worker(dataset_id) as is_ours:
        if not is_ours:
            return False
        NextVector.objects.filter(dataset_id=dataset_id).exclude(embedding_model=model).delete()
        try:
            while True:
                _embed_missing(dataset, dataset.bot_profile, model)
                dimensions = _swap_vectors(dataset_id, model)
                if dimensions is not None:
                    break
        except (EmbedderMissing, ProviderError) as error:
            # The old vectors go on answering; the pause keeps a wrong key from being tried every minute.
            cache.set(_pause_key(dataset_id), error.code, PAUSE_SECONDS)
            logger.warning(
                "re-embedding failed", dataset_id=str(dataset_id), model=model, code=error.code
            )
            return False
    logger.info("dataset re-embedded", dataset_id=str(dataset_id), model=model)
    if dimensions <= MAX_INDEXED_DIMENSIONS:
        ensure_vector_index(dimensions)
    return True


def _pause_key(dataset_id: uuid.UUID) -> str:
    return f"reembedding-failed:{dataset_id}"


@contextmanager
def _only_worker(dataset_id: uuid.UUID) -> Iterator[bool]:
    ours = uuid.uuid4().hex
    is_ours = bool(cache.add(_lease_key(dataset_id), ours, LEASE_SECONDS))
    try:
        yield is_ours
    finally:
        if is_ours and cache.get(_lease_key(dataset_id)) == ours:
            cache.delete(_lease_key(dataset_id))


def _lease_key(dataset_id: uuid.UUID) -> str:
    return f"reembedding:{dataset_id}"


def _missing_chunks(dataset_id: uuid.UUID) -> QuerySet[Chunk]:
    made = NextVector.objects.filter(dataset_id=dataset_id).values("chunk_id")
    return Chunk.objects.filter(source__dataset_id=dataset_id).exclude(pk__in=made).order_by("pk")


def _embed_missing(dataset: Dataset, bot: BotProfile, model: str) -> None:
    while batch := list(_missing_chunks(dataset.pk)[:BATCH_SIZE]):
        cache.touch(_lease_key(dataset.pk), LEASE_SECONDS)
        vectors = embed_batch(bot, model, [_text_of(chunk) for chunk in batch])
        rows = [
            NextVector(chunk_id=chunk.pk, dataset_id=dataset.pk, embedding_model=model, emb=vector)
            for chunk, vector in zip(batch, vectors, strict=True)
        ]
        NextVector.objects.bulk_create(rows, ignore_conflicts=True)


def _text_of(chunk: Chunk) -> str:
    """What was embedded for it before."""
    draft = ChunkDraft(
        chunk.ordinal,
        chunk.heading,
        chunk.content,
        chunk.page,
        chunk.token_count,
        chunk.content_hash,
    )
    return indexed_text(draft)


def _swap_vectors(dataset_id: uuid.UUID, model: str) -> int | None:
    """Put the new vectors in place and return their dimensions; None if chunks came in that have none yet."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_knowledge()
        dataset = Dataset.objects.select_for_update().get(pk=dataset_id)
        if _missing_chunks(dataset_id).exists():
            return None
        cursor.execute(
            "UPDATE chunk_index AS i SET emb = n.emb, dim = vector_dims(n.emb) FROM knowledge_nextvector AS n "
            "WHERE i.chunk_id = n.chunk_id AND n.dataset_id = %s",
            [dataset_id],
        )
        sample = NextVector.objects.filter(dataset_id=dataset_id).first()
        dataset.embedding_model = model
        dataset.embedding_dimensions = len(sample.emb) if sample else None
        dataset.save(update_fields=["embedding_model", "embedding_dimensions", "updated_at"])
        NextVector.objects.filter(dataset_id=dataset_id).delete()
    return dataset.embedding_dimensions or 0
