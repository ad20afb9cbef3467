"""Words are found in their other forms, where stemming leaves them apart."""

from __future__ import annotations

import pytest

from minirag.lib.asking.synonyms import find_synonyms, is_meant
from minirag.lib.asking.word_forms import find_forms
from minirag.lib.text.analysis import analyse


def is_form(asked: str, said: str) -> bool:
    [one], [other] = analyse(asked, "de"), analyse(said, "de")
    return one == other or other in find_forms(one, "de")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("kündigen", "gekündigt"), ("gekündigt", "Kündigung"), ("anmelden", "angemeldet"),
        ("anzumelden", "anmelden"), ("bezahlt", "bezahlen"), ("mitnehmen", "mitgenommen"),
        ("nimmt", "nehmen"), ("verliehen", "verleihen"), ("ausgeliehen", "ausleiht"),
        ("abgeschlossen", "abschließen"), ("repariert", "reparieren"), ("leitet", "Leitung"),
        ("abgefahren", "abfahren"),
        ("abgeräumt", "abräumen"), ("Kurs", "Kurse"), ("Auto", "Autos"), ("Handys", "Handy"), ("hoch", "hohe"),
    ],
)  # fmt: skip
def test_a_german_word_is_known_in_its_other_forms(asked, said):
    assert is_form(asked, said)
    assert is_form(said, asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Gast", "Gas"), ("Zeit", "Zeitung"), ("Markt", "Mark"), ("Satz", "Satzung"), ("Land", "Gelände"),
        ("wohnt", "Wohnung"), ("Halt", "Gehalt"), ("richten", "Gericht"), ("Bild", "Bildung"),
        ("Gas", "Gast"), ("schließen", "Schloss"), ("liegen", "Lager"), ("stehen", "Stand"), ("binden", "Band"),
        ("Raten", "Geräte"), ("fahren", "Gefahr"), ("Tag", "Tagung"), ("nächsten", "Nächte"), ("gehen", "Gänge"),
        ("Scheine", "Schiene"), ("setzen", "Gesetz"), ("Räume", "geräumt"), ("bar", "Bart"),
    ],
)  # fmt: skip
def test_a_word_that_is_only_written_alike_is_no_form_of_it(asked, said):
    assert not is_form(asked, said)


def test_words_of_the_same_meaning_are_those_of_all_forms():
    [lent] = analyse("ausgeliehen", "de")
    assert set(find_synonyms("ausleih", "de")) - {lent} <= {
        *find_synonyms(lent, "de"),
        *find_forms(lent, "de"),
    }
    assert is_meant("gekundigt", "kundig")


def test_a_language_without_rows_has_no_forms():
    assert find_forms("book", "en") == () == find_forms("kundig", "xx")
    assert find_forms("xr4420", "de") == ()
