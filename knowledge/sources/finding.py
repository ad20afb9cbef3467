"""Sources as clients see them: read, listed, and what a parent sums up of its children."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.utils.translation import gettext

from knowledge.models import Source, SourceQuerySet, SourceStatus
from knowledge.models.standing import STANDING
from minirag.lib.errors import NotFound
from minirag.lib.rows import FixedColumn, FixedQuery

# What clients see, and what decides: not the text, which can be megabytes, nor the worker's columns.
_SHOWN = (
    "bot_profile_id", "dataset__bot_profile_id", "parent_id", "external_id", "name", "description", "source_type",
    "status", "config", "document_count", "chunk_count", "error_message", "is_active", "deleted_at",
    "refresh_schedule", "last_refreshed_at", "created_at", "updated_at", "stored_bytes", *STANDING,
)  # fmt: skip

_TABLE = Source._meta.db_table
# Written out: to have Django write it, with an id for each row of a page, took a fifth of a list's time.
_CHILDREN = f"""
    SELECT parent_id, status, count(*), sum(chunk_count)
      FROM {_TABLE}
     WHERE is_active AND deleted_at IS NULL AND parent_id = ANY(%s::uuid[])
     GROUP BY parent_id, status
"""  # noqa: S608 - the table's own name

_MOST_TELLING = (
    SourceStatus.PROCESSING,
    SourceStatus.ERROR,
    SourceStatus.PENDING,
    SourceStatus.READY,
)


@dataclass(frozen=True)
class ChildrenSummary:
    """What a parent shows of its active children. If their statuses differ, the one that a person should see wins."""

    count: int
    chunk_count: int
    status: str

    def __add__(self, other: ChildrenSummary) -> ChildrenSummary:
        status = min(self.status, other.status, key=_MOST_TELLING.index)
        return ChildrenSummary(
            self.count + other.count, self.chunk_count + other.chunk_count, status
        )


def shown_sources() -> SourceQuerySet:
    """Return all sources, deleted ones too, as clients see them: without their text."""
    return Source.objects.select_related("dataset").only(*_SHOWN)


def active_sources() -> QuerySet[Source]:
    """Return the sources that lists show, newest first, without their text."""
    return _ACTIVE.all()


def listed_sources() -> QuerySet[Any]:
    """`active_sources`, each with `is_parent`: whether it has active children that can be summed up."""
    return _LISTED.all()


_ACTIVE = (
    shown_sources().filter(is_active=True, deleted_at__isnull=True).order_by("-created_at", "-id")
)
# With the page itself: most have none, and to ask for what is not there took a list one message more.
_HAS_CHILDREN = (
    f"EXISTS (SELECT FROM {_TABLE} below WHERE below.parent_id = {_TABLE}.id"
    " AND below.is_active AND below.deleted_at IS NULL)"
)
_LISTED = _ACTIVE.annotate(is_parent=FixedColumn(_HAS_CHILDREN, BooleanField()))
_SOURCE: FixedQuery[Source] = FixedQuery(lambda pk: shown_sources().filter(pk=pk).order_by(), UUID)


def find_source(source_id: UUID) -> Source:
    """Return a source, deleted or not, without its text. Raises NotFound."""
    source = _SOURCE.first(source_id)
    if source is None:
        raise NotFound(gettext("Source not found"))
    return source


def summarise_children(parents: Iterable[UUID]) -> dict[UUID, ChildrenSummary]:
    """Sum up the active children of the given parents in one query; parents without any are left out."""
    summaries: dict[UUID, ChildrenSummary] = {}
    with connection.cursor() as cursor:
        # As a text: of a list psycopg writes each id by itself, which takes twenty times as long.
        cursor.execute(_CHILDREN, [f"{{{','.join(map(str, parents))}}}"])
        groups = cursor.fetchall()
    for parent_id, status, count, chunk_count in groups:
        group = ChildrenSummary(count, chunk_count, status)
        summaries[parent_id] = group + summaries[parent_id] if parent_id in summaries else group
    return summaries
