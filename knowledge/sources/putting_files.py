"""Files under the integrator's own ids: put as they are in the other system, and read anew only where they differ."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from knowledge.formats.registry import BY_SUFFIX, suffix_of
from knowledge.formats.uploads import shorten_file_name
from knowledge.models import Source, SourceFile, SourceType
from knowledge.sources.changing import apply_changes, build_source, note_created
from knowledge.sources.homes import Home
from knowledge.sources.planned import require_in_plan
from knowledge.sources.storage import count_bytes, measure_edits, store_file
from knowledge.sources.upserts import Upserted, put_after_others
from knowledge.tasks import queue_ingestion, restart_ingestion
from minirag.lib.errors import Conflict, NotFound


@dataclass(frozen=True)
class NewFile:
    """A file of a format that can be read, no larger than it may be.

    `said` are further columns of its source, `facts` what its config says beside the file's name and size.
    """

    name: str
    data: bytes
    said: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return BY_SUFFIX[suffix_of(self.name)].kind

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def columns(self) -> dict[str, Any]:
        """What its source is given."""
        config = {"original_filename": self.name, "file_size": len(self.data), **self.facts}
        return {"name": self.name, **self.said, "config": config}


def put_file(
    home: Home, parent: Source | None, external_id: str, file: NewFile
) -> tuple[Source, Upserted]:
    """Make the source with this id, or make it what the file is; its ingestion is queued where bytes or name are new.

    With an empty id a new source is made. However many callers put the same id at once, there is one source. Raises
    Conflict (`source_type_fixed`), QuotaExceeded.
    """
    return put_after_others(partial(_put, home, parent, external_id, file))


def replace_file(source_id: UUID, name: str, data: bytes) -> Upserted:
    """Put a file in the place of an upload's: documents of the same places stay, and what it has no more goes.

    Raises NotFound, Conflict (`source_type_fixed`), QuotaExceeded.
    """
    with transaction.atomic():
        locked = Source.objects.select_related("dataset").select_for_update(of=("self",))
        source = locked.defer("content").filter(pk=source_id, deleted_at__isnull=True).first()
        if source is None:
            raise NotFound(gettext("Source not found"))
        if source.source_type != SourceType.UPLOAD:
            raise Conflict(gettext("Only an upload has a file."), code="source_type_fixed")
        facts = {
            key: value for key, value in source.config.items() if key not in ("original_filename", "file_size")
        }  # fmt: skip
        return _change(
            source, None, NewFile(shorten_file_name(name), data, {"name": source.name}, facts)
        )


def _put(
    home: Home, parent: Source | None, external_id: str, file: NewFile
) -> tuple[Source, Upserted]:
    source = None
    if external_id:
        locked = Source.objects.select_related("dataset").select_for_update(of=("self",))
        found = locked.defer("content").filter(dataset=home.dataset, external_id=external_id)
        source = found.first()
    if source is None:
        return _make(home, parent, external_id, file), Upserted.CREATED
    if source.source_type != SourceType.UPLOAD and source.deleted_at is None:
        raise Conflict(
            gettext("The source is of the type %(source_type)s")
            % {"source_type": source.source_type},
            code="source_type_fixed",
        )
    return source, _change(source, parent, file)


def _make(home: Home, parent: Source | None, external_id: str, file: NewFile) -> Source:
    fields = {**file.columns, "external_id": external_id, "source_type": SourceType.UPLOAD}
    source = build_source(home, parent, fields)
    source.is_active = fields.get("is_active", True)
    source.stored_bytes = len(file.data)
    count_bytes(source.bot_profile_id, source.stored_bytes)
    source.save(force_insert=True)
    store_file(source, **_row_of(file))
    note_created(source, bytes=len(file.data), external_id=external_id)
    queue_ingestion(source)
    source.refresh_from_db(fields=["updated_at"])
    return source


def _change(source: Source, parent: Source | None, file: NewFile) -> Upserted:
    """Make a locked source what the file is."""
    was_deleted = source.deleted_at is not None
    stored = SourceFile.objects.filter(source=source).values_list("sha256", "kind").first()
    is_new = stored != (file.sha256, file.kind)
    said = {**file.columns, **({"parent_id": parent.pk} if parent else {})}
    changes = {name: value for name, value in said.items() if getattr(source, name) != value}
    if was_deleted:
        if source.source_type != SourceType.UPLOAD:
            source.become(SourceType.UPLOAD)
            changes |= {"source_type": source.source_type, "content": None}
        require_in_plan(SourceType.UPLOAD.value)
        source.deleted_at, source.stored_bytes = None, 0  # as its deletion has counted it
        changes |= {"deleted_at": None, "is_active": said.get("is_active", True)}
    if is_new or was_deleted:
        changes["stored_bytes"] = len(file.data) + measure_edits(source.pk)
    if not changes:
        return Upserted.UNCHANGED
    apply_changes(source, changes)
    if is_new:
        store_file(source, **_row_of(file))
    if is_new or was_deleted or "name" in changes:
        restart_ingestion(source)
        source.refresh_from_db(fields=["status", "error_message", "updated_at"])
    return Upserted.CREATED if was_deleted else Upserted.CHANGED


def _row_of(file: NewFile) -> dict[str, Any]:
    return {"name": file.name, "kind": file.kind, "data": file.data, "sha256": file.sha256}
