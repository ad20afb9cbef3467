"""A level of the tree on the wire."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from knowledge.models import SourceStatus, SourceType
from knowledge.tree.levels import LONGEST_FOLDER
from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.pagination import MAX_LIMIT
from minirag.lib.http_in.rest import Body


class TreeQuery(Body):
    """The most exact of the three counts; none of them is the level of all datasets."""

    dataset_id: UUID | None = None
    source_id: UUID | None = None
    folder: Annotated[
        str, Field(max_length=LONGEST_FOLDER, description="A folder of the source, as a line of it says.")
    ] = ""  # fmt: skip
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 50


class HeldSyncSchema(Noun):
    """A look that waits for approval."""

    sync_id: UUID
    reason: str
    gone: int
    added: int
    changed: int


class TreeProgressSchema(Noun):
    stage: str
    done: int
    total: int


class TreeNodeSchema(Noun):
    """A line of the tree. Counts that its kind does not have are 0."""

    kind: Literal["dataset", "source", "folder", "document"]
    id: Annotated[UUID | None, Field(description="A folder has none.")]
    source_id: UUID | None
    folder: str
    name: str
    detail: Annotated[
        str, Field(description="Of a dataset `shared` or `own`, else where it comes from.")
    ]
    source_type: SourceType | Literal[""]
    status: SourceStatus | Literal[""]
    told: Annotated[str, Field(description="How it stands in a sentence; the reason of a failure.")]
    error_code: str
    is_active: bool
    is_open: Annotated[bool, Field(description="Whether there is a level below it.")]
    sources: int
    documents: int
    chunks: int
    failed: Annotated[int, Field(description="What could not be read below it.")]
    moving: int
    waiting: Annotated[int, Field(description="Looks that wait for approval below it.")]
    progress: TreeProgressSchema | None
    refreshed_at: Moment | None
    next_at: Moment | None
    held: HeldSyncSchema | None


class TreeLevelSchema(Noun):
    items: Annotated[list[TreeNodeSchema], Field(validation_alias="nodes")]
    total: int
    next_offset: int | None
    folder: Annotated[
        str,
        Field(description="Where the level begins: steps that hold one folder alone are passed over."),
    ]  # fmt: skip
