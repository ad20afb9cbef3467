"""Forms that no stemmer brings together find each other, and nothing else does."""

from __future__ import annotations

import pytest

from minirag.lib.asking.word_forms import find_forms
from minirag.lib.text.analysis import analyse


@pytest.mark.parametrize(
    ("asked", "said", "language"),
    [
        ("prendre", "pris", "fr"),
        ("livrer", "livrons", "fr"),
        ("devolver", "devuelven", "es"),
        ("chiudere", "chiusa", "it"),
        ("meenemen", "meegenomen", "nl"),
        ("verkopen", "verkocht", "nl"),
        ("Kochkurs", "Kochkurse", "de"),
    ],
)
def test_a_form_finds_the_other(asked, said, language):
    one, other = (analyse(word, language)[0] for word in (asked, said))
    assert other in find_forms(one, language)
    assert one in find_forms(other, language)


@pytest.mark.parametrize(
    ("asked", "said", "language"),
    [("maïs", "maison", "fr"), ("prix", "prendre", "fr"), ("casa", "casar", "es")],
)
def test_what_only_looks_alike_does_not(asked, said, language):
    one, other = (analyse(word, language)[0] for word in (asked, said))
    assert other not in find_forms(one, language)
