"""Changes the embedding model of a dataset that already has knowledge, while it goes on answering.

The new vectors are made beside the old ones, in batches that each commit, so a killed worker loses one batch at most.
When every chunk has one, a single transaction puts them into the index, names the new model and ends the job; until
then questions are embedded with the old model. A worker stays with a dataset for SLICE_SECONDS and then gives it back
for whoever comes next, so that a large one neither keeps others waiting nor runs into the time limit of tasks.
"""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, CharField, F, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, NullIf
from django.db.models.lookups import Exact
from django.utils import timezone

from bots.models import BotProfile
from bots.quotas.counting import require_spendable
from bots.quotas.turns import is_turn_over
from knowledge.indexing.chunking import ChunkDraft, indexed_text
from knowledge.indexing.embedding import BATCH_SIZE, embed_batch
from knowledge.indexing.lexicon import lock_knowledge
from knowledge.indexing.search_indexes import MAX_INDEXED_DIMENSIONS, ensure_indexes
from knowledge.models import Chunk, Dataset, NextVector, Reembedding
from minirag.ai.builtin.local import FOLDER, is_folder, pin, unpin
from minirag.lib.errors import ProductError
from minirag.lib.jobs.heartbeat import Heartbeat
from minirag.lib.jobs.job import ClaimLost
from tenants.due import DueKind, make_due

logger = structlog.get_logger(__name__)

SLICE_SECONDS = 300.0


def find_outdated_datasets() -> QuerySet[Dataset]:
    """Return the datasets with knowledge whose bot names another embedding model than made their vectors, or the files
    of whose model have been exchanged since. Each with the model that is `wanted`.
    """
    default = Value(settings.DEFAULT_EMBEDDING_MODEL, output_field=CharField())
    named = Coalesce(NullIf("bot_profile__embedding_model", Value("")), default)
    wanted = Case(
        When(bot_profile__isnull=False, then=_replace_ids(named, _pins_of_bots())),
        default=_replace_ids(F("embedding_model"), _pins_of_shared()),
    )
    answering = Dataset.objects.filter(deleted_at__isnull=True, sources__chunk_count__gt=0)
    outdated = answering.annotate(wanted=wanted)
    return outdated.exclude(wanted=F("embedding_model")).distinct()


def _pins_of_bots() -> dict[str, str]:
    """What the ids of folders' models that bots name stand for now (see `local.pin`)."""
    rows = BotProfile.objects.filter(embedding_model__startswith=FOLDER).order_by()
    names = {name or "" for name in rows.values_list("embedding_model", flat=True).distinct()}
    return {
        name: pin(name) for name in {*names, settings.DEFAULT_EMBEDDING_MODEL} if is_folder(name)
    }


def _pins_of_shared() -> dict[str, str]:
    """The same of the ids that shared datasets keep; while a folder is broken its datasets stay as they are."""
    rows = Dataset.objects.filter(bot_profile__isnull=True, embedding_model__startswith=FOLDER)
    names = rows.order_by().values_list("embedding_model", flat=True).distinct()
    return {name: new for name in names if (new := pin(unpin(name))) != unpin(name)}


def _replace_ids(named: Combinable, pins: dict[str, str]) -> Case:
    cases = [When(Exact(named, Value(name)), then=Value(new)) for name, new in pins.items()]
    return Case(*cases, default=named, output_field=CharField())


def reembed_claimed(held: Reembedding) -> bool:
    """Embed a claimed dataset's chunks with the model that its bot names now, and swap.

    Returns whether the job waits again, because there is more to do than fits into SLICE_SECONDS. A dataset that is up
    to date by now is left as it is.
    """
    log = logger.bind(dataset_id=str(held.dataset_id), model=held.embedding_model)
    try:
        with Heartbeat(held):
            return _reembed(held)
    except ClaimLost:
        log.warning("re-embedding given up: deleted, or another worker's")
    except ProductError as error:
        _record_failure(held, error.code, str(error.detail))
    except SoftTimeLimitExceeded:
        _record_failure(held, "timeout", "A batch of chunks took too long.")
    except Exception:
        log.exception("re-embedding failed")
        _record_failure(held, "internal", "Something went wrong on our side.")
    return False


def _reembed(held: Reembedding) -> bool:
    outdated: Any = find_outdated_datasets().select_related("bot_profile")
    dataset = outdated.filter(pk=held.dataset_id).first()
    if dataset is None:
        held.finish()
        return False
    bot, model = dataset.bot_profile, dataset.wanted
    NextVector.objects.filter(dataset_id=dataset.pk).exclude(embedding_model=model).delete()
    if bot is not None:
        require_spendable(bot.pk)
    ends_at, dimensions = time.monotonic() + SLICE_SECONDS, None
    while dimensions is None:
        if not _embed_missing(held, bot, model, ends_at):
            held.give_back(attempts=0)
            return True
        dimensions = _swap_vectors(held, model)
    logger.info("dataset re-embedded", dataset_id=str(dataset.pk), model=model)
    if dimensions <= MAX_INDEXED_DIMENSIONS:
        ensure_indexes(dimensions)
    return False


def _record_failure(held: Reembedding, code: str, reason: str) -> None:
    logger.warning("re-embedding failed", dataset_id=str(held.dataset_id), code=code)
    with suppress(ClaimLost), transaction.atomic():
        held.fail(code, reason)


def _missing_chunks(dataset_id: uuid.UUID) -> QuerySet[Chunk]:
    made = NextVector.objects.filter(dataset_id=dataset_id).values("chunk_id")
    return Chunk.objects.filter(source__dataset_id=dataset_id).exclude(pk__in=made).order_by("pk")


def _embed_missing(held: Reembedding, bot: BotProfile | None, model: str, ends_at: float) -> bool:
    """Make the vectors that are missing; False if there was no time for all of them. Raises ClaimLost."""
    total = Chunk.objects.filter(source__dataset_id=held.dataset_id).count()
    while batch := list(_missing_chunks(held.dataset_id)[:BATCH_SIZE]):
        if time.monotonic() >= ends_at or is_turn_over():
            return False
        done = NextVector.objects.filter(dataset_id=held.dataset_id).count()
        held.beat(embedding_model=model, chunks_done=done, chunks_total=total)
        vectors = embed_batch(bot, model, [_text_of(chunk) for chunk in batch])
        rows = [
            NextVector(
                chunk_id=chunk.pk, dataset_id=held.dataset_id, embedding_model=model, emb=vector
            )
            for chunk, vector in zip(batch, vectors, strict=True)
        ]
        NextVector.objects.bulk_create(rows, ignore_conflicts=True)
    return True


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


def _swap_vectors(held: Reembedding, model: str) -> int | None:
    """Put the new vectors in place, end the job, and return their dimensions; None if chunks came in without one.

    Raises ClaimLost.
    """
    dataset_id = held.dataset_id
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
        made, _ = NextVector.objects.filter(dataset_id=dataset_id).delete()
        held.finish(chunks_done=made, chunks_total=made)
        make_due({DueKind.CALIBRATION: timezone.now()})  # floors are of one model
    return dataset.embedding_dimensions or 0
