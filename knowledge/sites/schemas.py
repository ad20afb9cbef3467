"""Looks at sites on the wire."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from knowledge.models import PageState, SitePage, SiteSync, SyncState
from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.pagination import PagedSchema, PageQuery

EXAMPLE_URL = "https://www.example.com/opening-hours"


OwnGroups = Annotated[
    list[str] | None,
    Field(
        description="Whom it says itself that it is for: visitors in these groups; none of them where it is empty; "
        "null: everybody whom its source is for."
    ),
]


class SyncProgressSchema(Noun):
    """What the worker is at: pages (`crawling`, `parsing`) or chunks (`embedding`, `indexing`)."""

    stage: str
    done: int
    total: int


class SiteSyncSchema(Noun, of=SiteSync):
    id: UUID
    source_id: UUID
    state: SyncState
    is_approved: bool
    progress: Annotated[SyncProgressSchema | None, Field(description="Null unless it runs.")]
    pages_done: int
    pages_total: int
    pages_left_over: int
    bytes_fetched: int
    added: int
    changed: int
    gone: int
    missing: int
    failed: int
    unchanged: int
    error_code: str
    error_message: str
    started_at: Moment
    ended_at: Moment | None


class PageChangeSchema(Noun):
    url: Annotated[str, Field(examples=[EXAMPLE_URL])]
    change: Literal["added", "changed", "gone", "missing", "failed"]
    title: str
    reason: str


class SiteSyncDetailSchema(SiteSyncSchema):
    """With what is different from the version before."""

    changes: list[PageChangeSchema]


class SiteSyncPageSchema(PagedSchema[SiteSyncSchema]):
    pass


class SitePageSchema(Noun, of=SitePage):
    url: Annotated[str, Field(examples=[EXAMPLE_URL])]
    title: str
    language: str
    depth: int
    is_list: bool
    state: PageState
    code: str
    reason: str
    answers: bool
    groups: OwnGroups
    times_missing: int


class SitePagePageSchema(PagedSchema[SitePageSchema]):
    pass


class SyncQuery(PageQuery):
    state: SyncState | None = None


class SitePageQuery(PageQuery):
    sync_id: UUID | None = None
    state: PageState | None = None
    answers: bool | None = None
