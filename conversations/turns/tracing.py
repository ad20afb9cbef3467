"""The trace of a turn: what it understood, found, and took. Kept on the question; texts stand where they are cited."""

from __future__ import annotations

from typing import Any, Final

from conversations.citing.supporting import Support
from conversations.turns.state import Answer, Rewriting, Understood
from knowledge.retrieval.retrieving import Retrieval

SHOWN_LENGTH: Final = 500
MOST_EXPANSIONS: Final = 50


def describe_turn(answer: Answer) -> dict[str, Any]:
    """The trace of a turn: what it took and found. Times in milliseconds, cost in US dollars."""
    return {
        "model": answer.model,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "cost_usd": float(answer.cost_usd),
        "latency_ms": answer.duration_ms,
        "first_token_ms": answer.first_token_ms,
        "is_stream": answer.is_stream,
        "missing": list(answer.refusal.missing) if answer.refusal else [],
        "understood": None if answer.understood is None else describe_understood(answer.understood),
        "rewriting": None if answer.rewriting is None else describe_rewriting(answer.rewriting),
        "retrieval": None if answer.retrieval is None else describe_retrieval(answer.retrieval),
        "support": describe_support(answer.support),
    }


def describe_understood(understood: Understood) -> dict[str, Any]:
    """What was asked, as it was understood; the texts are cut to what a reader needs."""
    query = understood.query
    return {
        "kind": understood.kind.value,
        "small_talk": None if understood.small_talk is None else understood.small_talk.value,
        "language": understood.language,
        "question": query.text[:SHOWN_LENGTH],
        "carried": [
            {"text": each.text[:SHOWN_LENGTH], "weight": each.weight} for each in query.carried
        ],
        "decided_by": understood.decided_by,
        "milliseconds": round(understood.milliseconds, 1),
    }


def describe_rewriting(rewriting: Rewriting) -> dict[str, Any]:
    """How asking a model for the question in other words went."""
    return {
        "model": rewriting.model,
        "outcome": rewriting.outcome,
        "prompt_tokens": rewriting.prompt_tokens,
        "completion_tokens": rewriting.completion_tokens,
        "cost_usd": float(rewriting.cost_usd),
        "milliseconds": round(rewriting.milliseconds, 1),
    }


def describe_support(found: list[Support]) -> list[dict[str, Any]]:
    """Of each cited sentence whether its passages hold it, and why not."""
    return [
        {
            "sentence": each.statement.text[:SHOWN_LENGTH],
            "numbers": list(each.statement.numbers),
            "is_supported": each.is_supported,
            "why": each.why,
        }
        for each in found
    ]


def describe_retrieval(found: Retrieval) -> dict[str, Any]:
    """What retrieval found, by ids and scores; the texts are in the citations."""
    return {
        "mode": found.mode,
        "language": found.language,
        "confidence": round(found.confidence, 4),
        "threshold": round(found.threshold, 4),
        "embedding_model": found.embedding_model,
        "milliseconds": round(found.milliseconds, 1),
        "passages": [
            {
                "chunk_id": str(passage.chunk_id),
                "source_id": str(passage.source_id),
                "score": round(passage.score, 4),
                "cosine": round(passage.cosine, 4),
                "bm25": round(passage.bm25, 4),
            }
            for passage in found.passages
        ],
        "expansions": [
            {
                "term": each.term,
                "found": each.found,
                "kind": each.kind,
                "weight": round(each.weight, 3),
            }
            for each in found.expansions[:MOST_EXPANSIONS]
        ],
        "repeats": [{"chunk_id": str(each.chunk_id), "of": str(each.of)} for each in found.repeats],
        "external": [
            {
                "source_id": str(search.source_id),
                "outcome": search.outcome,
                "passages": search.passages,
                "milliseconds": round(search.milliseconds, 1),
            }
            for search in found.external
        ],
    }
