"""A question in another language than the pages is not declined for the words that only hold it together."""

from __future__ import annotations

import pytest

from minirag.ai.builtin.offline import answer_question
from minirag.ai.builtin.sentences.candidates import OfflinePassage
from minirag.ai.builtin.sentences.question_words import read_terms, weigh_words

PASSAGES = [
    OfflinePassage(1, "Customs > ICS2", "ICS2 is the import control system of the EU.", 1.0),
    OfflinePassage(2, "Prices > Pallets", "A pallet costs 120 euros within the country.", 0.6),
]
ASKED = [
    ("de", "Was ist ICS2?"),
    ("nl", "Wat is ICS2?"),
    ("fr", "Qu'est-ce que ICS2 ?"),
    ("es", "¿Qué es ICS2?"),
    ("it", "Che cosa è ICS2?"),
    ("pt", "O que é ICS2?"),
    ("da", "Hvad er ICS2?"),
    ("sv", "Vad är ICS2?"),
    ("pl", "Co to jest ICS2?"),
    ("tr", "ICS2 ne?"),
]


@pytest.mark.parametrize(("spoken", "question"), ASKED)
def test_a_code_is_found_whatever_language_it_is_asked_for_in(spoken, question):
    answered = answer_question(
        question, PASSAGES, languages={1: "en", 2: "en"}, strictness="balanced", margin=0.1, spoken=spoken
    )  # fmt: skip
    assert answered.check is not None and answered.check.is_answered
    assert answered.check.missing == ()
    assert answered.text.startswith("ICS2 is the import control system")


def test_only_words_that_say_nothing_are_left_out():
    named = [word.text for word in weigh_words("Wie lagere ich IST-Proben?", "en", {}, "de")]
    assert named == ["lagere", "IST-Proben"]
    assert read_terms("Was ist der Zoll?", "en", "de") == ["zoll"]
    assert read_terms("What is the customs code?", "en", "en") == ["custom", "code"]


@pytest.mark.parametrize(
    ("spoken", "keywords", "terms"),
    [
        ("de", "war memorial", ["war", "memori"]),
        ("de", "War memorial?", ["war", "memori"]),
        ("de", "man page", ["man", "page"]),
        ("de", "die casting machine", ["die", "cast", "machin"]),
        ("fr", "pour spout", ["pour", "spout"]),
        ("nl", "door handle", ["door", "handl"]),
        ("de", "Wo Parking?", ["park"]),
        ("de", "wo parking", ["park"]),
        ("de", "Preise für pallet storage", ["preis", "pallet", "storag"]),
    ],
)
def test_a_word_among_a_few_that_says_nothing_elsewhere_still_counts(spoken, keywords, terms):
    assert read_terms(keywords, "en", spoken) == terms
    assert [
        term for word in weigh_words(keywords, "en", {}, spoken) for term in word.terms
    ] == terms


def test_what_only_frames_a_question_frames_it_in_any_language():
    (costs, pallet) = weigh_words("Was kostet Pallet?", "en", {}, "de")
    assert costs.is_framing and not pallet.is_framing


def test_another_word_that_is_missing_still_counts():
    answered = answer_question(
        "Was ist CBAM?", PASSAGES, languages={1: "en", 2: "en"}, strictness="balanced", margin=0.1, spoken="de"
    )  # fmt: skip
    assert answered.check is not None and not answered.check.is_answered
