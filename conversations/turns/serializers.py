"""Chats, messages and turn events on the wire: the key sets of the contract, and one extended form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conversations.models import Chat, Citation, Message
from conversations.turns.taking import (
    Delta,
    Done,
    Failed,
    SourcesFound,
    Stopped,
    TurnEvent,
    TurnUsage,
)
from knowledge.retrieval.passages import Passage
from minirag.lib.errors import ProductError
from minirag.lib.http_in.rest import naive_utc
from tenants.context import require_tenant

EXCERPT_LENGTH = 200
_PASSAGE_KEYS = ("chunk_id", "content", "score", "source_id")
_DONE_KEYS = ("chat_id", "message_id", "usage")


def render_chat(chat: Chat) -> dict[str, Any]:
    return {
        "id": str(chat.pk),
        "tenant_id": str(require_tenant().pk),
        "bot_profile_id": str(chat.bot_profile_id),
        "title": chat.title,
        "message_count": chat.message_count,
        "total_prompt_tokens": chat.total_prompt_tokens,
        "total_completion_tokens": chat.total_completion_tokens,
        "created_at": naive_utc(chat.created_at),
        "updated_at": naive_utc(chat.updated_at),
    }


def render_message(message: Message) -> dict[str, Any]:
    return {
        "id": str(message.pk),
        "chat_id": str(message.chat_id),
        "role": message.role,
        "content": message.content,
        "prompt_tokens": message.prompt_tokens,
        "completion_tokens": message.completion_tokens,
        "feedback": message.feedback,
        "created_at": naive_utc(message.created_at),
    }


def render_message_in_full(message: Message) -> dict[str, Any]:
    """A message with what it cites and, if it refuses, why."""
    refusal = None
    if message.refusal_reason:
        refusal = {
            "reason": message.refusal_reason,
            "score": message.confidence,
            "threshold": message.threshold,
        }
    return {
        **render_message(message),
        "outcome": message.outcome,
        "cut_reason": message.cut_reason or None,
        "refusal": refusal,
        "feedback_reason": message.feedback_reason or None,
        "citations": [render_stored_citation(citation) for citation in message.citations.all()],
    }


def render_stored_citation(citation: Citation) -> dict[str, Any]:
    return {
        "number": citation.number,
        "chunk_id": citation.external_id or str(citation.chunk_id),
        "source_id": str(citation.source_id),
        "title": citation.title,
        "heading": citation.heading,
        "url": citation.url,
        "page": citation.page,
        "content": citation.content,
        "score": round(citation.score, 4),
    }


def render_passage(passage: Passage) -> dict[str, Any]:
    """One of the contract's `sources`: four keys, the first 200 characters, the score to four decimals."""
    return {
        "chunk_id": passage.shown_id,
        "content": passage.content[:EXCERPT_LENGTH],
        "score": round(passage.score, 4),
        "source_id": str(passage.source_id),
    }


def render_numbered_passage(
    number: int, passage: Passage, *, whole: bool = False
) -> dict[str, Any]:
    """A passage as a reader needs it: its number in the answer, where it stands, and its text."""
    return {
        "number": number,
        **render_passage(passage),
        "content": passage.content if whole else passage.content[:EXCERPT_LENGTH],
        "title": passage.title,
        "heading": passage.heading,
        "url": passage.url,
        "page": passage.page,
    }


def render_usage(usage: TurnUsage) -> dict[str, Any]:
    return {
        "model": usage.model,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def render_answer(passages: Sequence[Passage], done: Done, *, extended: bool) -> dict[str, Any]:
    """The body of a `POST /v1/chat` that does not stream."""
    body = {
        "chat_id": str(done.chat_id),
        "message": render_message(done.message),
        "sources": [render_passage(passage) for passage in passages],
        "usage": render_usage(done.usage),
    }
    return {**body, **render_grounds(done)} if extended else body


def render_event(
    event: TurnEvent, *, extended: bool, request_id: str = ""
) -> tuple[str, dict[str, Any]]:
    """Return the event's name and data, the same for SSE and WebSocket; `extended` adds what the contract lacks."""
    name, data = _render_extended(event, request_id)
    return name, data if extended else cut_to_contract(name, data)


def _render_extended(event: TurnEvent, request_id: str) -> tuple[str, dict[str, Any]]:
    match event:
        case SourcesFound(passages=passages):
            numbered = enumerate(passages, start=1)
            return "sources", {"sources": [render_numbered_passage(*each) for each in numbered]}
        case Delta(content=content):
            return "delta", {"content": content}
        case Done():
            data = {
                "chat_id": str(event.chat_id),
                "message_id": str(event.message.pk),
                "usage": render_usage(event.usage),
            }
            return "done", {**data, **render_grounds(event), "content": event.message.content}
        case Stopped():
            return "done", _render_stopped(event)
        case Failed(error=error):
            return "error", render_error(error, request_id)
    raise TypeError(event)


def render_error(error: ProductError, request_id: str) -> dict[str, Any]:
    """The data of an `error` event."""
    facts = {"detail": error.detail, "code": error.code, "retryable": error.retryable}
    return {**facts, "request_id": request_id}


def cut_to_contract(name: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return an event's extended data without what the contract lacks."""
    if name == "sources":
        return {"sources": [{key: each[key] for key in _PASSAGE_KEYS} for each in data["sources"]]}
    return {key: data[key] for key in _DONE_KEYS} if name == "done" else data


def _render_stopped(stopped: Stopped) -> dict[str, Any]:
    message = stopped.message
    return {
        "chat_id": str(stopped.chat_id),
        "message_id": str(message.pk) if message else None,
        "usage": render_usage(stopped.usage) if stopped.usage else None,
        "content": message.content if message else "",
        "citations": [render_stored_citation(citation) for citation in message.citations.all()]
        if message
        else [],
        "refusal": None,
        "cut_reason": None,
        "stopped": True,
    }


def render_grounds(done: Done) -> dict[str, Any]:
    refusal = None
    if done.refusal is not None:
        score, threshold = round(done.refusal.score, 4), round(done.refusal.threshold, 4)
        refusal = {"reason": done.refusal.reason, "score": score, "threshold": threshold}
    citations = [
        render_numbered_passage(number, passage, whole=True) for number, passage in done.citations
    ]
    cut_reason = done.message.cut_reason or None
    return {"citations": citations, "refusal": refusal, "cut_reason": cut_reason}
