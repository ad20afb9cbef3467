"""Documents on the wire, their chunks, and what embedding again takes."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AliasPath, BeforeValidator, Field, StrictBool, StringConstraints

from knowledge.edits.schemas import TextEditSchema
from knowledge.formats.sections import MAX_CHARACTERS
from knowledge.indexing.upkeep.reindexing import DEFAULT_LIMIT, MAX_LIMIT
from knowledge.models import ContentOrigin, Document
from minirag.lib.http_in.nouns import Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.http_in.rest import Body

Cost = Annotated[float | None, BeforeValidator(lambda c: float(c) if isinstance(c, Decimal) else c)]

Place = Annotated[
    str,
    Field(
        description="Where it stands in what has no pages: a slide, a row, a time, a line.",
        examples=["sheet Prices, row 12"],
    ),
]


class DocumentSchema(Noun, of=Document):
    id: Shown[UUID]
    source_id: Shown[UUID]
    source_name: Shown[Annotated[str, Field(validation_alias=AliasPath("source", "name"))]]
    dataset_id: Shown[Annotated[UUID, Field(validation_alias=AliasPath("source", "dataset_id"))]]
    bot_profile_id: Shown[
        Annotated[UUID | None, Field(validation_alias=AliasPath("source", "bot_profile_id"))]
    ]
    title: Annotated[str, Field(examples=["Hours"])]
    url: str
    metadata: dict[str, Any]
    edited_fields: Shown[
        Annotated[
            list[Literal["content", "metadata", "title", "url"]],
            Field(description="What a person has edited."),
        ]
    ]
    groups: Shown[
        Annotated[
            list[str] | None,
            Field(
                validation_alias="own_groups",
                description="Whom it says itself that it is for: visitors in these groups; none of them where it is "
                "empty; null: everybody whom its source is for.",
            ),
        ]
    ]
    language: Shown[str]
    content_hash: Shown[str]
    char_count: Shown[int]
    chunk_count: Shown[int]
    content_version: Shown[
        Annotated[int, Field(description="Counts up whenever its text becomes another one.")]
    ]
    content_from: Shown[ContentOrigin]
    content_by: Shown[Annotated[str, Field(description="Who edited or restored it, if anybody.")]]
    content_at: Shown[Moment]
    text_edit: Shown[
        Annotated[
            TextEditSchema | None,
            Field(description="What was written in place of its text, and how that stands."),
        ]
    ]
    error_code: Shown[str]
    error_message: Shown[
        Annotated[
            str, Field(description="Why a file of an archive could not be read; empty: it was.")
        ]
    ]
    created_at: Shown[Moment]


class DocumentPageSchema(PagedSchema[DocumentSchema]):
    total: int


class DocumentChanges(DocumentSchema, reads="changes"):
    """Only what is sent changes; null undoes an edit."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] | None  # type: ignore[assignment]
    # Readers are led there by citations, so it is an address of the web or none, and never a script.
    url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] | None  # type: ignore[assignment]
    metadata: dict[str, Any] | None  # type: ignore[assignment]
    content: (
        Annotated[
            str,
            StringConstraints(min_length=1, max_length=MAX_CHARACTERS),
            Field(description="Its whole text, in Markdown; null: as its source says it."),
        ]
        | None
    ) = None


class DocumentQuery(PageQuery):
    source_id: UUID | None = None
    dataset_id: UUID | None = None
    bot_profile_id: UUID | None = None
    q: Annotated[str, Field(max_length=255)] = ""
    is_edited: Annotated[bool | None, Field(description="Whether its text is edited.")] = None
    in_conflict: Annotated[
        bool | None,
        Field(description="Whether its source says something else since it was edited."),
    ] = None


class ChunkQuery(PageQuery):
    """`limit` and `cursor` page the chunks."""

    include_content: bool | None = None


class ChunkSchema(Noun):
    id: UUID
    ordinal: int
    heading: str
    content: Annotated[str, Field(examples=["Open from 9 to 17."])]
    page: int | None
    place: Place
    token_count: int


class ChunkPageSchema(PagedSchema[ChunkSchema]):
    """A document's chunks."""


class DocumentDetailSchema(DocumentSchema):
    content: str | None
    chunks: ChunkPageSchema


class ReindexRequest(Body):
    source_id: UUID | None = None
    dataset_id: UUID | None = None
    dry_run: StrictBool = True
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


class ReindexShareSchema(Noun):
    embedding_model: str
    chunks: int
    tokens: int
    embedding_calls: Annotated[int, Field(validation_alias="calls")]
    estimated_cost_usd: Annotated[
        Cost,
        Field(
            validation_alias="cost_usd",
            description="At list prices; null where they are not known.",
        ),
    ]


class ReindexSchema(Noun):
    dry_run: bool
    sources: int
    documents: int
    chunks: int
    tokens: int
    embedding_calls: int
    estimated_cost_usd: Annotated[Cost, Field(validation_alias="cost_usd")]
    models: list[ReindexShareSchema]
    skipped_processing: Annotated[
        int,
        Field(
            validation_alias="skipped",
            description="Sources that are being ingested now and are left alone.",
        ),
    ]
    has_more: Annotated[bool, Field(description="Whether `limit` left sources out.")]
    queued: int
