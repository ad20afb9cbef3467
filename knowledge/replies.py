"""What the source endpoints answer, for the API's description."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from knowledge.models import RefreshSchedule, SourceStatus, SourceType
from minirag.lib.openapi import Moment, Reply


class SourceReply(Reply):
    id: UUID
    tenant_id: UUID
    bot_profile_id: UUID
    parent_id: UUID | None
    name: Annotated[str, Field(examples=["Hours"])]
    description: str
    source_type: SourceType
    status: SourceStatus
    config: dict[str, Any]
    document_count: int
    chunk_count: int
    error_message: str | None
    is_active: bool
    refresh_schedule: RefreshSchedule | None
    last_refreshed_at: Moment | None
    children_count: int
    created_at: Moment
    updated_at: Moment


class SourceBatchReply(Reply):
    parent: SourceReply
    children: list[SourceReply]


class IngestionReply(Reply):
    status: Literal["accepted"]
    message: Annotated[str, Field(examples=["Ingestion queued for source 50c00000-0000-4000-8000-000000000001"])]


class ChildrenIngestionReply(IngestionReply):
    enqueued: int
