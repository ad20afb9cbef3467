"""What the source endpoints read and write."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from knowledge.configs import show_config
from knowledge.models import RefreshSchedule, Source, SourceType
from knowledge.sources import ChildrenSummary
from minirag.lib.pagination import PlainPageQuery
from minirag.lib.rest import Body, naive_utc
from tenants.context import require_tenant

Name = Annotated[str, Field(max_length=255)]
Description = Annotated[str, Field(max_length=1000)]


class NewSource(Body):
    bot_profile_id: UUID
    name: Name
    description: Description = ""
    source_type: SourceType
    config: dict[str, Any] = {}
    content: str | None = None
    parent_id: UUID | None = None
    refresh_schedule: RefreshSchedule | None = None


class SourceChanges(Body):
    """Only `model_fields_set` counts; the defaults are never used."""

    name: Name = ""
    description: Description = ""
    config: dict[str, Any] = {}
    content: str | None = None
    is_active: bool = True
    refresh_schedule: RefreshSchedule | None = None


class NewChild(Body):
    name: Name
    description: Description = ""
    source_type: SourceType
    config: dict[str, Any] = {}
    content: str | None = None


class NewBatch(Body):
    bot_profile_id: UUID
    name: Name
    description: Description = ""
    source_type: SourceType = SourceType.URL
    children: Annotated[list[NewChild], Field(max_length=1000)]


class SourceQuery(PlainPageQuery):
    bot_profile_id: UUID | None = None
    parent_id: UUID | None = None
    include_children: bool = False


class UploadForm(Body):
    """The text parts of an upload."""

    bot_profile_id: UUID
    name: Name = ""
    description: Description = ""
    parent_id: UUID | None = None


def render_source(source: Source, children: ChildrenSummary | None = None) -> dict[str, Any]:
    """Render a source; with a summary, its status and chunks are those of its children."""
    return {
        "id": str(source.pk),
        "tenant_id": str(require_tenant().pk),
        "bot_profile_id": str(source.bot_profile_id),
        "parent_id": str(source.parent_id) if source.parent_id else None,
        "name": source.name,
        "description": source.description,
        "source_type": source.source_type,
        "status": children.status if children else source.status,
        "config": show_config(source.source_type, source.config),
        "document_count": source.document_count,
        "chunk_count": children.chunk_count if children else source.chunk_count,
        "error_message": source.error_message,
        "is_active": source.is_active,
        "refresh_schedule": source.refresh_schedule,
        "last_refreshed_at": naive_utc(source.last_refreshed_at),
        "children_count": children.count if children else 0,
        "created_at": naive_utc(source.created_at),
        "updated_at": naive_utc(source.updated_at),
    }
