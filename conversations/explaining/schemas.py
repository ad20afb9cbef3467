"""Explanations on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator

from bots.models import Outcome
from bots.scopes.models import LONGEST_QUESTION
from conversations.logs.schemas import TracedSchema
from conversations.turns.schemas import Cited
from conversations.turns.state import History
from knowledge.locating.wanted import Wanted
from minirag.lib.http_in.nouns import Noun
from minirag.lib.http_in.rest import Body
from minirag.lib.security.groups import Groups

MOST_SAID = 100
MOST_VALUES = 30


# --- What is asked ------------------------------------------------------------------------------------------------
class SaidBefore(Body):
    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=LONGEST_QUESTION)]


class ExplainRequest(Body):
    """A question, at most one passage that is looked for, and at most one other configuration."""

    question: Annotated[str, Field(min_length=1, max_length=LONGEST_QUESTION)]
    history: Annotated[
        list[SaidBefore],
        Field(max_length=MOST_SAID, description="What was said before, oldest first."),
    ] = []
    languages: Annotated[
        list[Annotated[str, Field(max_length=35)]],
        Field(max_length=10, description="Of the visitor's browser, the likeliest first."),
    ] = []
    groups: Annotated[
        Groups,
        Field(description="Answered as a visitor in these groups would be; none: as anybody."),
    ] = []
    chunk_id: Annotated[UUID | None, Field(description="Why was this passage not found?")] = None
    source_id: Annotated[UUID | None, Field(description="Or this source?")] = None
    text: Annotated[str, Field(max_length=2000, description="Or the passage with these words?")] = (
        ""
    )
    configuration: Annotated[
        dict[str, Any] | None,
        Field(
            max_length=MOST_VALUES,
            description="The same bot with other values, which are not saved.",
        ),
    ] = None
    against: Annotated[UUID | None, Field(description="Another bot to compare with.")] = None

    @model_validator(mode="after")
    def _choose(self) -> Self:
        if sum(map(bool, (self.chunk_id, self.source_id, self.text.strip()))) > 1:
            raise ValueError("send one of chunk_id, source_id and text")
        if self.configuration is not None and self.against is not None:
            raise ValueError("send configuration or against")
        return self

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.chunk_id, self.source_id, self.text)

    @property
    def said(self) -> History:
        return tuple((each.role, each.content) for each in self.history)


# --- What is answered ---------------------------------------------------------------------------------------------
class ReasonSchema(Noun):
    code: Annotated[str, Field(examples=["limit"])]
    says: Annotated[str, Field(examples=["It was found in place 7, and the bot reads 5 passages."])]
    helps: Annotated[str, Field(examples=["With passage_count=7 it would be read."])]


class SoughtWordSchema(Noun):
    """A word of the question, and whether the passage has it, or what stands in for it."""

    word: str
    instead: list[str]
    is_there: bool
    known_in: Annotated[
        int,
        Field(
            description="Passages of the tenant that have it; to a token for one bot, of those that were found."
        ),
    ]


class SoughtPlaceSchema(Noun):
    at: Annotated[int | None, Field(description="From 1; null where it was not compared.")]
    score: float


class WhereaboutsSchema(Noun):
    """One passage that was looked for."""

    chunk_id: UUID
    source_id: UUID
    source_name: str
    title: str
    heading: str
    excerpt: str
    language: str
    fate: Annotated[
        Literal["read", "repeat", "limit", "outranked", "not_searched"],
        Field(description="`outranked`: among the best neither by words nor by meaning."),
    ]
    at: Annotated[int | None, Field(description="Its place among the candidates.")]
    repeat_of: UUID | None
    has_vector: bool
    embedding_model: str
    words: list[SoughtWordSchema]
    by_words: SoughtPlaceSchema
    by_meaning: SoughtPlaceSchema
    compared: Annotated[int, Field(description="With how many passages.")]


class SoughtSchema(Noun):
    where: WhereaboutsSchema
    reasons: list[ReasonSchema]


class ExplanationSchema(Noun):
    bot_profile_id: Annotated[UUID, Field(validation_alias="bot_id")]
    outcome: Outcome
    answer: str
    citations: list[Cited]
    verdict: ReasonSchema
    trace: Annotated[TracedSchema, Field(validation_alias="traced")]
    sought: list[SoughtSchema]
    why_nothing: Annotated[
        ReasonSchema | None, Field(description="Where there is no such passage.")
    ]


Pair = Annotated[list[Any], BeforeValidator(list)]


class MovedSchema(Noun):
    """A candidate of either side: [first, second]."""

    chunk_id: str
    title: str
    heading: str
    places: Pair
    scores: Pair
    fates: Pair


class ComparisonSchema(Noun):
    configuration: Annotated[
        dict[str, Pair], Field(description="What the two bots differ in, as [first, second].")
    ]
    figures: Annotated[
        dict[str, Pair],
        Field(
            description="Outcome, confidence, threshold, passages, tokens, cost and more, of both."
        ),
    ]
    passages: list[MovedSchema]
    second: ExplanationSchema


class ExplainedSchema(ExplanationSchema):
    """An explanation; with `configuration` or `against` a second one and what differs."""

    comparison: ComparisonSchema | None
