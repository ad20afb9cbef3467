"""What is different between two texts, on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from minirag.lib.comparing.texts import Kind
from minirag.lib.http_in.nouns import Noun


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
