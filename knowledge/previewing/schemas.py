"""Previews of sources on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from knowledge.models import PageState
from knowledge.sites.schemas import EXAMPLE_URL, OwnGroups
from knowledge.sources.schemas import Home
from minirag.lib.http_in.nouns import Noun


class NewPreview(Home):
    """A source that is not made yet."""

    source_type: Literal["site", "folder", "git", "s3", "webdav"] = "site"
    config: Annotated[dict[str, Any], Field(description="As that of a source of this type.")]


class PreviewedPageSchema(Noun):
    url: Annotated[str, Field(examples=[EXAMPLE_URL])]
    title: str
    state: PageState
    code: str
    reason: str
    language: str
    groups: OwnGroups
    chunks: int
    tokens: int


class SourcePreviewSchema(Noun):
    """Of a site its pages, of a connector its files.

    `estimated_…` is for all addresses that were found, taking them to be like those that were looked at.
    """

    can_be_ingested: bool
    problem: Annotated[
        str, Field(description="Why nothing could be taken; empty where something can.")
    ]
    pages: Annotated[
        list[PreviewedPageSchema], Field(description="At most 20, in the order of the look.")
    ]
    pages_taken: Annotated[int, Field(validation_alias="taken")]
    tokens: int
    addresses_found: Annotated[int, Field(validation_alias="addresses")]
    is_whole: Annotated[
        bool, Field(description="Whether all addresses that were found were looked at.")
    ]
    estimated_pages: int
    estimated_tokens: int
    embedding_model: str
    estimated_cost_usd: Annotated[
        float, Field(description="Of the embedding, by the tenant's prices; 0 without a price.")
    ]
