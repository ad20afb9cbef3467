"""Golden questions on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, StrictBool

from conversations.models import MOST_BEFORE, GoldenQuestion
from conversations.models.golden import as_said
from minirag.lib.http_in.nouns import Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.http_in.rest import Body


class SaidSchema(Noun):
    """A message of the conversation before; a text alone is the visitor's."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Field(min_length=1, max_length=32_000)]


Said = Annotated[SaidSchema, BeforeValidator(as_said)]


class GoldenQuestionSchema(Noun, of=GoldenQuestion):
    id: Shown[UUID]
    bot_profile_id: Shown[UUID]
    question: Annotated[str, Field(min_length=1, examples=["What does a puncture cost?"])]
    before: list[Said]
    language: Annotated[str, Field(examples=["en"])]
    groups: Annotated[
        list[str],
        Field(description="In which groups the asker is: what is for them is answered from as well. Empty: in none."),
    ]  # fmt: skip
    expected_sources: Annotated[
        list[str],
        Field(description="Ids, external ids or names, one of which is to be cited.", examples=[["Workshop"]]),
    ]  # fmt: skip
    expected_facts: Annotated[
        list[str],
        Field(
            description="Each has to be in the answer. `a | b`: one of them is enough.", examples=[["12 euros | 12 €"]]
        ),
    ]  # fmt: skip
    forbidden_facts: list[str]
    must_decline: Annotated[
        StrictBool, Field(description="The sources do not answer it. With neither facts nor sources.")
    ]  # fmt: skip
    tags: list[str]
    is_active: StrictBool
    made_by: Shown[str]
    message_id: Shown[UUID | None]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


class GoldenQuestionPageSchema(PagedSchema[GoldenQuestionSchema]):
    """A bot's golden questions."""


class _Written(BaseModel):
    before: Annotated[list[Said], Field(max_length=MOST_BEFORE)] = []

    def columns(self) -> dict[str, Any]:
        """What was sent."""
        return self.model_dump(exclude_unset=True)


class NewGoldenQuestion(_Written, GoldenQuestionSchema, reads="new"):
    pass


class GoldenQuestionChanges(_Written, GoldenQuestionSchema, reads="changes"):
    """Only what is sent changes."""


class GoldenQuestionQuery(PageQuery):
    tag: Annotated[str, Field(max_length=50)] | None = None
    is_active: bool | None = None


class BadLineSchema(Noun):
    number: Annotated[int, Field(examples=[3])]
    reason: Annotated[str, Field(examples=["question: It is missing."])]


class GoldenImportSchema(Noun):
    added: int
    bad_lines: list[BadLineSchema]


class GoldenFileForm(Body):
    """The text parts of the upload: none but the file."""
