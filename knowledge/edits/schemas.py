"""Edited texts of documents on the wire, and the decision between them and their sources."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from knowledge.models import ContentOrigin, DocumentEdit, EditStatus
from minirag.lib.comparing.schemas import ComparisonSchema
from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.rest import Body


class TextEditSchema(Noun, of=DocumentEdit):
    kind: Annotated[ContentOrigin, Field(description="`undo`: the source's text is put back.")]
    status: EditStatus
    author: str
    edited_at: Moment
    conflict_since: Annotated[
        Moment | None,
        Field(description="Since when the source says something else; null: no conflict."),
    ]
    is_gone: Annotated[
        bool, Field(description="Whether the source does not have the document any more.")
    ]
    error_code: str
    error_message: str


class TextEditDetailSchema(TextEditSchema):
    content: Annotated[str, Field(description="What was written.")]
    source_content: Annotated[str, Field(description="What the source says now.")]
    comparison: Annotated[
        ComparisonSchema, Field(description="From the source's text to what was written.")
    ]


class EditDecision(Body):
    decision: Literal["keep_mine", "take_theirs"]
