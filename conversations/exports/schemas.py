"""Exports on the wire: the contract's of chats, and those that are jobs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from conversations.exports.models import ExportFormat, ExportJob, ExportStatus, ExportType
from conversations.exports.tables import ExportFilters
from conversations.listing.schemas import ChatSchema
from conversations.turns.schemas import MessageSchema
from minirag.lib.days import Day
from minirag.lib.http_in.nouns import Fixed, Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.http_in.rest import Body


class ExportedChatSchema(Noun):
    chat: ChatSchema
    messages: list[MessageSchema]


class ChatExportSchema(ExportedChatSchema):
    exported_at: Moment


class ChatsExportSchema(Noun):
    chats: list[ExportedChatSchema]
    exported_at: Moment


class FormatQuery(Body):
    format: str = "json"  # whatever is not csv is json: so says the contract


class ChatsExportQuery(FormatQuery):
    bot_profile_id: UUID | None = None
    from_date: Day | None = None
    to_date: Day | None = None
    limit: Annotated[int, Field(ge=0)] = 100


class ExportSchema(Noun, of=ExportJob):
    id: Shown[UUID]
    export_type: Fixed[ExportType]
    format: Fixed[ExportFormat]
    filters: Fixed[dict[str, Any]]
    status: Shown[ExportStatus]
    error_code: Shown[str]
    error_message: Shown[str]
    rows_total: Shown[Annotated[int | None, Field(description="Known once it runs.")]]
    rows_done: Shown[int]
    size_bytes: Shown[int]
    file_name: Shown[str]
    media_type: Shown[str]
    is_expired: Shown[bool]
    user_id: Shown[UUID | None]
    request_id: Shown[str]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]
    started_at: Shown[Moment | None]
    finished_at: Shown[Moment | None]
    expires_at: Shown[Moment | None]


class ExportPageSchema(PagedSchema[ExportSchema]):
    """Exports."""


class NewExport(ExportSchema, reads="new"):
    filters: ExportFilters = ExportFilters()  # type: ignore[assignment]


class ExportQuery(PageQuery):
    status: ExportStatus | None = None
    export_type: ExportType | None = None
