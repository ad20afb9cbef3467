"""Make, change and delete sources. Ingesting them is `knowledge.tasks`' business."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from knowledge.models import (
    Dataset,
    SiteSync,
    Source,
    SourceStatus,
    SourceType,
)
from knowledge.models.standing import STANDING
from knowledge.sources.configs import prepare_config
from knowledge.sources.finding import active_sources, find_source, shown_sources
from knowledge.sources.homes import Home, find_home
from knowledge.sources.planned import require_in_plan
from knowledge.sources.storage import count_bytes, measure_edits, measure_text, store_file
from knowledge.tasks import queue_ingestion, queue_purge
from minirag.lib.errors import BadInput, Conflict, NotFound
from tenants.audit import compare, record
from tenants.due import DueKind, make_due

MAX_CHILDREN = 1000


def create_source(fields: dict[str, Any]) -> Source:
    """Make a source from the contract's fields; it is not ingested yet.

    Raises BadInput for a bot that is not there or a parent that does not fit, NotFound for a missing parent or dataset,
    QuotaExceeded where there is no room for its text.
    """
    home = find_home(fields["bot_profile_id"], fields.get("dataset_id"))
    source = build_source(home, find_parent(home, fields.get("parent_id")), fields)
    with transaction.atomic():
        require_in_plan(source.source_type)
        count_bytes(source.bot_profile_id, source.stored_bytes)
        source.save(force_insert=True)
        note_created(source)
    return source


def create_batch(fields: dict[str, Any]) -> tuple[Source, list[Source]]:
    """Make a parent and its children, all or none; nothing is ingested yet. Raises BadInput, QuotaExceeded.

    The batch's `refresh_schedule` is that of those children that have none of their own: the parent holds nothing.
    """
    if not fields["children"]:
        raise BadInput(gettext("At least one child source is required"), code="children_missing")
    if len(fields["children"]) > MAX_CHILDREN:
        raise BadInput(
            gettext("At most %(max_children)s children at once") % {"max_children": MAX_CHILDREN},
            code="too_many_children",
        )
    require_in_plan("", len(fields["children"]) + 1)
    home = find_home(fields["bot_profile_id"], fields.get("dataset_id"))
    parent = build_source(home, None, {**fields, "config": {}, "refresh_schedule": None})
    schedule = fields.get("refresh_schedule")
    children = [
        build_source(
            home, parent, {**child, "refresh_schedule": child.get("refresh_schedule") or schedule}
        )
        for child in fields["children"]
    ]
    with transaction.atomic():
        require_in_plan("", len(children) + 1)
        count_bytes(
            parent.bot_profile_id, sum(source.stored_bytes for source in (parent, *children))
        )
        parent.save(force_insert=True)
        Source.objects.bulk_create(children)
        note_created(parent, children=len(children))
    return parent, children


def upload_source(
    home: Home,
    parent: Source | None,
    *,
    name: str,
    description: str,
    file_name: str,
    kind: str,
    data: bytes,
    standing: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Source:
    """Keep an uploaded file as a source and queue its ingestion; `standing` as the columns of STANDING.

    `config` may have rules of cleaning.

    Raises QuotaExceeded.
    """
    fields = {
        **(standing or {}), "name": name, "description": description, "source_type": SourceType.UPLOAD,
        "config": {**(config or {}), "original_filename": file_name, "file_size": len(data)},
    }  # fmt: skip
    source = build_source(home, parent, fields)
    source.stored_bytes = len(data)
    with transaction.atomic():
        require_in_plan(source.source_type)
        count_bytes(source.bot_profile_id, len(data))
        source.save(force_insert=True)
        store_file(
            source, name=file_name, kind=kind, data=data, sha256=hashlib.sha256(data).hexdigest()
        )
        note_created(source, bytes=len(data))
        queue_ingestion(source)
    return source


def note_created(source: Source, **detail: Any) -> None:
    """Write into the audit log that a source was made."""
    facts = {"source_type": source.source_type, "bot_profile_id": source.bot_profile_id}
    record("source.created", of=source, detail={**facts, **detail})


def update_source(source_id: UUID, changes: dict[str, Any]) -> Source:
    """Change the given fields and nothing else: no ingestion starts.

    Activating a deleted source brings it back; its knowledge is gone, so only then it is queued. Raises NotFound,
    BadInput, NotInPlan, QuotaExceeded.
    """
    with transaction.atomic():
        source = shown_sources().select_for_update(of=("self",)).filter(pk=source_id).first()
        if source is None:
            raise NotFound(gettext("Source not found"))
        apply_changes(source, changes)
    return source


def apply_changes(source: Source, changes: dict[str, Any]) -> None:
    """`update_source` for a row that the caller's transaction has locked. Raises also QuotaExceeded."""
    if "config" in changes:
        config = prepare_config(
            source.source_type, changes["config"], source_id=source.pk, stored=source.config
        )
        changes = {**changes, "config": config}
    restored = changes.get("is_active") is True and source.deleted_at is not None
    if restored:
        require_in_plan(source.source_type)
        if Dataset.objects.filter(pk=source.dataset_id, deleted_at__isnull=False).exists():
            raise Conflict(gettext("The source's dataset was deleted"), code="dataset_deleted")
        changes = {**changes, "deleted_at": None}
    if "content" in changes and "stored_bytes" not in changes:
        size = measure_text(changes["content"]) + measure_edits(source.pk)
        changes = {**changes, "stored_bytes": size}
    if restored or source.deleted_at is None:
        was = 0 if restored else source.stored_bytes
        count_bytes(source.bot_profile_id, changes.get("stored_bytes", source.stored_bytes) - was)
    planned: list[str] = []
    if changes.get("refresh_schedule", source.refresh_schedule) != source.refresh_schedule:
        planned = source.plan_refresh(changes["refresh_schedule"])
    compared = compare(source, changes)
    for field, value in changes.items():
        setattr(source, field, value)
    source.save(update_fields={*changes, *planned, "updated_at"})
    record("source.restored" if restored else "source.changed", of=source, changes=compared)
    if restored:
        queue_ingestion(source)
    if {"refresh_schedule", "is_active"} & changes.keys():
        make_due({DueKind.REFRESHES: timezone.now()})


def delete_source(source_id: UUID) -> None:
    """Delete a source and its active children softly: they answer no more from now on. Twice is as good as once.

    Raises NotFound.
    """
    with transaction.atomic():
        family = Source.objects.filter(Q(pk=source_id) | Q(parent_id=source_id, is_active=True))
        shown = family.only("id", "name", "deleted_at", "bot_profile_id", "stored_bytes")
        found = list(shown.order_by("id").select_for_update())
        source = next((each for each in found if each.pk == source_id), None)
        if source is None:
            raise NotFound(gettext("Source not found"))
        alive = [each for each in found if each.deleted_at is None]
        mark_deleted(alive)
        if alive:
            record("source.deleted", of=source, detail={"sources": len(alive)})


def mark_deleted(sources: Iterable[Source]) -> None:
    """Delete sources softly that the caller's transaction has locked, and queue the purge of what they say."""
    deleted = list(sources)
    Source.objects.filter(pk__in=[source.pk for source in deleted]).put_away()
    freed: Counter[UUID | None] = Counter()
    for source in deleted:
        freed[source.bot_profile_id] += source.stored_bytes
        queue_purge(source)
    for bot_profile_id in sorted(freed, key=str):
        count_bytes(bot_profile_id, -freed[bot_profile_id])


def start_ingestion(source_id: UUID) -> Source:
    """Queue a source for ingestion. Raises NotFound, or Conflict while it is being processed."""
    source = find_source(source_id)
    if source.status == SourceStatus.PROCESSING:
        raise Conflict(gettext("Source is already being processed"), code="source_processing")
    with transaction.atomic():
        record("source.ingestion_requested", of=source)
        queue_ingestion(source)
    return source


def cancel_ingestion(source_id: UUID) -> Source:
    """Stop a source's ingestion, or take it out of the queue; what it said before goes on answering.

    A worker that has it gives up at its next step and writes nothing. Raises NotFound, or Conflict where there is
    nothing to cancel.
    """
    source = find_source(source_id)
    with transaction.atomic():
        if not Source.objects.filter(pk=source_id).stop():
            raise Conflict(gettext("Nothing is being ingested"), code="source_not_processing")
        SiteSync.objects.cancel_running(source_id)
        record("source.ingestion_cancelled", of=source)
    return find_source(source_id)


def start_children(source_id: UUID) -> int:
    """Queue every active child that is not being processed; returns how many. Raises NotFound."""
    parent = find_source(source_id)
    waiting = active_sources().filter(parent=parent).exclude(status=SourceStatus.PROCESSING)
    children = list(waiting.order_by("created_at", "id"))
    with transaction.atomic():
        record("source.ingestion_requested", of=parent, detail={"children": len(children)})
        for child in children:
            queue_ingestion(child)
    return len(children)


def find_parent(home: Home, parent_id: UUID | None) -> Source | None:
    """Return the parent for a new source in `home`. Raises NotFound, BadInput."""
    if parent_id is None:
        return None
    parent = find_source(parent_id)
    if parent.dataset_id != home.dataset.pk:
        raise BadInput(
            gettext("Parent source belongs to a different bot profile"), code="parent_of_other_bot"
        )
    if parent.parent_id is not None:
        raise BadInput(gettext("Nesting beyond one level is not allowed"), code="nested_too_deep")
    return parent


def build_source(home: Home, parent: Source | None, fields: dict[str, Any]) -> Source:
    """Make an unsaved source of the fields that a client may set. Raises BadInput, NotInPlan.

    Whoever saves it asks for its place in the plan once more, where they save it. One that moves in from elsewhere
    keeps its `id`.
    """
    require_in_plan(fields["source_type"])
    source = Source(
        bot_profile=home.bot, dataset=home.dataset, parent=parent, source_type=fields["source_type"]
    )
    source.pk = fields.get("id", source.pk)
    for name in ("name", "description", "content", "refresh_schedule", "external_id", *STANDING):
        if name in fields:
            setattr(source, name, fields[name])
    source.stored_bytes = measure_text(source.content)
    source.config = prepare_config(
        source.source_type, fields.get("config", {}), source_id=source.pk
    )
    return source
