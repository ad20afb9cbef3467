"""What the chat log and the export jobs answer, for the API's description."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from bots.models import Outcome
from conversations.exports.models import ExportFormat, ExportStatus, ExportType
from conversations.models import CutReason, Feedback
from conversations.turns.replies import RefusalReply, Score
from minirag.lib.http_in.openapi import Moment, Reply


class TurnCitationReply(Reply):
    number: Annotated[int, Field(description="The `[1]` in the answer.")]
    chunk_id: UUID
    source_id: UUID
    title: Annotated[str, Field(examples=["Hours"])]
    url: str
    page: int | None
    content: Annotated[
        str, Field(description="Its first 200 characters.", examples=["Open from 9 to 17."])
    ]
    score: Score


class TurnUsageReply(Reply):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost_usd: float


class TurnReply(Reply):
    """A question and what became of it. What was not recorded, in turns from before this log, is null."""

    id: Annotated[UUID, Field(description="Of the question.")]
    request_id: str
    chat_id: UUID
    bot_profile_id: Annotated[UUID, Field(description="The chat's bot.")]
    message_id: Annotated[UUID | None, Field(description="Of the answer.")]
    question: Annotated[str, Field(examples=["When are you open?"])]
    answer: str | None
    outcome: Outcome
    error_code: str
    cut_reason: Annotated[CutReason | None, Field(description="Why the answer is not whole.")]
    refusal: RefusalReply | None
    citations: list[TurnCitationReply]
    citation_valid: Annotated[bool | None, Field(description="It cites, and only what was there.")]
    retrieval: Annotated[
        dict[str, Any] | None, Field(description="What was found: mode, scores, passages, times.")
    ]
    model: str | None
    usage: TurnUsageReply | None
    latency_ms: int | None
    time_to_first_token_ms: int | None
    feedback: Feedback | None
    created_at: Moment


class TurnPageReply(Reply):
    items: list[TurnReply]
    next_cursor: str | None
    total: int
    total_is_exact: bool


class ExportReply(Reply):
    id: UUID
    export_type: ExportType
    format: ExportFormat
    filters: dict[str, Any]
    status: ExportStatus
    error_code: str
    error_message: str
    rows_total: Annotated[int | None, Field(description="Known once it runs.")]
    rows_done: int
    size_bytes: int
    file_name: str
    media_type: str
    is_expired: bool
    user_id: UUID | None
    request_id: str
    created_at: Moment
    updated_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    expires_at: Moment | None


class ExportPageReply(Reply):
    items: list[ExportReply]
    next_cursor: str | None
