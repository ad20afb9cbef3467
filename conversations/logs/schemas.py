"""The chat log on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from bots.models import Outcome
from conversations.models import CutReason, Feedback
from conversations.turns.schemas import Excerpt, RefusalSchema, Score
from minirag.lib.days import Day
from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.pagination import PagedSchema, PageQuery


class TurnCitationSchema(Noun):
    number: Annotated[int, Field(description="The `[1]` in the answer.")]
    chunk_id: UUID
    source_id: UUID
    title: Annotated[str, Field(examples=["Hours"])]
    url: str
    page: int | None
    content: Excerpt
    score: Score


class TurnUsageSchema(Noun):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost_usd: float


class TurnSchema(Noun):
    """A question and what became of it. What was not recorded, in turns from before this log, is null."""

    id: Annotated[UUID, Field(description="Of the question.")]
    request_id: str
    chat_id: UUID
    bot_profile_id: Annotated[UUID, Field(description="The chat's bot.")]
    message_id: Annotated[UUID | None, Field(description="Of the answer.")]
    question: Annotated[str, Field(examples=["When are you open?"])]
    answer: str | None
    outcome: Outcome
    error_code: str
    cut_reason: Annotated[CutReason | None, Field(description="Why the answer is not whole.")]
    refusal: RefusalSchema | None
    citations: list[TurnCitationSchema]
    citation_valid: Annotated[bool | None, Field(description="It cites, and only what was there.")]
    unsupported: Annotated[
        int | None, Field(description="Cited sentences that their passages do not hold.")
    ]
    retrieval: Annotated[
        dict[str, Any] | None, Field(description="What was found: mode, scores, passages, times.")
    ]
    model: str | None
    usage: TurnUsageSchema | None
    latency_ms: int | None
    time_to_first_token_ms: int | None
    feedback: Feedback | None
    feedback_reason: str | None
    created_at: Moment


class TurnPageSchema(PagedSchema[TurnSchema]):
    total: int
    total_is_exact: bool


class ChatLogQuery(PageQuery):
    """`q` looks for words, or their beginnings, in questions and answers."""

    bot_profile_id: UUID | None = None
    chat_id: UUID | None = None
    request_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    outcome: Outcome | None = None
    refusal_only: bool = False
    citation_valid: bool | None = None
    feedback: Literal["positive", "negative"] | None = None
    from_date: Day | None = None
    to_date: Day | None = None
    q: Annotated[str, Field(min_length=2, max_length=200)] | None = None
