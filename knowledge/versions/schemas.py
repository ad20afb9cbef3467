"""Versions of documents on the wire, and what is different between two texts."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from knowledge.models import ContentOrigin, DocumentVersion
from knowledge.versions.comparing import Kind
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


class LinePartSchema(Noun):
    text: str
    is_changed: Annotated[bool, Field(description="Whether the other side has other words there.")]


class ComparedLineSchema(Noun):
    kind: Kind
    parts: list[LinePartSchema]


class TextChangeSchema(Noun):
    """Neighbouring lines that are different, with what stands around them. Lines are counted from 1."""

    before_line: int
    after_line: int
    lines: list[ComparedLineSchema]


class ComparisonSchema(Noun):
    is_same: bool
    added: Annotated[int, Field(description="Lines that only the later text has.")]
    removed: Annotated[int, Field(description="Lines that only the earlier text has.")]
    is_cut: Annotated[bool, Field(description="Whether there are more changes than are shown.")]
    changes: list[TextChangeSchema]
