"""Gaps on the wire."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AliasPath, Field, StrictBool, StringConstraints

from conversations.models import Gap, GapState
from conversations.turns.schemas import Cited, Excerpt
from knowledge.curated.schemas import CuratedText, Variants, Written
from knowledge.models import CuratedAnswer
from minirag.lib import moments
from minirag.lib.bounds import AsColumn
from minirag.lib.days import Day
from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.http_in.rest import Body


class WeekSchema(Noun):
    week: Annotated[date, Field(description="Its Monday.", examples=["2026-11-23"])]
    count: int


class GapSchema(Noun, of=Gap):
    """Questions that mean the same and were not answered well."""

    id: UUID
    bot_profile_id: UUID
    language: Annotated[str, Field(examples=["en"])]
    question: Annotated[str, Field(description="One of them.", examples=["Is there a car park?"])]
    question_count: int
    reasons: Annotated[
        dict[str, int],
        Field(description="Of refusals their own, `weak`, `unsupported` or `disliked`."),
    ]
    weeks: list[WeekSchema]
    state: GapState
    first_asked_at: Moment
    last_asked_at: Moment
    decided_by: Annotated[str, Field(description="Who answered or dismissed it.")]
    decided_at: Moment | None
    reopened_at: Annotated[
        Moment | None, Field(description="Asked again then, though it had been answered.")
    ]
    curated_answer_id: UUID | None


class GapPageSchema(PagedSchema[GapSchema]):
    """Gaps, the last asked first."""


class GapExampleSchema(Noun):
    message_id: UUID
    chat_id: Annotated[UUID, Field(validation_alias=AliasPath("message", "chat_id"))]
    question: Annotated[
        str,
        Field(
            validation_alias=AliasPath("message", "content"), description="In the visitor's words."
        ),
    ]
    reason: str
    asked_at: Moment


class CloseSchema(Noun):
    chunk_id: UUID
    source_id: UUID
    title: str
    heading: str
    url: str
    content: Excerpt
    found_by: Annotated[int, Field(description="How many of the examples found it.")]


class FullGapSchema(GapSchema):
    examples: list[GapExampleSchema]
    passages: Annotated[list[CloseSchema], Field(description="What came closest.")]
    suggested_questions: Annotated[
        list[str], Field(description="Those that one answer fits for sure.")
    ]


class DraftSchema(Noun):
    answer: str
    model: str
    is_quoted: Annotated[
        bool, Field(description="No model wrote it: the closest sentences, to start from.")
    ]
    citations: list[Cited]


class GapQuery(PageQuery):
    """`week` is any day of it."""

    bot_profile_id: UUID | None = None
    language: Annotated[str, Field(max_length=10)] = ""
    state: GapState | None = None
    week: Day | None = None


class GapAnswer(Body):
    """What is approved. Without `questions` they are the suggested ones; the first is the main one."""

    answer: Written
    questions: Annotated[list[CuratedText], *Variants.__metadata__, Field(min_length=1)] | None = (
        None
    )
    title: Annotated[
        str, StringConstraints(strip_whitespace=True), AsColumn(CuratedAnswer, "title")
    ] = ""
    links: Annotated[list[str], AsColumn(CuratedAnswer, "links")] = []
    owner_id: UUID | None = None
    expires_at: moments.Moment | None = None
    is_golden: StrictBool = True
