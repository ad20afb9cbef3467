"""What can be uploaded, and what would become of a file, on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from minirag.lib.http_in.nouns import Noun


class FileFormatSchema(Noun):
    extension: Annotated[str, Field(examples=[".pdf"])]
    extensions: Annotated[list[str], Field(description="All of them.", examples=[[".pdf"]])]
    name: str
    content_type: str
    survives: Annotated[str, Field(description="What of such a file is found and cited.")]
    place: Annotated[
        str,
        Field(
            description="How a citation names the spot; empty: by headings.", examples=["page 3"]
        ),
    ]


class FormatsSchema(Noun):
    formats: list[FileFormatSchema]
    max_upload_bytes: int
    max_chunks_per_source: int


class FilePreviewSchema(Noun):
    file_name: str
    kind: str
    can_be_ingested: bool
    title: str
    language: str
    bytes: Annotated[int, Field(validation_alias="size")]
    characters: int
    chunks: int
    tokens: int
    pages: int | None
    preview: Annotated[str, Field(description="The first 500 characters.")]
    warnings: list[str]
