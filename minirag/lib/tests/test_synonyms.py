"""Words of the same meaning, of which pages may have another one than the question."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import dates, translation

from minirag.lib.asking import synonyms
from minirag.lib.asking.synonyms import find_synonyms, is_meant, list_languages
from minirag.lib.text.analysis import analyse
from minirag.lib.variants import stand_for


def term(word, language):
    return analyse(word, language)[0]


@pytest.mark.parametrize(
    ("language", "asked", "said"),
    [
        ("de", "Fahrstuhl", "Aufzug"),
        ("de", "loswerden", "entsorgen"),
        ("en", "refund", "reimburse"),
        ("nl", "waarborg", "borg"),
        ("fr", "résilier", "annulation"),
        ("es", "ascensor", "elevador"),
        ("it", "disdire", "annullare"),
    ],
)
def test_either_word_may_be_said_for_the_other(language, asked, said):
    asked, said = term(asked, language), term(said, language)

    assert said in find_synonyms(asked, language)
    assert asked in find_synonyms(said, language)
    assert stand_for(asked, [said], {said}) == 0.9


def test_a_wider_word_may_be_said_for_a_narrower_one_and_not_the_other_way_round():
    assert is_meant("dog", "pet")
    assert not is_meant("pet", "dog")
    assert not is_meant("dog", "cat")


@pytest.mark.parametrize(
    ("language", "asked", "said"),
    [
        ("en", "diesel", "petrol"),
        ("en", "ebike", "bike"),
        ("en", "vegan", "vegetarian"),
        ("en", "towel", "linen"),
        ("en", "bus", "train"),
        ("en", "dishwasher", "fridge"),
        ("en", "refuse", "garbage"),
        ("en", "television", "electricity"),
        ("de", "Fahrkarte", "Eintritt"),
        ("de", "Ostern", "Weihnachten"),
        ("de", "Silvester", "Neujahr"),
        ("de", "frei", "kostenlos"),
        ("de", "Stunde", "Ratenzahlung"),
        ("de", "Studenten", "Schüler"),
        ("de", "Wohnwagen", "Wohnmobil"),
        ("fr", "bus", "train"),
        ("nl", "paspoort", "identiteitskaart"),
        ("es", "vegano", "vegetariano"),
        ("it", "treno", "autobus"),
        ("de", "Aufzug", "Stufen"),
        ("de", "vergessen", "Fundbüro"),
        ("de", "räumen", "Schnee"),
        ("de", "Auszug", "Einzug"),
        ("en", "LED", "lead"),
        ("en", "flat", "puncture"),
        ("es", "perro", "gato"),
        ("es", "ascensor", "rampa"),
        ("fr", "pousser", "tirer"),
        ("fr", "bière", "vin"),
        ("fr", "hiver", "été"),
        ("fr", "anglais", "espagnol"),
        ("it", "cane", "gatto"),
        ("nl", "slot", "sleutel"),
        ("nl", "kleuter", "peuter"),
        ("sv", "hund", "katt"),
        ("pl", "winda", "podjazd"),
    ],
)
def test_no_word_is_said_for_another_thing_that_may_have_another_price_or_time(
    language, asked, said
):
    assert term(said, language) not in find_synonyms(term(asked, language), language)


@pytest.mark.parametrize(
    ("language", "asked", "said"),
    [
        ("en", "responsible", "reply"),
        ("en", "instalments", "installation"),
        ("en", "doctor", "medication"),
        ("de", "Montag", "Aufbau"),
        ("de", "zahlen", "Zählerstand"),
        ("de", "heiraten", "Trauer"),
        ("de", "offen", "Karriere"),
        ("es", "talla", "curso"),
    ],
)
def test_no_word_has_the_meaning_of_another_with_the_same_stem(language, asked, said):
    assert term(said, language) not in find_synonyms(term(asked, language), language)


@pytest.mark.parametrize("language", list_languages())
def test_no_month_or_day_is_said_for_another(language):
    with translation.override(language):
        kinds = [
            {term(str(name), language) for name in names.values()}
            for names in (dates.MONTHS, dates.WEEKDAYS)
        ]
    for kind in kinds:
        for name in kind:
            assert kind.isdisjoint({*find_synonyms(name, language)} - {name}), name


def test_words_of_a_language_that_nobody_has_listed_have_none():
    assert find_synonyms("pes", "cs") == ()


def test_each_word_of_the_lists_is_one_term_and_stands_beside_others():
    folder = Path(synonyms.__file__).with_name("meanings")
    for language in list_languages():
        for line in (folder / f"{language}.txt").read_text().splitlines():
            words = [word for part in line.split(">") for word in part.split(",")]
            wrong = [word for word in words if len(analyse(word, language)) != 1]
            assert not wrong, f"{language}: {line}"
            assert len(words) > 1, f"{language}: {line}"
