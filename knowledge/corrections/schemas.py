"""Chunks and corrections on the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints, model_validator

from knowledge.documents.schemas import Place
from knowledge.models import Correction, CorrectionState, Decision
from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.http_in.rest import Body

Text = Annotated[
    str,
    StringConstraints(min_length=1),
    AsColumn(Correction, "content"),
    Field(examples=["The warranty is 48 months."]),
]


class TheirChunkSchema(Noun):
    """A chunk of the source as the source says it now, for which a correction stands."""

    id: UUID
    document_id: UUID
    heading: str
    content: str
    page: int | None
    place: Place
    held: Annotated[
        bool, Field(description="Whether it does not answer because of the correction.")
    ]
    echo: Annotated[
        bool, Field(description="A neighbour that repeats a little of the corrected chunk.")
    ]


class CorrectionSchema(Noun, of=Correction):
    id: Shown[UUID]
    source_id: Shown[UUID]
    document_id: Shown[UUID]
    chunk_id: Shown[
        Annotated[UUID | None, Field(description="The chunk that answers with it now.")]
    ]
    state: Shown[CorrectionState]
    is_conflict: Shown[
        Annotated[bool, Field(description="It waits for a decision: `changed` or `vanished`.")]
    ]
    conflict_since: Shown[Moment | None]
    is_added: Shown[bool]
    is_off: StrictBool
    is_pinned: StrictBool
    content: Annotated[
        str | None,
        Field(description="The corrected or added text; null: the source's own."),
    ]
    note: str
    original_heading: Shown[Annotated[str, Field(validation_alias="anchor_heading")]]
    original: Shown[
        Annotated[
            str,
            Field(
                validation_alias="anchor_content",
                description="What the source said when it was corrected.",
            ),
        ]
    ]
    theirs: Shown[
        Annotated[
            list[TheirChunkSchema],
            Field(validation_alias="told_theirs", description="What the source says now."),
        ]
    ]
    author: Shown[Annotated[str, Field(description="Who changed it last.")]]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


class CorrectionPageSchema(PagedSchema[CorrectionSchema]):
    total: int


class _Where(PageQuery):
    source_id: UUID | None = None
    document_id: UUID | None = None
    dataset_id: UUID | None = None
    bot_profile_id: UUID | None = None
    is_pinned: bool | None = None
    q: Annotated[str, Field(max_length=255)] = ""


class CorrectionQuery(_Where):
    state: CorrectionState | None = None
    is_conflict: bool | None = None
    is_off: bool | None = None
    is_added: bool | None = None


class ChunkSearchQuery(_Where):
    """`q`: all its words have to stand in the chunk or its heading, what is in quotation marks as it is written."""


class FoundChunkSchema(Noun):
    id: UUID
    source_id: UUID
    source_name: str
    document_id: UUID
    ordinal: int | None
    heading: str
    content: Annotated[str, Field(description="What answers, or would.")]
    original: Annotated[
        str, Field(description="What the source says, or said when it was corrected.")
    ]
    page: int | None
    place: Place
    token_count: int
    is_answering: Annotated[
        bool,
        Field(
            description="Whether it is in the index; whether its source is active is the source's affair."
        ),
    ]
    is_pinned: bool
    correction: CorrectionSchema | None


class FoundChunkPageSchema(PagedSchema[FoundChunkSchema]):
    total: int


class ChunkChanges(Body):
    """Only what is sent changes. `content` null undoes a corrected text."""

    content: Text | None = None
    is_off: StrictBool = False
    is_pinned: StrictBool = False
    note: Annotated[str, AsColumn(Correction, "note")] = ""

    def sent(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


class AddedChunk(Body):
    """It belongs to a document, or to a source that has one document."""

    document_id: UUID | None = None
    source_id: UUID | None = None
    content: Text
    heading: Annotated[str, AsColumn(Correction, "anchor_heading")] = ""
    is_pinned: StrictBool = False
    note: Annotated[str, AsColumn(Correction, "note")] = ""

    @model_validator(mode="after")
    def _has_home(self) -> AddedChunk:
        if (self.document_id is None) == (self.source_id is None):
            raise ValueError("send either document_id or source_id")
        return self


class ConflictDecision(Body):
    decision: Decision


class DecisionSchema(Noun):
    decision: Decision
    correction: Annotated[
        CorrectionSchema | None, Field(description="Null where nothing is left of it.")
    ]
