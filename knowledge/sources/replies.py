"""What the source endpoints answer, for the API's description."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from knowledge.models import RefreshSchedule, SourceStatus, SourceType
from minirag.lib.http_in.openapi import EXAMPLE_IDS, Moment, Reply

EXAMPLE_UUID = UUID(EXAMPLE_IDS["dataset_id"])


class SourceReply(Reply):
    id: UUID
    tenant_id: UUID
    bot_profile_id: Annotated[
        UUID | None, Field(description="Null for some sources of a shared dataset.")
    ]
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
    dataset_id: Annotated[
        UUID, Field(description="Only there for a source of a shared dataset.")
    ] = EXAMPLE_UUID
    external_id: Annotated[str, Field(description="Only there where the integrator gave one.")] = (
        "hours-42"
    )


class SourceBatchReply(Reply):
    parent: SourceReply
    children: list[SourceReply]


class IngestionReply(Reply):
    status: Literal["accepted"]
    message: Annotated[
        str, Field(examples=["Ingestion queued for source 50c00000-0000-4000-8000-000000000001"])
    ]


class ChildrenIngestionReply(IngestionReply):
    enqueued: int


class DatasetReply(Reply):
    id: UUID
    tenant_id: UUID
    name: Annotated[str, Field(examples=["Product handbook"])]
    description: str
    tags: list[str]
    metadata: dict[str, Any]
    is_active: bool
    is_shared: bool
    bot_profile_id: Annotated[
        UUID | None, Field(description="The bot whose own dataset it is; null for a shared one.")
    ]
    embedding_model: str
    embedding_dimensions: int | None
    source_count: int
    bot_count: int
    created_at: Moment
    updated_at: Moment


class DatasetPageReply(Reply):
    items: list[DatasetReply]
    next_cursor: str | None
    total: int


class BotLinkReply(Reply):
    bot_profile_id: UUID
    bot_name: str
    dataset_id: UUID
    dataset_name: str
    priority: int
    is_active: bool
    is_searched: Annotated[bool, Field(description="Whether link and dataset are both active.")]
    created_at: Moment


class DatasetFiguresReply(Reply):
    sources: int
    sources_by_status: dict[SourceStatus, int]
    documents: int
    chunks: int
    embedded_chunks: int
    embedding_progress: Annotated[float, Field(ge=0, le=1)]
    tokens: int
    characters: int
    bytes: int
    bots: int
    active_bots: int
    last_activity_at: Moment | None


class DocumentReply(Reply):
    id: UUID
    source_id: UUID
    source_name: str
    dataset_id: UUID
    bot_profile_id: UUID | None
    title: Annotated[str, Field(examples=["Hours"])]
    url: str
    metadata: dict[str, Any]
    edited_fields: Annotated[
        list[Literal["metadata", "title", "url"]], Field(description="What a person has edited.")
    ]
    language: str
    content_hash: str
    char_count: int
    chunk_count: int
    created_at: Moment


class DocumentPageReply(Reply):
    items: list[DocumentReply]
    next_cursor: str | None
    total: int


class ChunkReply(Reply):
    id: UUID
    ordinal: int
    heading: str
    content: Annotated[str, Field(examples=["Open from 9 to 17."])]
    page: int | None
    token_count: int


class ChunkPageReply(Reply):
    items: list[ChunkReply]
    next_cursor: str | None


class DocumentDetailReply(DocumentReply):
    content: str | None
    chunks: ChunkPageReply


class ReindexShareReply(Reply):
    embedding_model: str
    chunks: int
    tokens: int
    embedding_calls: int
    estimated_cost_usd: Annotated[
        float | None, Field(description="At list prices; null where they are not known.")
    ]


class ReindexReply(Reply):
    dry_run: bool
    sources: int
    documents: int
    chunks: int
    tokens: int
    embedding_calls: int
    estimated_cost_usd: float | None
    models: list[ReindexShareReply]
    skipped_processing: Annotated[
        int, Field(description="Sources that are being ingested now and are left alone.")
    ]
    has_more: Annotated[bool, Field(description="Whether `limit` left sources out.")]
    queued: int


class FileFormatReply(Reply):
    extension: Annotated[str, Field(examples=[".pdf"])]
    name: str
    content_type: str


class FormatsReply(Reply):
    formats: list[FileFormatReply]
    max_upload_bytes: int
    max_chunks_per_source: int


class FilePreviewReply(Reply):
    file_name: str
    kind: str
    can_be_ingested: bool
    title: str
    language: str
    bytes: int
    characters: int
    chunks: int
    tokens: int
    pages: int | None
    preview: Annotated[str, Field(description="The first 500 characters.")]
    warnings: list[str]
