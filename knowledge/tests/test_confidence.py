"""Confidence, thresholds and a question's terms: pure arithmetic."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from knowledge.retrieval.calibrating import choose_quantiles
from knowledge.retrieval.confidence import (
    WORDS_ALONE,
    Floors,
    choose_floors,
    choose_threshold,
    find_carrier,
    measure_confidence,
)
from knowledge.retrieval.queries import Carried
from knowledge.sources.schedule import next_attempt, next_refresh
from knowledge.wording.query_terms import MAX_TERMS, analyse_question
from minirag.ai.embeddings import profile_of
from minirag.lib.text.analysis import analyse

MINILM = profile_of("minirag/minilm")


def test_confidence_is_the_calibrated_mix():
    value = measure_confidence(MINILM, top_cosine=0.5, top_bm25_share=0.6, term_count=3)
    assert value == pytest.approx(0.6 * 0.5 + 0.4 * 0.6 * 3 / 5)


def test_a_full_match_of_one_word_is_worth_less_than_one_of_many():
    one, many = (
        measure_confidence(MINILM, top_cosine=0.3, top_bm25_share=1, term_count=n) for n in (1, 12)
    )
    assert one < many


def test_without_a_cosine_to_trust_the_words_decide_alone():
    assert measure_confidence(None, top_cosine=0.9, top_bm25_share=0.2, term_count=3) == 0.2


@pytest.mark.parametrize(("share", "expected"), [(-1.0, 0.0), (1.7, 1.0)])
def test_confidence_stays_between_0_and_1(share, expected):
    assert measure_confidence(None, top_cosine=0, top_bm25_share=share, term_count=1) == expected


def test_no_words_in_common_and_no_words_at_all_are_no_confidence():
    assert measure_confidence(MINILM, top_cosine=0.0, top_bm25_share=0.0, term_count=0) == 0


MADE = Floors(0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    ("own", "facts", "expected"),
    [
        (None, {}, Floors(0.15, 0.25, 0.344)),
        (None, {"trusts_cosine": False}, WORDS_ALONE),
        (None, {"is_dense": False}, WORDS_ALONE),
        (MADE, {}, MADE),
        (MADE, {"trusts_cosine": False}, MADE),
        (MADE, {"is_dense": False}, WORDS_ALONE),
    ],
)
def test_floors_are_those_made_for_the_knowledge_or_the_usual_ones(own, facts, expected):
    chosen = choose_floors(own, MINILM, **{"is_dense": True, "trusts_cosine": True} | facts)
    assert astuple(chosen)[:3] == pytest.approx(astuple(expected)[:3])


@pytest.mark.parametrize(
    ("mode", "own_floor", "is_quoting", "expected"),
    [
        ("balanced", None, False, 0.1),
        ("balanced", None, True, 0.2),
        ("strict", None, False, 0.3),
        ("strict", None, True, 0.3),
        ("open", None, True, 0.0),
        ("open", 0.5, True, 0.0),
        ("balanced", 0.5, False, 0.5),
        ("strict", 0.0, True, 0.0),
    ],
)
def test_who_speaks_and_the_bots_mode_say_which_floor_counts(mode, own_floor, is_quoting, expected):
    assert (
        choose_threshold(mode, own_floor=own_floor, floors=MADE, is_quoting=is_quoting) == expected
    )


@pytest.mark.parametrize(
    ("question", "passage", "carrier"),
    [
        ("TN-45M?", "The plug TN-45M fits both.", "TN-45M"),
        ("what about tn-45m", "The plug TN-45M fits both.", "tn-45m"),
        ("Who answers an RFQ?", "An RFQ is answered by sales.", "RFQ"),
        ("Wardenclyffe", "He built Wardenclyffe in 1901.", "Wardenclyffe"),
        ("wardenclyffe?", "He built Wardenclyffe in 1901.", "wardenclyffe"),
        ("TN-45M?", "The plug TN-450M fits both.", ""),
        ("Who was at Wardenclyffe in winter?", "He built Wardenclyffe in 1901.", ""),
        ("What does IT cost?", "Put it on the table.", ""),
        ("WHERE IS MY PARCEL", "A parcel is a box.", ""),
        ("!!!", "Anything.", ""),
    ],
)
def test_a_code_or_a_bare_rare_word_that_the_best_passage_has_carries_a_question(
    question, passage, carrier
):
    weights = dict.fromkeys(analyse(question, "en"), 4.0)
    assert find_carrier(question, passage, "en", weights) == carrier


def test_a_word_that_is_everywhere_carries_nothing():
    assert find_carrier("Coffee?", "Coffee is here.", "en", {"coffe": 0.3}) == ""


def test_calibrated_floors_lie_above_most_strangers_and_below_nearly_all_that_is_known():
    strangers = [number / 100 for number in range(20)]
    usual, own = Floors(0.15, 0.25, 0.344), [0.4] * 20
    floors = choose_quantiles(strangers, own, usual, is_measured=True)
    assert floors == Floors(0.10, 0.16, 0.19)
    assert choose_quantiles(strangers, [0.12] * 20, usual, is_measured=True).balanced == 0.12
    assert choose_quantiles([0.6] * 20, own, usual, is_measured=True) == usual
    high = choose_quantiles([0.6] * 20, [0.8] * 20, usual, is_measured=False)
    assert high == Floors(0.6, 0.6, 0.6)
    assert choose_quantiles([0.1], [], usual, is_measured=True) == Floors(0.1, 0.1, 0.1)


def test_terms_of_a_question_in_the_language_of_its_sources():
    terms = analyse_question("How do I clean the filters, the old filters?", "en", ["en"])
    assert terms.terms == {"clean": 1, "filter": 2, "old": 1} and terms.own == terms.terms.keys()
    assert len(terms.ids) == len(terms.frequencies) == len(terms.counted) == 3


def test_a_second_language_adds_its_stems_but_no_stop_words():
    terms = analyse_question("What about the Reinigungen?", "en", ["en", "de"])
    assert "what" not in terms.terms and "the" not in terms.terms
    german = analyse_question("Reinigungen", "de", ["de"]).terms.keys()
    assert german <= terms.terms.keys() and not german & terms.own


def test_a_question_in_a_language_no_source_has_is_read_in_the_sources_language():
    assert "filter" in analyse_question("filters?", "fr", ["en"]).own


def test_what_is_carried_over_counts_a_part_and_never_against_the_questions_own_words():
    carried = (Carried("the old filters of Norway", 0.3), Carried("Norway and Sweden", 0.1))
    terms = analyse_question("And new filters?", "en", ["en", "de"], carried)
    assert {term: terms.terms[term] for term in ("new", "filter", "old", "norway", "sweden")} == {
        "new": 1, "filter": 1, "old": 0.3, "norway": 0.3, "sweden": 0.1,
    }  # fmt: skip
    assert {"new", "old", "sweden"} <= terms.own and "the" not in terms.terms
    assert all(isinstance(each, float) for each in terms.frequencies)
    alone = analyse_question("And new filters?", "en", ["en", "de"], carried, is_leaning=False)
    assert alone.terms == terms.terms and alone.own == {"new", "filter"}


def test_a_pasted_page_is_cut():
    terms = analyse_question(" ".join(f"word{n}" for n in range(5000)), "en", ["en"])
    assert len(terms.terms) == MAX_TERMS == len(terms.own)


def test_a_failing_schedule_waits_longer_each_time_and_at_most_a_week():
    from datetime import UTC, datetime, timedelta

    now = datetime(2026, 11, 21, tzinfo=UTC)
    waits = [next_attempt("hourly", now, failures=n, retryable=False) - now for n in (1, 2, 3, 12)]
    assert waits == [timedelta(hours=1), timedelta(hours=2), timedelta(hours=4), timedelta(days=7)]
    assert next_attempt("weekly", now, failures=5, retryable=False) - now == timedelta(days=7)
    assert [next_attempt(None, now, failures=n, retryable=True) for n in (1, 2, 3)] == [
        now + timedelta(minutes=1), now + timedelta(minutes=4), None
    ]  # fmt: skip
    assert next_attempt("none", now, failures=1, retryable=False) is None
    assert next_refresh("daily", now) == now + timedelta(days=1) and next_refresh(None, now) is None
