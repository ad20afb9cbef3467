"""The trace of a turn: what it understood, found, judged, said and spent. Kept on the question.

It is written with each turn, so it holds ids and figures and is bounded; texts of passages stand where they are cited,
and `conversations.logs.traces` makes of it what people read.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import structlog

from bots.models import Outcome
from conversations.citing.supporting import Support
from conversations.models import Trait
from conversations.turns.state import Answer, OpenTurn, Rewriting, Understood
from knowledge.curated.matching import Curated
from knowledge.retrieval.found import Reranking, Retrieval
from knowledge.retrieval.passages import Passage
from minirag.ai.builtin.checking import Check
from minirag.lib.tracing.spans import note, note_failure

logger = structlog.get_logger(__name__)

SHOWN_LENGTH: Final = 500
LONGEST_WORD: Final = 60
MOST_EXPANSIONS: Final = 50
MOST_SENTENCES: Final = 50
MOST_MISSING: Final = 20
MOST_LEFT_OUT: Final = 10
"""Candidates that the answer could not use; the rest would say no more."""


def describe_turn(answer: Answer) -> dict[str, Any]:
    """The trace of a turn. Times in milliseconds, cost in US dollars."""
    return {
        "model": answer.model,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "cost_usd": float(answer.cost_usd),
        "latency_ms": answer.duration_ms,
        "first_token_ms": answer.first_token_ms,
        "is_stream": answer.is_stream,
        "asked_back": answer.is_asked_back,
        "missing": _cut_words(answer.refusal.missing) if answer.refusal else [],
        "understood": None if answer.understood is None else describe_understood(answer.understood),
        "varying": None if answer.varying is None else describe_rewriting(answer.varying),
        "rewriting": None if answer.rewriting is None else describe_rewriting(answer.rewriting),
        "retrieval": None if answer.retrieval is None else describe_retrieval(answer.retrieval),
        "curated": None if answer.curated is None else describe_curated(answer.curated),
        "check": None if answer.check is None else describe_check(answer.check),
        "prompt": None if answer.prompted is None else asdict(answer.prompted),
        "support": describe_support(answer.support),
        "dropped_citations": answer.dropped_citations,
        "stages": answer.stages,
        "audience": answer.audience.marks,
        "masked": answer.masked,
    }


def judge_citations(answer: Answer) -> bool | None:
    """Whether an answer cites, and only what is there; None where there is nothing to cite for."""
    is_small_talk = answer.understood is not None and answer.understood.is_small_talk
    is_unsourced = is_small_talk or answer.is_asked_back or answer.only_calls
    if answer.outcome != Outcome.ANSWERED or is_unsourced:
        return None
    return bool(answer.citations) and not answer.dropped_citations


def name_traits(answer: Answer) -> list[str]:
    """What a chat is found by after this turn."""
    if answer.outcome == Outcome.REFUSED:
        return Trait.of_refusal(answer.refusal.reason if answer.refusal else "")
    ended = {Outcome.FAILED: [Trait.FAILED], Outcome.STOPPED: [Trait.STOPPED]}
    found: list[str] = [*ended.get(Outcome(answer.outcome), [])]
    return [*found, Trait.UNCITED] if judge_citations(answer) is False else found


def count_unsupported(answer: Answer) -> int | None:
    """How many cited sentences their passages do not hold; None where there is nothing to cite for."""
    if answer.outcome != Outcome.ANSWERED:
        return None
    return sum(not each.is_supported for each in answer.support)


def tell_end(turn: OpenTurn, answer: Answer) -> None:
    """In the log and in the turn's span."""
    outcome, code = str(answer.outcome), answer.error_code
    logger.info(
        "turn", turn_id=str(turn.question.pk), outcome=outcome, milliseconds=answer.duration_ms, stages=answer.stages,
        first_token_ms=answer.first_token_ms, **({"code": code} if code else {}),
    )  # fmt: skip
    note(
        outcome=outcome, turn_id=str(turn.question.pk), bot_id=str(turn.bot.pk), model=answer.model
    )
    if code:
        note_failure(code)


def _cut_words(words: tuple[str, ...]) -> list[str]:
    return [word[:LONGEST_WORD] for word in words[:MOST_MISSING]]


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
        "variations": [each.text[:SHOWN_LENGTH] for each in query.variations],
        "parts": [each.text[:SHOWN_LENGTH] for each in query.parts],
        "decided_by": understood.decided_by,
        "milliseconds": round(understood.milliseconds, 1),
    }


def describe_curated(curated: Curated) -> dict[str, Any]:
    """Which curated answer was given, and by which of its questions."""
    return {
        "id": str(curated.answer_id),
        "question": curated.question,
        "by": curated.by,
        "cosine": None if curated.cosine is None else round(curated.cosine, 4),
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


def describe_check(check: Check) -> dict[str, Any]:
    """What the offline answerer's check of its quotations found."""
    return {
        "is_answered": check.is_answered,
        "coverage": round(check.coverage, 3),
        "missing": _cut_words(check.missing),
        "lacks": check.lacks,
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
        for each in found[:MOST_SENTENCES]
    ]


def describe_retrieval(found: Retrieval) -> dict[str, Any]:
    """What retrieval found, by ids and scores; the texts are in the citations."""
    kept = {passage.chunk_id for passage in found.passages}
    left_out = [passage for passage in found.candidates if passage.chunk_id not in kept]
    return {
        "mode": found.mode,
        "language": found.language,
        "confidence": round(found.confidence, 4),
        "threshold": round(found.threshold, 4),
        "judged": describe_judgement(found),
        "embedding_model": found.embedding_model,
        "embedding_tokens": found.embedding_tokens,
        "embedding_cost_usd": float(found.embedding_cost_usd),
        "embedding_ms": round(found.embedding_milliseconds, 1),
        "milliseconds": round(found.milliseconds, 1),
        "passages": [describe_passage(passage) for passage in found.passages],
        "left_out": [describe_passage(passage) for passage in left_out[:MOST_LEFT_OUT]],
        "expansions": [
            {
                "term": each.term[:LONGEST_WORD],
                "found": each.found,
                "kind": each.kind,
                "weight": round(each.weight, 3),
            }
            for each in found.expansions[:MOST_EXPANSIONS]
        ],
        "repeats": [{"chunk_id": str(each.chunk_id), "of": str(each.of)} for each in found.repeats],
        "reranking": None if found.reranking is None else describe_reranking(found.reranking),
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


def describe_reranking(reranking: Reranking) -> dict[str, Any]:
    """How having a model order the passages went."""
    return {
        "model": reranking.model,
        "outcome": reranking.outcome,
        "prompt_tokens": reranking.tokens,
        "completion_tokens": reranking.completion_tokens,
        "cost_usd": float(reranking.cost_usd),
        "milliseconds": round(reranking.milliseconds, 1),
    }


def describe_passage(passage: Passage) -> dict[str, Any]:
    """A candidate's scores: by words, by meaning, fused, for saying the words together, by what its fullest sentence
    takes up of the question, and what its place counts in the end.
    """
    return {
        "chunk_id": str(passage.chunk_id),
        "source_id": str(passage.source_id),
        "score": round(passage.score, 4),
        "cosine": round(passage.cosine, 4),
        "bm25": round(passage.bm25, 4),
        "fused": round(passage.fused or passage.score, 4),
        "closeness": round(passage.closeness, 4),
        "taken_up": None if passage.taken_up is None else round(passage.taken_up, 4),
    }


def describe_judgement(found: Retrieval) -> dict[str, Any] | None:
    """What the confidence is made of, and which floor it was compared with."""
    measured = found.measured
    if measured is None:
        return None
    return {
        "top_cosine": round(measured.top_cosine, 4),
        "bm25_share": round(measured.top_bm25_share, 4),
        "terms": measured.term_count,
        "floor": measured.floor,
        "made_for": measured.floors.made_for,
        "carrier": found.carrier[:LONGEST_WORD],
    }
