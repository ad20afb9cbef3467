"""What people read of a turn's trace: the candidates with their fate, the calls with their cost, the stages.

A trace has the ids of passages, so what is said of them is looked up now: one whose source was deleted since is told as
gone, without its text. Traces of older versions lack parts, which are None or empty here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db.models.functions import Left

from conversations.models import EXCERPT_LENGTH, Message, MessageRole
from knowledge.corrections.finding import find_corrected
from knowledge.models import Chunk

Places = dict[str, dict[str, str]]

TRACED: Final = (
    "understood", "rewriting", "search", "candidates", "check", "asked_back", "missing", "prompt", "support",
    "dropped_citations", "calls", "stages", "latency_ms", "first_token_ms", "audience",
    "masked",
)  # fmt: skip
_BEFORE: Final = ("open", "understand", "guard", "condense", "retrieve", "ground")
_STAGES: Final = (*_BEFORE, "model", "cite", "help")
_SEARCH: Final = ("mode", "language", "confidence", "threshold")
_JUDGED: Final = ("floor", "made_for", "top_cosine", "bm25_share", "terms", "carrier")
_SCORES: Final = ("score", "bm25", "cosine", "fused", "closeness", "taken_up")


def tell_turn(question: Message) -> dict[str, Any]:
    """The trace of a stored turn, by its question, and how it ended."""
    answer: Message | None = getattr(question, "answer", None)
    cited = answer.citations.values_list("chunk_id", "number") if answer else ()
    return {
        "turn_id": question.pk, "chat_id": question.chat_id, "bot_profile_id": question.chat.bot_profile_id,
        "message_id": answer.pk if answer else None, "created_at": question.created_at,
        "question": question.content, "answer": answer.content if answer else None, "outcome": question.outcome,
        "error_code": question.error_code, "refusal": answer.refusal if answer else None,
        **tell_trace(question.trace or {}, list(cited)),
    }  # fmt: skip


def question_of(message: Message) -> Message | None:
    """The question of the turn that a message belongs to; None of an answer whose question is gone."""
    return message if message.role == MessageRole.USER else message.question


def tell_trace(
    trace: Mapping[str, Any], cited: Iterable[tuple[UUID, int]], places: Places | None = None
) -> dict[str, Any]:
    """What a trace says, in order; `cited` are the passages of the answer with their numbers.

    `places` is what `load_places` says of them, where it was asked for several traces at once.
    """
    found, prompt = trace.get("retrieval") or {}, trace.get("prompt")
    return {
        "understood": trace.get("understood"),
        "rewriting": trace.get("rewriting"),
        "search": _tell_search(found) if found else None,
        "candidates": _tell_candidates(trace, cited, places),
        "check": trace.get("check"),
        "asked_back": bool(trace.get("asked_back")),
        "missing": trace.get("missing") or [],
        "prompt": prompt,
        "support": trace.get("support") or [],
        "dropped_citations": trace.get("dropped_citations"),
        "calls": tell_calls(trace),
        "stages": dict(sorted((trace.get("stages") or {}).items(), key=_order_of)),
        "latency_ms": trace.get("latency_ms"),
        "first_token_ms": trace.get("first_token_ms"),
        "audience": trace.get("audience") or [],
        "masked": trace.get("masked") or {},
    }


def _order_of(stage: tuple[str, float]) -> int:
    """Where a stage stands in a turn: the database keeps no order of keys."""
    return _STAGES.index(stage[0]) if stage[0] in _STAGES else len(_STAGES)


def _tell_search(found: Mapping[str, Any]) -> dict[str, Any]:
    judged = found.get("judged") or {}
    return {
        **{name: found.get(name) for name in _SEARCH},
        **{name: judged.get(name) for name in _JUDGED},
        "embedding_model": found.get("embedding_model"),
        "milliseconds": found.get("milliseconds"),
        "expansions": found.get("expansions") or [],
        "external": found.get("external") or [],
    }


def list_candidates(trace: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The candidates as they are stored: the passages, then those that were left out."""
    found = trace.get("retrieval") or {}
    return [*(found.get("passages") or []), *(found.get("left_out") or [])]


def _tell_candidates(
    trace: Mapping[str, Any], cited: Iterable[tuple[UUID, int]], places: Places | None
) -> list[dict[str, Any]]:
    found, prompt, candidates = (
        trace.get("retrieval") or {},
        trace.get("prompt"),
        list_candidates(trace),
    )
    passages = found.get("passages") or []
    repeats = {each["chunk_id"]: each["of"] for each in found.get("repeats") or []}
    outside = {each["source_id"] for each in found.get("external") or []}
    numbers: dict[str, list[int]] = {}
    for chunk_id, number in cited:
        numbers.setdefault(str(chunk_id), []).append(number)
    read = (prompt["passages"] if prompt else 0) if "prompt" in trace else len(passages)
    if places is None:
        places = load_places(each["chunk_id"] for each in candidates)
    told = []
    for place, each in enumerate(candidates, 1):
        key = each["chunk_id"]
        fate = "cited" if key in numbers else "read" if place <= read else "not_read"
        if place > len(passages):
            fate = "repeat" if key in repeats else "limit"
        is_external = each["source_id"] in outside
        told.append(
            {
                "place": place, "chunk_id": key, "source_id": each["source_id"],
                **{name: each.get(name) for name in _SCORES},
                "fate": fate, "repeat_of": repeats.get(key), "numbers": numbers.get(key, []),
                "is_external": is_external, "is_gone": not is_external and key not in places,
                **places.get(key, _NOWHERE),
            }
        )  # fmt: skip
    return told


_NOWHERE: Final = {"source": "", "title": "", "heading": "", "excerpt": ""}


def load_places(chunk_ids: Iterable[str]) -> Places:
    """What passages are called and how they begin, of those that are still there, corrected or switched off or not."""
    asked = list(chunk_ids)
    rows = (
        Chunk.objects.filter(pk__in=asked, source__deleted_at__isnull=True)
        .order_by()
        .annotate(excerpt=Left("content", EXCERPT_LENGTH))
        .values_list("pk", "source__name", "document__title", "heading", "excerpt")
    )
    places = {
        str(key): {"source": source, "title": title or source, "heading": heading, "excerpt": excerpt}
        for key, source, title, heading, excerpt in rows
    }  # fmt: skip
    for key, said in find_corrected(set(asked) - places.keys()).items():
        places[key] = {
            "source": said.source.name, "title": said.source.name, "heading": said.anchor_heading,
            "excerpt": str(said.content or said.anchor_content)[:EXCERPT_LENGTH],
        }  # fmt: skip
    return places


def tell_calls(trace: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models that were asked, in order, with what that took."""
    calls: list[dict[str, Any]] = []
    rewriting, found = trace.get("rewriting"), trace.get("retrieval") or {}
    if rewriting:
        calls.append(_tell_call("rewrite", rewriting, rewriting.get("milliseconds")))
    if varying := trace.get("varying"):
        calls.append(_tell_call("vary", varying, varying.get("milliseconds")))
    if found.get("embedding_model"):
        spent = {
            "model": found["embedding_model"], "prompt_tokens": found.get("embedding_tokens"),
            "cost_usd": found.get("embedding_cost_usd"),
        }  # fmt: skip
        calls.append(_tell_call("embedding", spent, found.get("embedding_ms")))
    if reranking := found.get("reranking"):
        calls.append(_tell_call("rerank", reranking, reranking.get("milliseconds")))
    if trace.get("prompt_tokens") or trace.get("completion_tokens"):
        calls.append(_tell_call("answer", trace, _time_model(trace)))
    return calls


def _time_model(trace: Mapping[str, Any]) -> float | None:
    """How long the model spoke; where that was not measured, what the stages before it have left of the turn."""
    stages, latency = trace.get("stages") or {}, trace.get("latency_ms")
    if "model" in stages or latency is None:
        return stages.get("model")
    return max(0.0, round(latency - sum(stages.get(each, 0.0) for each in _BEFORE), 1))


def _tell_call(
    purpose: str, spent: Mapping[str, Any], milliseconds: float | None
) -> dict[str, Any]:
    return {
        "purpose": purpose,
        "model": spent["model"],
        "prompt_tokens": spent.get("prompt_tokens") or 0,
        "completion_tokens": spent.get("completion_tokens") or 0,
        "cost_usd": spent.get("cost_usd") or 0.0,
        "milliseconds": milliseconds,
    }
