"""Background work of knowledge: ingestion by queue, the sweeper behind it, scheduled refreshes, and purges.

The queue in Redis may lose messages; the rows do not. `queued_at` says that a source waits for a worker, so a message
without it is a double and does nothing, and a row whose message got lost is sent again by the sweeper. Of many that
wait few have a message: whoever works on one goes on with the others.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from celery import shared_task
from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from bots.quotas.sharing import call_for_help, claim_in_share, claim_next, send_next
from bots.quotas.turns import turn
from knowledge.edits.applying import apply_claimed
from knowledge.indexing.forgetting import forget_knowledge
from knowledge.indexing.ingestion import ingest_claimed, record_interruption
from knowledge.indexing.staging import drop_text
from knowledge.indexing.upkeep.reembedding import find_outdated_datasets, reembed_claimed
from knowledge.models import (
    DocumentEdit,
    Redo,
    Reembedding,
    SitePage,
    Source,
    SourceQuerySet,
    StagedText,
    StagedVector,
)
from knowledge.retrieval.calibrating import calibrate_outdated
from knowledge.retrieval.choosing import choose_embedders
from minirag.lib.jobs.job import RESEND_AFTER
from minirag.lib.jobs.sending import send_now, send_soon
from tenants.tasks import TenantTask

BATCH = 500
AHEAD = 2
"""So many sources that wait have a message each. More would only stand in other tenants' way."""


def queue_ingestion(source: Source) -> None:
    """Have a worker ingest the source soon; once, however often it is asked for before that happens.

    Does nothing for a source that is being ingested, or that is deleted. Never fails because the queue is down.
    """
    waiting = Source.objects.filter(pk=source.pk, deleted_at__isnull=True, queued_at__isnull=True)
    if waiting.at_rest().ask_for():
        drop_text([source.pk])
        transaction.on_commit(partial(_send, source.pk))


def queue_again(source_ids: Iterable[uuid.UUID], redo: Redo) -> int:
    """Have workers ingest sources though nothing has changed; returns how many, without those being ingested now."""
    alive = Source.objects.filter(pk__in=list(source_ids), deleted_at__isnull=True)
    with transaction.atomic():
        free = alive.at_rest().order_by("pk").select_for_update()
        found = dict(free.values_list("pk", "redo"))
        # What is asked for most counts: new vectors come with new chunks.
        weaker = [pk for pk, asked in found.items() if asked != Redo.EMBED]
        Source.objects.filter(pk__in=weaker).ask_for(redo)
        Source.objects.filter(pk__in=found.keys() - set(weaker)).ask_for()
        drop_text(found)
        for source_id in found:
            transaction.on_commit(partial(_send, source_id))
    return len(found)


def restart_ingestion(source: Source) -> None:
    """Queue a source, whose row the caller has locked and changed, also while a worker has it: that worker gives up."""
    if Source.objects.filter(pk=source.pk).restart():
        drop_text([source.pk])
        send_soon(ingest_source, source.pk)


def queue_purge(source: Source) -> None:
    """Have a worker remove the knowledge of a deleted source, which answers no more already."""
    send_soon(purge_source, source.pk)


@shared_task(base=TenantTask, acks_late=True, takes_turns=True)
def ingest_source(source_id: str) -> None:
    """Ingest a source that waits for it, and go on with others that wait until the turn is over.

    A message that comes twice finds nothing to do.
    """
    waiting = Source.objects.filter(Q(queued_at__isnull=False) | Q(claim_id__isnull=False))
    with turn() as begun:
        held = claim_in_share(waiting, uuid.UUID(source_id))
        if held is None:
            return
        call_for_help(_not_begun(), ingest_source)
        sent: list[uuid.UUID] = []
        while held is not None:
            wait = ingest_claimed(held)
            if wait is not None:
                send_now(ingest_source, held.pk, seconds=wait)
                sent.append(held.pk)
            held = None if begun.is_over() else claim_next(_not_begun())
    _send_next(but=sent)


@shared_task(base=TenantTask, acks_late=True, runs_when_inactive=True)
def purge_source(source_id: str) -> None:
    """Remove the knowledge of a source if it still is deleted."""
    forget_knowledge(uuid.UUID(source_id), only_deleted=True)


@shared_task(base=TenantTask, acks_late=True, takes_turns=True)
def reembed(reembedding_id: str) -> None:
    """Give a dataset the vectors of the embedding model that its bot names now, or a turn's worth of them."""
    with turn():
        held = claim_in_share(Reembedding.objects.busy(), uuid.UUID(reembedding_id))
        if held is None:
            return
        sent = [held.pk] if reembed_claimed(held) else []
    for pk in sent:
        send_now(reembed, pk)
    _send_next(but=sent)


def queue_edit(document_id: uuid.UUID) -> None:
    """Have a worker put in the text that somebody wants for a document; its row says that it waits."""
    send_soon(apply_edit, document_id)


@shared_task(base=TenantTask, acks_late=True)
def apply_edit(document_id: str) -> None:
    """Put a document's edited text into the index; a message that comes twice finds nothing to do."""
    held = claim_in_share(DocumentEdit.objects.busy(), uuid.UUID(document_id))
    if held is not None:
        apply_claimed(held)
        _send_next(but=[])


def _not_begun() -> SourceQuerySet:
    """Those that any turn may go on with. What gave its process back has a message of its own, at its time."""
    return Source.objects.filter(deleted_at__isnull=True, progress_stage="")


def _send(source_id: uuid.UUID) -> None:
    """Put a message for a source that waits in the queue, unless enough that wait longer have one."""
    mine = Source.objects.filter(pk=source_id).values("queued_at")
    longer = _not_begun().filter(claim_id__isnull=True, queued_at__lt=Subquery(mine))
    if longer[:AHEAD].count() < AHEAD:
        send_now(ingest_source, source_id)


def _send_next(*, but: Iterable[uuid.UUID]) -> None:
    """A turn has ended: what else takes long may be next. `but` has its message, perhaps for later."""
    send_next(DocumentEdit.objects.all(), apply_edit)  # somebody looks at it
    send_next(Source.objects.filter(deleted_at__isnull=True).exclude(pk__in=but), ingest_source)
    send_next(Reembedding.objects.exclude(pk__in=but), reembed)


# --- What the clock does in the current tenant (see minirag/tasks.py) ---------------------------------------------


def sweep_ingestion() -> int:
    """Give back what dead workers and lost messages left behind; one query if there is nothing to do."""
    found = Source.objects.filter(deleted_at__isnull=True).sweep(give_up=record_interruption)
    begun = [source for source in found if source.progress_stage]
    for source in begun + [source for source in found if not source.progress_stage][:AHEAD]:
        send_now(ingest_source, source.pk)
    return len(found)


def sweep_edits() -> int:
    """Give back edits that dead workers and lost messages left behind, and try again what has paused."""
    found = [row.pk for row in DocumentEdit.objects.sweep()]
    found += DocumentEdit.objects.try_again(timezone.now())
    for document_id in found:
        send_now(apply_edit, document_id)
    return len(found)


def next_edit_sweep() -> datetime | None:
    moments = (DocumentEdit.objects.next_sweep(), DocumentEdit.objects.next_try())
    return min((moment for moment in moments if moment), default=None)


def purge_deleted() -> int:
    """Send again what was deleted some time ago and still has its knowledge."""
    overdue = _unpurged().filter(deleted_at__lt=timezone.now() - RESEND_AFTER)
    found = list(overdue.values_list("pk", flat=True)[:BATCH])
    for source_id in found:
        send_now(purge_source, source_id)
    return len(found)


def next_purge() -> datetime | None:
    first = _unpurged().aggregate(first=Min("deleted_at"))["first"]
    # Not at once again and again: a purge that waits behind an ingestion may take its time.
    return max(first, timezone.now()) + RESEND_AFTER if first else None


def refresh_due() -> int:
    """Queue the sources whose time has come; one query if there are none."""
    due = Source.objects.due(timezone.now()).order_by("last_refreshed_at")
    queued = 0
    for source_id in due.values_list("pk", flat=True)[:BATCH]:
        still_free = Source.objects.filter(pk=source_id, queued_at__isnull=True)
        if still_free.at_rest().put_in_queue():
            drop_text([source_id])
            _send(source_id)
            queued += 1
    return queued


def replan_schedules() -> int:
    """Plan anew what is read at times of the clock, which is another one now."""
    return Source.objects.replan()


def reembed_outdated() -> int:
    """Start the changes of embedding model that somebody asked for, and give back what dead workers left behind."""
    outdated: Any = find_outdated_datasets()[:BATCH]
    ordered = [Reembedding.objects.order(dataset.pk, dataset.wanted) for dataset in outdated]
    found = [pk for pk in ordered if pk] + [row.pk for row in Reembedding.objects.sweep()]
    for reembedding_id in found:
        send_now(reembed, reembedding_id)
    return len(found)


def fit_bots() -> int:
    """Fit bots to what they have come to know: choose and begin the embedder of new ones, and make floors."""
    if choose_embedders():
        reembed_outdated()
    return calibrate_outdated()


def next_reembedding() -> datetime | None:
    """When there is something to start, to try again, or to give back."""
    outdated = set(find_outdated_datasets().values_list("pk", flat=True))
    outdated -= set(Reembedding.objects.busy().values_list("dataset_id", flat=True))
    rows = Reembedding.objects.filter(dataset_id__in=outdated)
    again = dict(rows.values_list("dataset_id", "next_attempt_at"))
    moments = [again.get(dataset_id) or timezone.now() for dataset_id in outdated]
    moments += [moment for moment in [Reembedding.objects.next_sweep()] if moment]
    return min(moments, default=None)


def _unpurged() -> QuerySet[Source]:
    has_pages = Exists(SitePage.objects.filter(sync__source=OuterRef("pk")))
    has_text = Exists(StagedText.objects.filter(source=OuterRef("pk")))
    has_vectors = Exists(StagedVector.objects.filter(source=OuterRef("pk")))
    deleted = Source.objects.filter(deleted_at__isnull=False)
    return deleted.filter(Q(chunk_count__gt=0) | Q(has_pages) | Q(has_text) | Q(has_vectors))
