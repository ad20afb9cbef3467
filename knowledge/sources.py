"""Make, change and delete sources. Ingesting them is `knowledge.tasks`' business."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from bots.models import BotProfile
from knowledge.configs import prepare_config
from knowledge.models import Dataset, Source, SourceFile, SourceStatus, SourceType
from knowledge.schedule import next_attempt, next_refresh
from knowledge.storage import count_bytes, measure_text
from knowledge.tasks import queue_ingestion, queue_purge
from minirag.lib.errors import BadInput, Conflict, NotFound

# What clients see, and what decides: not the text, which can be megabytes, nor the worker's columns.
_SHOWN = (
    "bot_profile_id", "parent_id", "name", "description", "source_type", "status", "config", "document_count",
    "chunk_count", "error_message", "is_active", "deleted_at", "refresh_schedule", "last_refreshed_at", "created_at",
    "updated_at", "stored_bytes",
)  # fmt: skip

_MOST_TELLING = (SourceStatus.PROCESSING, SourceStatus.ERROR, SourceStatus.PENDING, SourceStatus.READY)


@dataclass(frozen=True)
class ChildrenSummary:
    """What a parent shows of its active children. Of two statuses the sum has the one that a person should see."""

    count: int
    chunk_count: int
    status: str

    def __add__(self, other: ChildrenSummary) -> ChildrenSummary:
        status = min(self.status, other.status, key=_MOST_TELLING.index)
        return ChildrenSummary(self.count + other.count, self.chunk_count + other.chunk_count, status)


def active_sources() -> QuerySet[Source]:
    """Return the sources that lists show, newest first, without their text."""
    shown = Source.objects.filter(is_active=True, deleted_at__isnull=True)
    return shown.only(*_SHOWN).order_by("-created_at", "-id")


def find_source(source_id: UUID) -> Source:
    """Return a source, deleted or not, without its text. Raises NotFound."""
    source = Source.objects.only(*_SHOWN).filter(pk=source_id).order_by().first()
    if source is None:
        raise NotFound("Source not found")
    return source


def summarise_children(parents: Iterable[UUID] | None = None) -> dict[UUID, ChildrenSummary]:
    """Sum up the active children of the given parents, or of all, in one query; parents without any are left out."""
    children = Source.objects.filter(is_active=True, deleted_at__isnull=True, parent__isnull=False).order_by()
    if parents is not None:
        children = children.filter(parent__in=list(parents))
    summaries: dict[UUID, ChildrenSummary] = {}
    groups = children.values_list("parent_id", "status").annotate(Count("id"), Sum("chunk_count"))
    for parent_id, status, count, chunk_count in groups:
        group = ChildrenSummary(count, chunk_count, status)
        summaries[parent_id] = group + summaries[parent_id] if parent_id in summaries else group
    return summaries


def create_source(fields: dict[str, Any]) -> Source:
    """Make a source from the contract's fields; it is not ingested yet.

    Raises BadInput for a bot that is not there or a parent that does not fit, NotFound for a missing parent,
    QuotaExceeded where there is no room for its text.
    """
    bot = find_bot_for_source(fields["bot_profile_id"])
    source = _build_source(private_dataset(bot), find_parent(bot, fields.get("parent_id")), fields)
    with transaction.atomic():
        count_bytes(bot.pk, source.stored_bytes)
        source.save(force_insert=True)
    return source


def create_batch(fields: dict[str, Any]) -> tuple[Source, list[Source]]:
    """Make a parent and its children, all or none; nothing is ingested yet. Raises BadInput, QuotaExceeded."""
    if not fields["children"]:
        raise BadInput("At least one child source is required", code="children_missing")
    dataset = private_dataset(find_bot_for_source(fields["bot_profile_id"]))
    parent = _build_source(dataset, None, {**fields, "config": {}})
    children = [_build_source(dataset, parent, child) for child in fields["children"]]
    with transaction.atomic():
        count_bytes(parent.bot_profile_id, sum(source.stored_bytes for source in (parent, *children)))
        parent.save(force_insert=True)
        Source.objects.bulk_create(children)
    return parent, children


def upload_source(
    bot: BotProfile, parent: Source | None, *, name: str, description: str, file_name: str, kind: str, data: bytes
) -> Source:
    """Keep an uploaded file as a source and queue its ingestion. Raises QuotaExceeded."""
    fields = {
        "name": name, "description": description, "source_type": SourceType.UPLOAD,
        "config": {"original_filename": file_name, "file_size": len(data)},
    }  # fmt: skip
    source = _build_source(private_dataset(bot), parent, fields)
    source.stored_bytes = len(data)
    with transaction.atomic():
        count_bytes(bot.pk, len(data))
        source.save(force_insert=True)
        SourceFile.objects.create(
            source=source, name=file_name, kind=kind, data=data, sha256=hashlib.sha256(data).hexdigest()
        )
        queue_ingestion(source)
    return source


def update_source(source_id: UUID, changes: dict[str, Any]) -> Source:
    """Change the given fields and nothing else: no ingestion starts.

    Activating a deleted source brings it back; its knowledge is gone, so only then it is queued. Raises NotFound,
    BadInput, QuotaExceeded.
    """
    with transaction.atomic():
        source = Source.objects.only(*_SHOWN).select_for_update().filter(pk=source_id).first()
        if source is None:
            raise NotFound("Source not found")
        if "config" in changes:
            config = prepare_config(
                source.source_type, changes["config"], source_id=source.pk, stored=source.config
            )
            changes = {**changes, "config": config}
        restored = changes.get("is_active") is True and source.deleted_at is not None
        if restored:
            changes = {**changes, "deleted_at": None}
        if (changes.get("refresh_schedule") or None) != source.refresh_schedule and "refresh_schedule" in changes:
            changes = {**changes, "next_refresh_at": _plan_refresh(source, changes["refresh_schedule"])}
        if "content" in changes:
            changes = {**changes, "stored_bytes": measure_text(changes["content"])}
        if restored or source.deleted_at is None:
            was = 0 if restored else source.stored_bytes
            count_bytes(source.bot_profile_id, changes.get("stored_bytes", source.stored_bytes) - was)
        for field, value in changes.items():
            setattr(source, field, value)
        source.save(update_fields=[*changes, "updated_at"])
        if restored:
            queue_ingestion(source)
    return source


def _plan_refresh(source: Source, schedule: str | None) -> datetime | None:
    """When a source is due by a schedule that it was given now; one in error keeps to its backoff."""
    if source.status == SourceStatus.ERROR:
        return next_attempt(schedule, timezone.now(), failures=max(source.attempts, 1), retryable=False)
    return next_refresh(schedule, source.last_refreshed_at) if source.last_refreshed_at else None


def delete_source(source_id: UUID) -> None:
    """Delete a source and its active children softly: they answer no more from now on. Twice is as good as once.

    Raises NotFound.
    """
    with transaction.atomic():
        family = Source.objects.filter(Q(pk=source_id) | Q(parent_id=source_id, is_active=True))
        found = list(family.only(*_SHOWN).order_by("id").select_for_update())
        if all(source.pk != source_id for source in found):
            raise NotFound("Source not found")
        deleted = [source for source in found if source.deleted_at is None]
        now = timezone.now()
        gone = Source.objects.filter(pk__in=[source.pk for source in deleted])
        gone.filter(status=SourceStatus.PROCESSING).update(status=SourceStatus.PENDING)
        # The worker at it loses its claim for good, even if the source is brought back before it notices.
        gone.update(is_active=False, deleted_at=now, updated_at=now, queued_at=None, claim_id=None, heartbeat_at=None)
        for source in deleted:
            count_bytes(source.bot_profile_id, -source.stored_bytes)
            queue_purge(source)


def start_ingestion(source_id: UUID) -> Source:
    """Queue a source for ingestion. Raises NotFound, or Conflict while it is being processed."""
    source = find_source(source_id)
    if source.status == SourceStatus.PROCESSING:
        raise Conflict("Source is already being processed", code="source_processing")
    queue_ingestion(source)
    return source


def start_children(source_id: UUID) -> int:
    """Queue every active child that is not being processed; returns how many. Raises NotFound."""
    parent = find_source(source_id)
    waiting = active_sources().filter(parent=parent).exclude(status=SourceStatus.PROCESSING)
    children = list(waiting.order_by("created_at", "id"))
    for child in children:
        queue_ingestion(child)
    return len(children)


def find_parent(bot: BotProfile, parent_id: UUID | None) -> Source | None:
    """Return the parent for a new source of `bot`. Raises NotFound, BadInput."""
    if parent_id is None:
        return None
    parent = find_source(parent_id)
    if parent.bot_profile_id != bot.pk:
        raise BadInput("Parent source belongs to a different bot profile", code="parent_of_other_bot")
    if parent.parent_id is not None:
        raise BadInput("Nesting beyond one level is not allowed", code="nested_too_deep")
    return parent


def find_bot_for_source(bot_profile_id: UUID) -> BotProfile:
    """Return the bot a source is for, active or not. Raises BadInput: the contract has 422 here, not 404."""
    bot = BotProfile.objects.filter(pk=bot_profile_id).first()
    if bot is None:
        raise BadInput("Bot profile not found or belongs to a different tenant", code="bot_not_found")
    return bot


def private_dataset(bot: BotProfile) -> Dataset:
    """Return the bot's own dataset, made on first use with the embedding model the bot has then."""
    fields = {"name": bot.name, "embedding_model": bot.effective_embedding_model}
    return Dataset.objects.get_or_create(bot_profile=bot, defaults=fields)[0]


def _build_source(dataset: Dataset, parent: Source | None, fields: dict[str, Any]) -> Source:
    """Make an unsaved source, in a bot's private dataset, of the fields that a client may set."""
    source = Source(
        bot_profile_id=dataset.bot_profile_id,  # type: ignore[misc]  # a private dataset has its bot
        dataset=dataset, parent=parent, source_type=fields["source_type"],
    )
    for name in ("name", "description", "content", "refresh_schedule"):
        if name in fields:
            setattr(source, name, fields[name])
    source.stored_bytes = measure_text(source.content)
    source.config = prepare_config(source.source_type, fields.get("config", {}), source_id=source.pk)
    return source
