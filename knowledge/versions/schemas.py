"""Versions of documents on the wire, and what is different between two texts."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from knowledge.models import ContentOrigin, DocumentVersion
from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.pagination import PagedSchema
from minirag.lib.http_in.rest import Body


class DocumentVersionSchema(Noun, of=DocumentVersion):
    id: UUID
    document_id: UUID
    number: int
    content_from: ContentOrigin
    content_by: Annotated[str, Field(description="Who edited or restored it, if anybody.")]
    content_at: Annotated[
        Moment,
        Field(description="Since when it answered, or when it was written if another overtook it."),
    ]
    replaced_at: Annotated[Moment, Field(description="Until when it answered, or waited to.")]
    title: Annotated[str, Field(examples=["Hours"])]
    url: str
    metadata: dict[str, Any]
    language: str
    content_hash: str
    char_count: int
    chunk_count: int


class DocumentVersionPageSchema(PagedSchema[DocumentVersionSchema]):
    total: int


class DocumentVersionDetailSchema(DocumentVersionSchema):
    content: Annotated[str, Field(examples=["Open from 9 to 17."])]


class ComparisonQuery(Body):
    other_id: Annotated[
        UUID | None,
        Field(description="Another version of the document; without: what answers now."),
    ] = None
