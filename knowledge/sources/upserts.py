"""Sources under the integrator's own ids: put as they are in the other system, found and deleted by that id.

An id is unique in its dataset, so each bot has ids of its own. An id keeps one row forever: putting it after it
was deleted brings the same source back.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from knowledge.models import Source, SourceQuerySet, SourceType
from knowledge.models.standing import STANDING
from knowledge.models.states import COMPANION_OF, SECRET_OF, servers_own
from knowledge.sources.changing import (
    apply_changes,
    build_source,
    delete_source,
    find_parent,
    note_created,
)
from knowledge.sources.configs import reveal_secret, whole_secret
from knowledge.sources.finding import shown_sources
from knowledge.sources.homes import Home, find_home
from knowledge.sources.planned import require_in_plan
from knowledge.sources.presets import fill_preset
from knowledge.sources.storage import count_bytes, move_bytes
from knowledge.tasks import queue_ingestion, restart_ingestion
from minirag.lib.errors import BadInput, Conflict, NotFound

R = TypeVar("R")

_PLAIN = ("name", "description", "content", "refresh_schedule", "parent_id")
_READ = ("name", "content", "config")
"""What an ingestion depends on; the other fields change nothing that a bot says."""


class Upserted(enum.Enum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


def upsert_source(external_id: str, fields: dict[str, Any]) -> tuple[Source, Upserted]:
    """Make the source with this id, or make it what `fields` say; its ingestion is queued if it has to be read.

    Fields are those of a new source, all of them; None for `is_active` leaves it as it is. However many callers put
    the same id at once, there is one source. Raises BadInput, NotFound, Conflict,
    QuotaExceeded.
    """
    if fields["source_type"] == SourceType.UPLOAD:
        raise BadInput(
            gettext("Put a file's bytes as file_base64, or upload it"), code="upload_not_put"
        )
    home = find_home(fields["bot_profile_id"], fields.get("dataset_id"))
    parent = find_parent(home, fields.get("parent_id"))
    return put_after_others(partial(_put, home, parent, external_id, fields))


def put_after_others(put: Callable[[], R]) -> R:
    """Call `put` in a transaction, and again where another caller has made the row since it looked for it."""
    try:
        with transaction.atomic():
            return put()
    except IntegrityError:
        with transaction.atomic():
            return put()


def find_by_external_id(
    external_id: str, *, bot_profile_id: UUID | None, dataset_id: UUID | None
) -> Source:
    """Return the source with this id that is not deleted, of a bot or a dataset where one is named.

    Raises NotFound, and Conflict where several have the id and none is named.
    """
    alive = _search(external_id, bot_profile_id, dataset_id).filter(deleted_at__isnull=True)
    rows = list(alive.order_by("created_at", "id")[:2])
    if not rows:
        raise NotFound(gettext("Source not found"))
    if len(rows) > 1:
        raise Conflict(
            gettext("Several sources have this id: name the bot or the dataset"),
            code="external_id_ambiguous",
        )
    return rows[0]


def delete_by_external_id(
    external_id: str, *, bot_profile_id: UUID | None, dataset_id: UUID | None
) -> None:
    """Delete the source with this id. Twice is as good as once. Raises as `find_by_external_id` does."""
    try:
        source = find_by_external_id(
            external_id, bot_profile_id=bot_profile_id, dataset_id=dataset_id
        )
    except NotFound:
        if not _search(external_id, bot_profile_id, dataset_id).exists():
            raise
        return
    delete_source(source.pk)


def _search(
    external_id: str, bot_profile_id: UUID | None, dataset_id: UUID | None
) -> SourceQuerySet:
    found = shown_sources().filter(external_id=external_id)
    if dataset_id is not None:
        found = found.filter(dataset=dataset_id)
    elif bot_profile_id is not None:
        found = found.filter(dataset__bot_profile=bot_profile_id)
    return found


def _put(
    home: Home, parent: Source | None, external_id: str, fields: dict[str, Any]
) -> tuple[Source, Upserted]:
    locked = Source.objects.select_related("dataset").select_for_update(of=("self",))
    source = locked.filter(dataset=home.dataset, external_id=external_id).first()
    if source is None:
        source = build_source(home, parent, {**fields, "external_id": external_id})
        source.is_active = fields["is_active"] is not False
        count_bytes(source.bot_profile_id, source.stored_bytes)
        source.save(force_insert=True)
        note_created(source, external_id=external_id)
        queue_ingestion(source)
        source.refresh_from_db(fields=["updated_at"])
        return source, Upserted.CREATED
    if source.source_type != fields["source_type"] and source.deleted_at is None:
        raise Conflict(
            gettext("The source is of the type %(source_type)s")
            % {"source_type": source.source_type},
            code="source_type_fixed",
        )
    return source, _change(source, home, fields)


def _change(source: Source, home: Home, fields: dict[str, Any]) -> Upserted:
    """Make a locked source what `fields` say."""
    was_deleted = source.deleted_at is not None
    said = (*_PLAIN, *(name for name in STANDING if name in fields))
    changes = {name: fields[name] for name in said if getattr(source, name) != fields[name]}
    if changes.get("parent_id") and (changes["parent_id"] == source.pk or source.children.exists()):
        raise BadInput(gettext("Nesting beyond one level is not allowed"), code="nested_too_deep")
    if was_deleted:
        require_in_plan(fields["source_type"])
        if source.source_type != fields["source_type"]:
            source.become(fields["source_type"])
        source.deleted_at = None
        source.stored_bytes = 0  # as its deletion has counted it
        changes |= {
            "deleted_at": None,
            "source_type": source.source_type,
            "content": fields["content"],
        }
        changes["is_active"] = fields["is_active"] is not False
    elif fields["is_active"] is not None and fields["is_active"] != source.is_active:
        changes["is_active"] = fields["is_active"]
    if was_deleted or _config_differs(source, fields["config"]):
        changes["config"] = fields["config"]
    if home.bot is not None and source.bot_profile_id != home.bot.pk:
        move_bytes(source.bot_profile_id, home.bot.pk, source.stored_bytes)
        source.bot_profile = home.bot
        changes["bot_profile_id"] = home.bot.pk
    if not changes:
        return Upserted.UNCHANGED
    apply_changes(source, changes)
    if was_deleted or any(name in changes for name in _READ):
        restart_ingestion(source)
        source.refresh_from_db(fields=["status", "error_message", "updated_at"])
    return Upserted.CREATED if was_deleted else Upserted.CHANGED


def _config_differs(source: Source, config: dict[str, Any]) -> bool:
    """Whether a config says something else than the stored one; a token that is not sent stays as it is."""
    secret = SECRET_OF.get(source.source_type)
    if secret is None:
        filled = fill_preset(config) if source.source_type == SourceType.SITE else config
        return filled != source.config
    own = (*servers_own(secret), secret, COMPANION_OF.get(source.source_type, ""))
    sent = {name: value for name, value in config.items() if name not in own}
    kept = {name: value for name, value in source.config.items() if name not in own}
    return sent != kept or (
        secret in config
        and (whole_secret(source.source_type, config) or None) != reveal_secret(source)
    )
