"""Citations that lead nowhere never reach a reader; weak retrieval is refused with its reason."""

from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.turns.grounding import (
    MarkerFilter,
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


def stream(pieces: list[str], passage_count: int) -> tuple[str, MarkerFilter]:
    markers = MarkerFilter(passage_count)
    text = "".join(markers.feed(piece) for piece in pieces) + markers.flush()
    return text, markers


def test_a_good_marker_passes_and_is_noted():
    text, markers = stream(["It lasts 36 months ", "[1]."], 2)
    assert text == "It lasts 36 months [1]."
    assert list(markers.cited) == [1]


def test_an_invented_marker_is_dropped_with_the_space_before_it():
    text, markers = stream(["It lasts 36 months", " [7", "]", "."], 2)
    assert text == "It lasts 36 months."
    assert not markers.cited and markers.dropped == 1


def test_a_list_of_markers_keeps_only_the_good_ones():
    text, markers = stream(["Both [1, 9; 2] say so."], 2)
    assert text == "Both [1][2] say so."
    assert list(markers.cited) == [1, 2]


@pytest.mark.parametrize(
    "text", ["See [the manual].", "array[", "x = a[i]", "[", "[12", "Price [EUR 12] net"]
)
def test_brackets_that_are_no_markers_pass_untouched(text):
    assert stream(list(text), 3)[0] == text


@given(st.text(alphabet="ab [](){}0123456789,;.", max_size=60), st.integers(0, 12), st.randoms())
def test_however_a_stream_is_cut_the_result_is_the_same(text, count, random):
    cuts = sorted(random.sample(range(len(text) + 1), k=min(4, len(text)))) if text else []
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert stream(pieces, count)[0] == stream([text], count)[0]


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


def test_the_refusal_speaks_the_language_of_the_question():
    assert "Quellen" in choose_refusal_text("", "de")
    assert choose_refusal_text("", "xx") == choose_refusal_text("", "en")
    assert choose_refusal_text("Ask Bob.", "de") == "Ask Bob."
