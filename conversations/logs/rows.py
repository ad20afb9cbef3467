"""The chat log: one row per turn, a question with what became of it.

The question is the row: it is stored before anything can fail, carries its turn's outcome and trace, and its answer
points to it. So a turn that failed is in the log as well as one that was answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from bots.models import Outcome
from conversations.models import Citation, Message, MessageRole
from conversations.turns.serializers import EXCERPT_LENGTH
from minirag.lib.http_in.rest import naive_utc

COUNT_LIMIT = 1000
TURN_COLUMNS = (
    "id", "request_id", "chat_id", "bot_profile_id", "message_id", "question", "answer", "outcome", "error_code",
    "cut_reason", "refusal", "citations", "citation_valid", "retrieval", "model", "usage", "latency_ms",
    "time_to_first_token_ms", "feedback", "feedback_reason", "created_at",
)  # fmt: skip


@dataclass(frozen=True)
class TurnFilter:
    """Which turns: all conditions that are given must hold. `start` is included, `end` is not."""

    bot_profile_id: UUID | None = None
    chat_id: UUID | None = None
    request_id: str | None = None
    outcome: str | None = None
    refusal_only: bool = False
    citation_valid: bool | None = None
    feedback: str | None = None
    start: datetime | None = None
    end: datetime | None = None


def select_turns(wanted: TurnFilter) -> QuerySet[Message]:
    """Return the questions of the turns that fit, unordered, each with its chat and answer."""
    plain = {
        "chat__bot_profile_id": wanted.bot_profile_id, "chat_id": wanted.chat_id, "request_id": wanted.request_id,
        "outcome": wanted.outcome, "citation_valid": wanted.citation_valid, "answer__feedback": wanted.feedback,
        "created_at__gte": wanted.start, "created_at__lt": wanted.end,
    }  # fmt: skip
    turns = Message.objects.filter(role=MessageRole.USER)
    turns = turns.filter(**{name: value for name, value in plain.items() if value is not None})
    if wanted.refusal_only:
        turns = turns.filter(outcome=Outcome.REFUSED)
    return turns.order_by()


def count_turns(turns: QuerySet[Message]) -> tuple[int, bool]:
    """Return how many there are, and whether that is exact: beyond COUNT_LIMIT nobody counts on."""
    count = turns.values("pk")[: COUNT_LIMIT + 1].count()
    return min(count, COUNT_LIMIT), count <= COUNT_LIMIT


def with_answers(turns: QuerySet[Message]) -> QuerySet[Message]:
    """Load what `render_turn` shows, in two queries."""
    cited = Citation.objects.defer("heading").order_by("number")
    return turns.select_related("chat", "answer").prefetch_related(
        Prefetch("answer__citations", cited)
    )


def render_turn(question: Message) -> dict[str, Any]:
    """One row of the log, with the keys TURN_COLUMNS; what was not recorded is None."""
    answer: Message | None = getattr(question, "answer", None)
    trace = question.trace or {}
    return {
        "id": str(question.pk),
        "request_id": question.request_id,
        "chat_id": str(question.chat_id),
        "bot_profile_id": str(question.chat.bot_profile_id),
        "message_id": str(answer.pk) if answer else None,
        "question": question.content,
        "answer": answer.content if answer else None,
        "outcome": question.outcome,
        "error_code": question.error_code,
        "cut_reason": (answer.cut_reason or None) if answer else None,
        "refusal": _render_refusal(answer),
        "citations": [_render_citation(each) for each in answer.citations.all()] if answer else [],
        "citation_valid": question.citation_valid,
        "retrieval": trace.get("retrieval"),
        "model": trace.get("model") or None,
        "usage": _render_usage(trace),
        "latency_ms": trace.get("latency_ms"),
        "time_to_first_token_ms": trace.get("first_token_ms"),
        "feedback": answer.feedback if answer else None,
        "feedback_reason": (answer.feedback_reason or None) if answer else None,
        "created_at": naive_utc(question.created_at),
    }


def _render_refusal(answer: Message | None) -> dict[str, Any] | None:
    if answer is None or not answer.refusal_reason:
        return None
    return {
        "reason": answer.refusal_reason,
        "score": answer.confidence,
        "threshold": answer.threshold,
    }


def _render_usage(trace: dict[str, Any]) -> dict[str, Any] | None:
    prompt, completion = trace.get("prompt_tokens"), trace.get("completion_tokens")
    if prompt is None or completion is None:
        return None
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "cost_usd": trace.get("cost_usd", 0.0),
    }


def _render_citation(citation: Citation) -> dict[str, Any]:
    return {
        "number": citation.number,
        "chunk_id": str(citation.chunk_id),
        "source_id": str(citation.source_id),
        "title": citation.title,
        "url": citation.url,
        "page": citation.page,
        "content": citation.content[:EXCERPT_LENGTH],
        "score": round(citation.score, 4),
    }
