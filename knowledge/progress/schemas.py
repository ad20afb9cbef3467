"""The frames of the socket that tells how far sources are."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from knowledge.models import SourceStatus
from minirag.lib.http_in.nouns import Noun
from minirag.lib.http_in.rest import Body

MOST_SOURCES = 50


class WatchFrame(Body):
    """The first frame, and the only one: `token` as in the API, or the `ticket` of an admin's page."""

    type: Literal["watch"]
    token: Annotated[str, Field(max_length=4096)] = ""
    ticket: Annotated[str, Field(max_length=1024)] = ""
    source_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_SOURCES)]


class ProgressFrameSchema(Noun):
    type: Literal["progress"] = "progress"
    source_id: UUID
    status: SourceStatus
    stage: str
    done: int
    total: int
    pages_done: int | None
    pages_total: int | None
    document_count: int
    chunk_count: int
    error_message: str | None
    shown: str
    shown_status: str
    holds: str


class WatchErrorSchema(Noun):
    type: Literal["error"] = "error"
    detail: str
    code: str
    retryable: bool
