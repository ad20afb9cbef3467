"""Curated answers on the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool, StringConstraints

from knowledge.models import CuratedAnswer, CuratedQuestion, CuratedState, Visibility
from knowledge.models.curated import MOST_BOTS, MOST_VARIANTS
from minirag.lib import moments
from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.security.groups import Groups

CuratedText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    AsColumn(CuratedQuestion, "text"),
    Field(examples=["What are your opening hours?"]),
]
Variants = Annotated[list[CuratedText], Field(max_length=MOST_VARIANTS)]
BotIds = Annotated[list[UUID], Field(min_length=1, max_length=MOST_BOTS)]
Written = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1), AsColumn(CuratedAnswer, "answer")
]


class CuratedAnswerSchema(Noun, of=CuratedAnswer):
    id: Shown[UUID]
    tenant_id: Shown[UUID]
    bot_profile_ids: Annotated[list[UUID], Field(description="The bots that give it.")]
    question: Annotated[str, Field(examples=["What are your opening hours?"])]
    variants: Annotated[
        list[str], Field(description="Other ways to ask it.", examples=[["When are you open?"]])
    ]
    title: Annotated[str, Field(description='What it is cited as. Empty: "Curated answer".')]
    answer: Annotated[
        str, Field(description="Markdown, given as it is.", examples=["From **9 to 17**."])
    ]
    links: Annotated[list[str], Field(examples=[["https://www.example.com/hours"]])]
    language: Annotated[str, Field(examples=["en"])]
    visibility: Visibility
    groups: Annotated[
        list[str],
        Field(
            description="Given to whoever is in one of them, and nobody else.", examples=[["staff"]]
        ),
    ]
    owner_id: UUID
    is_active: StrictBool
    expires_at: Moment | None
    state: Shown[CuratedState]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


class CuratedAnswerPageSchema(PagedSchema[CuratedAnswerSchema]):
    total: int


class _Written(BaseModel):
    bot_profile_ids: BotIds
    question: CuratedText
    variants: Variants = []
    answer: Written
    visibility: Visibility = Visibility.PUBLIC
    groups: Groups = []

    def columns(self) -> dict[str, Any]:
        """What was sent and is a column."""
        return self.model_dump(
            exclude_unset=True, exclude={"bot_profile_ids", "question", "variants"}
        )


class NewCuratedAnswer(_Written, CuratedAnswerSchema, reads="new"):
    """Its owner is who makes it, where none is named."""

    owner_id: UUID | None = None  # type: ignore[assignment]
    expires_at: moments.Moment | None = None


class CuratedAnswerChanges(_Written, CuratedAnswerSchema, reads="changes"):
    """Only what is sent changes; `variants` are replaced."""

    expires_at: moments.Moment | None


class CuratedAnswerQuery(PageQuery):
    """`q` looks in titles, answers and questions."""

    bot_profile_id: UUID | None = None
    q: Annotated[str, Field(max_length=200)] = ""
    is_live: bool | None = None
