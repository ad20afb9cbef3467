"""Words that only share a stem are left out of what a question's word is looked for in."""

from __future__ import annotations

import pytest

from minirag.lib.asking.shared_stems import leave_out_others, stands_alone


@pytest.mark.parametrize(
    ("asked", "text", "language", "left"),
    [
        ("instalments", "Installation costs 9 euros, in two instalments.", "en", "instalments"),
        ("books", "Booking opens on Monday; books are upstairs.", "en", "books"),
        ("import", "It is important: we import tea.", "en", "import"),
        ("buchen", "Buchführung kann man online buchen.", "de", "buchen"),
        ("Bücher", "Die Buchung der Bücher", "de", "Bücher"),
    ],
)
def test_another_word_of_the_same_stem_is_left_out(asked, text, language, left):
    said = leave_out_others(asked, text, language)
    assert left in said and len(said) < len(text)


def test_every_other_text_stays():
    assert leave_out_others("buchen", "Die Buchung gilt.", "de") == "Die Buchung gilt."
    assert leave_out_others("tea", "Important imports", "en") == "Important imports"
    assert leave_out_others("books", "Booking", "fr") == "Booking"


def test_a_noun_has_nothing_of_what_the_verb_of_its_stem_means():
    assert stands_alone("Books", "en") and stands_alone("Rat", "de")
    assert not stands_alone("book", "en") and not stands_alone("Raten", "de")
