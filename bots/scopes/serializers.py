"""What the scope endpoints read and write."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from bots.models import Scope, Strictness, Tone
from bots.scopes.changing import LONGEST_TOPIC, MOST_TOPICS, find_warnings
from bots.scopes.guardrails import Verdict
from bots.scopes.templates import TEMPLATES
from minirag.lib.http_in.rest import Body, naive_utc

GUIDELINES = ("max_words", "require_citations", "tone", "step_by_step")
Topic = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TOPIC)
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Question = Annotated[str, Field(min_length=1, max_length=32_000)]


def _once(topics: list[str]) -> list[str]:
    return list(dict.fromkeys(topics))


Topics = Annotated[list[Topic], Field(max_length=MOST_TOPICS), AfterValidator(_once)]


def _check_template(template: str) -> str:
    if template not in TEMPLATES:
        raise ValueError(f"no such template; there are {', '.join(TEMPLATES)}")
    return template


class AnswerGuidelines(Body):
    """How answers are written. The model is told so; `max_words` and the like are no promise."""

    max_words: Annotated[int, Field(ge=1, le=5000)] | None = None
    require_citations: StrictBool = False
    tone: Tone | None = None
    step_by_step: StrictBool = False


class BotScopeChanges(Body):
    """Only `model_fields_set` counts, in `guidelines` as well."""

    name: Name = "Scope"
    description: Annotated[str, Field(max_length=1000)] = ""
    is_active: StrictBool = True
    strictness: Strictness = Strictness.MODERATE
    allowed_topics: Topics = []
    forbidden_topics: Topics = []
    refusal_text: Annotated[str, Field(max_length=1000)] = ""
    guidelines: AnswerGuidelines = AnswerGuidelines()

    def changes(self) -> dict[str, Any]:
        """The columns that were sent, with their values."""
        fields = self.model_dump(exclude_unset=True, exclude={"template"})
        guidelines = fields.pop("guidelines", {})
        if "tone" in guidelines:
            guidelines["tone"] = guidelines["tone"] or ""
        return fields | guidelines


class NewBotScope(BotScopeChanges):
    name: Name
    template: Annotated[str, Field(max_length=50), AfterValidator(_check_template)] | None = None

    def changes(self) -> dict[str, Any]:
        return {**(TEMPLATES[self.template] if self.template else {}), **super().changes()}


class ScopeQuestion(Body):
    question: Question
    history: Annotated[list[Question], Field(max_length=20)] = []


def render_scope(scope: Scope, *, has_sources: bool) -> dict[str, Any]:
    return {
        "id": str(scope.pk),
        "bot_profile_id": str(scope.bot_profile_id),
        "is_active": scope.is_active,
        **_render_rules(scope),
        "warnings": [vars(warning) for warning in find_warnings(scope, has_sources=has_sources)],
        "created_at": naive_utc(scope.created_at),
        "updated_at": naive_utc(scope.updated_at),
    }


def render_template(template: str) -> dict[str, Any]:
    return {"id": template, **_render_rules(Scope(**TEMPLATES[template]))}


def _render_rules(scope: Scope) -> dict[str, Any]:
    names = (
        "name",
        "description",
        "strictness",
        "allowed_topics",
        "forbidden_topics",
        "refusal_text",
    )
    guidelines = {name: getattr(scope, name) for name in GUIDELINES}
    return {
        **{name: getattr(scope, name) for name in names},
        "guidelines": guidelines | {"tone": scope.tone or None},
    }


def render_verdict(verdict: Verdict, refusal_text: str) -> dict[str, Any]:
    decided = verdict.scope
    return {
        "decision": "allow" if verdict.is_allowed else "refuse",
        "reason": verdict.reason or None,
        "scope_id": str(decided.pk) if decided else None,
        "scope_name": decided.name if decided else None,
        "matched_topic": verdict.topic or None,
        "method": verdict.by or None,
        "score": round(verdict.score, 4) if verdict.by else None,
        "threshold": verdict.threshold if verdict.by else None,
        "refusal_text": refusal_text or None,
    }
