"""What the scope endpoints answer, for the API's description."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from bots.models import Strictness, Tone
from minirag.lib.http_in.openapi import Moment, Reply

Topics = Annotated[list[str], Field(examples=[["delivery and shipping", "returns"]])]


class GuidelinesReply(Reply):
    max_words: Annotated[int | None, Field(examples=[200])]
    require_citations: bool
    tone: Tone | None
    step_by_step: bool


class ScopeRulesReply(Reply):
    name: Annotated[str, Field(examples=["Customer support"])]
    description: str
    strictness: Strictness
    allowed_topics: Topics
    forbidden_topics: Annotated[list[str], Field(examples=[["politics"]])]
    refusal_text: Annotated[
        str, Field(description="Empty: the bot's own, or a sentence that names the topics.")
    ]
    guidelines: GuidelinesReply


class ScopeTemplateReply(ScopeRulesReply):
    id: Annotated[
        str, Field(description="`template` of a new scope.", examples=["customer-support"])
    ]


class ScopeWarningReply(Reply):
    code: Annotated[str, Field(examples=["overlapping_topics"])]
    field: Annotated[str, Field(examples=["forbidden_topics"])]
    message: str


class BotScopeReply(ScopeRulesReply):
    id: UUID
    bot_profile_id: UUID
    is_active: bool
    warnings: list[ScopeWarningReply]
    created_at: Moment
    updated_at: Moment


class BotScopePageReply(Reply):
    items: list[BotScopeReply]
    next_cursor: str | None


class ScopeTemplatesReply(Reply):
    items: list[ScopeTemplateReply]


class ScopeVerdictReply(Reply):
    """What the scopes say to a question. The first five are null where nothing decided."""

    decision: Literal["allow", "refuse"]
    reason: Annotated[
        str | None, Field(description="`forbidden_topic`, `off_topic` or `unsafe_question`.")
    ]
    scope_id: UUID | None
    scope_name: str | None
    matched_topic: Annotated[str | None, Field(examples=["returns"])]
    method: Annotated[
        Literal["words", "meaning", "form"] | None,
        Field(
            description="What `score` is: a share of the topic's words, a cosine, or the form of the sentence."
        ),
    ]
    score: Annotated[float | None, Field(examples=[1.0])]
    threshold: Annotated[float | None, Field(examples=[0.5])]
    refusal_text: str | None
