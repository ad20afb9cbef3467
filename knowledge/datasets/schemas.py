"""Datasets on the wire, their links with bots, and what they hold."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AliasPath, Field, StrictBool, StringConstraints

from knowledge.models import BotDataset, Dataset, SourceStatus
from minirag.lib.http_in.nouns import Fixed, Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.http_in.rest import Body

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True)]
Tags = Annotated[list[Tag], AfterValidator(lambda tags: list(dict.fromkeys(tags)))]


class DatasetSchema(Noun, of=Dataset):
    id: Shown[UUID]
    tenant_id: Shown[UUID]
    name: Annotated[str, Field(examples=["Product handbook"])]
    description: str
    tags: list[str]
    metadata: dict[str, Any]
    is_active: StrictBool
    is_shared: Shown[bool]
    bot_profile_id: Shown[
        Annotated[
            UUID | None,
            Field(description="The bot whose own dataset it is; null for a shared one."),
        ]
    ]
    embedding_model: str
    embedding_dimensions: Shown[int | None]
    source_count: Shown[int]
    bot_count: Shown[Annotated[int, Field(validation_alias="shown_bot_count")]]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


class DatasetPageSchema(PagedSchema[DatasetSchema]):
    total: int


class NewDataset(DatasetSchema, reads="new"):
    name: Name
    tags: Tags = []
    embedding_model: Name | None = None  # type: ignore[assignment]


class DatasetChanges(DatasetSchema, reads="changes"):
    """Only what is sent changes."""

    name: Name
    tags: Tags
    embedding_model: Name


class DatasetQuery(PageQuery):
    q: Annotated[str, Field(max_length=255)] = ""
    tag: Annotated[str, Field(max_length=50)] = ""
    is_active: bool | None = None
    include_private: bool = False


class DeletionQuery(Body):
    force: bool = False


class BotLinkSchema(Noun, of=BotDataset):
    bot_profile_id: Fixed[UUID]
    bot_name: Shown[Annotated[str, Field(validation_alias=AliasPath("bot_profile", "name"))]]
    dataset_id: Shown[UUID]
    dataset_name: Shown[Annotated[str, Field(validation_alias=AliasPath("dataset", "name"))]]
    priority: Annotated[int, Field(strict=True)]
    is_active: StrictBool
    is_searched: Shown[
        Annotated[bool, Field(description="Whether link and dataset are both active.")]
    ]
    created_at: Shown[Moment]


class NewLink(BotLinkSchema, reads="new"):
    """A bot that is to answer from a dataset."""


class LinkChanges(BotLinkSchema, reads="changes"):
    """Only what is sent changes."""


class WantedLink(Noun, of=BotDataset, reads="new"):
    dataset_id: UUID
    priority: Annotated[int | None, Field(strict=True)] = None
    is_active: StrictBool = True


class WantedLinks(Body):
    datasets: Annotated[list[WantedLink], Field(max_length=100)]


class DatasetFiguresSchema(Noun):
    sources: int
    sources_by_status: Annotated[dict[SourceStatus, int], Field(validation_alias="by_status")]
    documents: int
    chunks: int
    embedded_chunks: Annotated[int, Field(validation_alias="embedded")]
    embedding_progress: Annotated[float, Field(ge=0, le=1)]
    tokens: int
    characters: int
    bytes: Annotated[int, Field(validation_alias="octets")]
    bots: int
    active_bots: int
    last_activity_at: Moment | None
