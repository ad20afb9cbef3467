"""The chat log: one row per turn, a question with what became of it.

The question is the row: it is stored before anything can fail, carries its turn's outcome and trace, and its answer
points to it. So a turn that failed is in the log as well as one that was answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from bots.models import Outcome
from conversations.models import Citation, Message, MessageRole, Refused

COUNT_LIMIT = 1000


class LoggedCitation(NamedTuple):
    number: int
    kind: str
    chunk_id: UUID
    source_id: UUID
    title: str
    url: str
    page: int | None
    place: str
    content: str
    score: float


class LoggedUsage(NamedTuple):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost_usd: float


class LoggedTurn(NamedTuple):
    """One row of the log; what was not recorded is None."""

    id: UUID
    request_id: str
    chat_id: UUID
    bot_profile_id: UUID
    message_id: UUID | None
    question: str
    answer: str | None
    outcome: str
    error_code: str
    cut_reason: str | None
    refusal: Refused | None
    help: dict[str, Any] | None
    citations: list[LoggedCitation]
    citation_valid: bool | None
    unsupported: int | None
    curated_answer_id: UUID | None
    retrieval: dict[str, Any] | None
    model: str | None
    usage: LoggedUsage | None
    latency_ms: int | None
    time_to_first_token_ms: int | None
    feedback: str | None
    feedback_reason: str | None
    created_at: datetime


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
    """Load what `log_turn` tells, in two queries."""
    cited = Citation.objects.defer("heading").order_by("number")
    return turns.select_related("chat", "answer").prefetch_related(
        Prefetch("answer__citations", cited, to_attr="cited")
    )


def log_turn(question: Message) -> LoggedTurn:
    """One row, of a question that came `with_answers`."""
    answer: Any = getattr(question, "answer", None)
    trace = question.trace or {}
    return LoggedTurn(
        id=question.pk,
        request_id=question.request_id,
        chat_id=question.chat_id,
        bot_profile_id=question.chat.bot_profile_id,
        message_id=answer.pk if answer else None,
        question=question.content,
        answer=answer.content if answer else None,
        outcome=question.outcome,
        error_code=question.error_code,
        cut_reason=(answer.cut_reason or None) if answer else None,
        refusal=answer.refusal if answer else None,
        help=answer.help if answer else None,
        citations=[_log_citation(each) for each in answer.cited] if answer else [],
        citation_valid=question.citation_valid,
        unsupported=question.unsupported,
        curated_answer_id=answer.curated_answer_id if answer else None,
        retrieval=trace.get("retrieval"),
        model=trace.get("model") or None,
        usage=_log_usage(trace),
        latency_ms=trace.get("latency_ms"),
        time_to_first_token_ms=trace.get("first_token_ms"),
        feedback=answer.feedback if answer else None,
        feedback_reason=(answer.feedback_reason or None) if answer else None,
        created_at=question.created_at,
    )


def _log_usage(trace: dict[str, Any]) -> LoggedUsage | None:
    prompt, completion = trace.get("prompt_tokens"), trace.get("completion_tokens")
    if prompt is None or completion is None:
        return None
    return LoggedUsage(prompt, completion, prompt + completion, trace.get("cost_usd", 0.0))


def _log_citation(citation: Citation) -> LoggedCitation:
    return LoggedCitation(
        number=citation.number,
        kind=citation.kind,
        chunk_id=citation.chunk_id,
        source_id=citation.source_id,
        title=citation.title,
        url=citation.url,
        page=citation.page,
        place=citation.place,
        content=citation.excerpt,
        score=round(citation.score, 4),
    )
