"""Everyday words say little of what a question is about; things do not."""

from __future__ import annotations

import pytest

from minirag.lib.asking.light_words import is_light


@pytest.mark.parametrize("word", ["stay", "stays", "stayed", "Early", "else", "arrived"])
def test_an_everyday_word_says_little_in_any_form(word):
    assert is_light(word, "en")


@pytest.mark.parametrize("word", ["suits", "plans", "watch", "pass", "stand", "become"])
def test_what_may_be_hired_or_sold_is_no_everyday_word(word):
    assert not is_light(word, "en")


@pytest.mark.parametrize(
    ("word", "language"),
    [("kümmert", "de"), ("laisser", "fr"), ("dejo", "es"), ("aspettiamo", "it"), ("langs", "nl")],
)
def test_other_languages_have_their_own(word, language):
    assert is_light(word, language)


@pytest.mark.parametrize(
    ("word", "language"),
    [
        ("tauchen", "de"),
        ("particulier", "fr"),
        ("cuenta", "es"),
        ("recibo", "es"),
        ("encuentro", "es"),
        ("sol", "es"),
        ("sole", "it"),
        ("resto", "it"),
        ("porto", "it"),
        ("porta", "it"),
        ("fiets", "nl"),
    ],
)
def test_what_tells_one_thing_from_another_says_much(word, language):
    assert not is_light(word, language)


def test_a_language_without_rows_has_none():
    assert not is_light("stay", "pl")
