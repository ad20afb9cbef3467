"""Scopes on the wire: what they say, what is odd about them, and what they say to a question."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    StrictBool,
    StringConstraints,
)

from bots.models import Scope, Strictness, Tone
from bots.scopes.models import LONGEST_QUESTION
from bots.scopes.templates import TEMPLATES
from minirag.lib.http_in.nouns import EmptyIsNull, Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema
from minirag.lib.http_in.rest import Body

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Topic = Annotated[str, StringConstraints(strip_whitespace=True)]
Topics = Annotated[list[Topic], AfterValidator(lambda topics: list(dict.fromkeys(topics)))]
Question = Annotated[str, Field(min_length=1, max_length=LONGEST_QUESTION)]


class GuidelinesSchema(Noun, of=Scope):
    max_words: Annotated[int | None, Field(examples=[200])]
    require_citations: StrictBool
    tone: Annotated[Tone | None, EmptyIsNull]
    step_by_step: StrictBool


class ScopeRulesSchema(Noun, of=Scope):
    name: Annotated[str, Field(examples=["Customer support"])]
    description: str
    strictness: Strictness
    allowed_topics: Annotated[list[str], Field(examples=[["delivery and shipping", "returns"]])]
    forbidden_topics: Annotated[list[str], Field(examples=[["politics"]])]
    refusal_text: Annotated[
        str, Field(description="Empty: the bot's own, or a sentence that names the topics.")
    ]
    guidelines: GuidelinesSchema


class _TemplateId(Noun):
    id: Annotated[
        str, Field(description="`template` of a new scope.", examples=["customer-support"])
    ]


class ScopeTemplateSchema(ScopeRulesSchema, _TemplateId):
    """Where a scope can start from."""


class ScopeTemplatesSchema(Noun):
    items: list[ScopeTemplateSchema]


class ScopeWarningSchema(Noun):
    code: Annotated[str, Field(examples=["overlapping_topics"])]
    field: Annotated[str, Field(examples=["forbidden_topics"])]
    message: str


class _Head(Noun):
    id: Shown[UUID]
    bot_profile_id: Shown[UUID]
    is_active: StrictBool


class BotScopeSchema(ScopeRulesSchema, _Head):
    warnings: Shown[list[ScopeWarningSchema]]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


class BotScopePageSchema(PagedSchema[BotScopeSchema]):
    """A bot's scopes."""


class AnswerGuidelines(GuidelinesSchema, reads="changes"):
    """How answers are written. The model is told so; `max_words` and the like are not guaranteed."""

    tone: Tone | None


class _Written(BaseModel):
    name: Name
    allowed_topics: Topics = []
    forbidden_topics: Topics = []
    guidelines: AnswerGuidelines = AnswerGuidelines.model_validate({})

    def columns(self) -> dict[str, Any]:
        """What was sent."""
        fields = self.model_dump(exclude_unset=True, exclude={"template"})
        guidelines = fields.pop("guidelines", {})
        if "tone" in guidelines:
            guidelines["tone"] = guidelines["tone"] or ""
        return fields | guidelines


class BotScopeChanges(_Written, BotScopeSchema, reads="changes"):  # type: ignore[misc]
    """Only what is sent changes, in `guidelines` as well."""


def _check_template(template: str) -> str:
    if template not in TEMPLATES:
        raise ValueError(f"no such template; there are {', '.join(TEMPLATES)}")
    return template


class NewBotScope(_Written, BotScopeSchema, reads="new"):  # type: ignore[misc]
    template: Annotated[str, Field(max_length=50), AfterValidator(_check_template)] | None = None

    def columns(self) -> dict[str, Any]:
        return {**(TEMPLATES[self.template] if self.template else {}), **super().columns()}


class ScopeQuestion(Body):
    question: Question
    history: Annotated[list[Question], Field(max_length=20)] = []


class ScopeVerdictSchema(Noun):
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
