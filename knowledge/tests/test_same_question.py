"""Two questions are the same by their words, or agree in every word that makes a difference."""

from __future__ import annotations

import pytest

from knowledge.curated.same_question import asks_the_same, key_of


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("When are you open?", "  when ARE   you open"),
        ("Hi! When are you open? Thanks!", "When are you open?"),
        ("Could you tell me: when are you open please", "When are you open?"),
        ("Wie sind die Öffnungszeiten?", "wie sind die offnungszeiten bitte"),
        ("Où est la gare ?", "ou est la gare"),
        ("What’s new?", "what's new"),
    ],
)
def test_the_same_words_have_one_key(one, two):
    assert key_of(one) == key_of(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Do you support C++?", "Do you support C?"),
        ("Is it 5 % off?", "Is it 5 € off?"),
        ("Does it work at -5?", "Does it work at 5?"),
        ("Is version 1.5 out?", "Is version 15 out?"),
        ("What does plan A cost?", "What does plan B cost?"),
        ("Can I return it?", "Can I not return it?"),
        ("?", "!?"),
    ],
)
def test_other_words_have_another(one, two):
    assert key_of(one) != key_of(two)


def test_any_text_has_a_key():
    for text in ("", " ", "😀", "\x00", "\ud800", "x" * 32_000, "please", "你好吗", "كيف الحال"):
        assert len(key_of(text)) == 32


@pytest.mark.parametrize(
    ("one", "two", "language"),
    [
        ("Is the train from Linz to Graz direct?", "Is the train from Graz to Linz direct?", "en"),
        ("Does the ticket cost more than 20?", "Does the ticket cost less than 20?", "en"),
        ("do you ship to germany", "Do you ship to Austria?", "en"),
        ("Why can I return it?", "Can I return it?", "en"),
        ("Bis wann kann ich buchen?", "Wann kann ich buchen?", "de"),
        ("Kann ich ohne Karte zahlen?", "Kann ich mit Karte zahlen?", "de"),
        ("x" * 600, "x" * 600, "en"),
        ("?", "?", "en"),
        ("quel est le prix du plan B", "Quel est le prix du plan A ?", "fr"),
    ],
)
def test_a_word_that_makes_a_difference_tells_them_apart(one, two, language):
    assert not asks_the_same(one, two, language)


def test_common_words_for_the_same_do_not():
    for one, two, language in (
        ("How much is plan A?", "What does plan A cost?", "en"),
        ("Wie gebe ich einen Artikel zurück?", "Wie kann ich einen Artikel zurückgeben?", "de"),
        ("Sind bei euch Hunde erlaubt?", "Sind Hunde erlaubt?", "de"),
    ):
        assert asks_the_same(one, two, language)
