"""Citations that lead nowhere never reach a reader; weak retrieval is refused with its reason."""

from decimal import Decimal
from uuid import uuid4

from conversations.turns.grounding import (
    choose_refusal_text,
    find_model_refusal,
    ground,
)
from knowledge.retrieval.retrieving import Passage, Retrieval


def passage(text: str = "The warranty lasts 36 months.") -> Passage:
    return Passage(uuid4(), uuid4(), uuid4(), "Handbook", "", None, "Warranty", text, 0.9, 0.8, 7.0)


def found(confidence: float, *passages: Passage, threshold: float = 0.344) -> Retrieval:
    return Retrieval(
        passages, confidence, threshold, {}, "en", "hybrid", "minirag/minilm", 3, Decimal(0), 4.0
    )


def test_nothing_found_is_refused():
    assert ground(found(0.9), refuses=True).reason == "no_passages"


def test_a_weak_find_is_refused_with_score_and_threshold():
    refusal = ground(found(0.2, passage()), refuses=True)
    assert (refusal.reason, refusal.score, refusal.threshold) == ("low_confidence", 0.2, 0.344)


def test_a_strong_find_is_not_refused():
    assert ground(found(0.5, passage()), refuses=True) is None


def test_a_bot_may_be_told_never_to_refuse():
    assert ground(found(0.0), refuses=False) is None


def test_a_model_that_says_it_is_not_in_the_sources_refused():
    text = choose_refusal_text("", "en")
    assert (
        find_model_refusal(f"  {text.upper()} ", text, found(0.5, passage())).reason
        == "not_in_sources"
    )
    assert find_model_refusal("It lasts 36 months [1].", text, found(0.5, passage())) is None
    for signs in ("🤷", "…"):
        assert find_model_refusal("It lasts 36 months.", signs, found(0.5, passage())) is None


def test_the_refusal_speaks_the_language_of_the_question():
    assert "Quellen" in choose_refusal_text("", "de")
    assert choose_refusal_text("", "xx") == choose_refusal_text("", "en")
    assert choose_refusal_text("Ask Bob.", "de") == "Ask Bob."
