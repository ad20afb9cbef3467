"""An upload of many files on the wire."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from knowledge.models import Source
from knowledge.sources.schemas import Groups, Home, WrittenAccess, divide
from minirag.lib.http_in.nouns import Noun

MOST_FILES = 1000
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"\S")]


class FilesForm(Home, WrittenAccess, Noun, of=Source, reads="new"):
    """The text parts of an upload of many files; `groups` divided by commas. What is not sent stays as it is."""

    description: str = ""
    parent_id: UUID | None = None
    groups: Annotated[Groups, BeforeValidator(divide)] = []
    external_ids: Annotated[
        list[ExternalId] | None,
        Field(
            max_length=MOST_FILES,
            description="A JSON list, one id for each file in their order: a file whose id is there already takes the "
            "place of what is under it, if it differs.",
        ),
    ] = None


class ReceivedFileSchema(Noun):
    file_name: str
    external_id: str | None
    outcome: Literal["created", "changed", "unchanged", "refused"]
    source_id: UUID | None
    code: Annotated[str | None, Field(examples=["file_too_large"])]
    reason: Annotated[str | None, Field(description="Why it was refused.")]


class ReceivedFilesSchema(Noun):
    """`items` has each file, in the order in which they were sent."""

    items: list[ReceivedFileSchema]
    created: int
    changed: int
    unchanged: int
    refused: int
