"""The language of a few words: their own where they say it, otherwise what was to be expected."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirag.lib.text.language_table import LANGUAGES
from minirag.lib.text.phrases import SPOKEN
from minirag.lib.text.short_texts import decide_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I want my money back", "en"), ("hi", "en"), ("shipping costs", "en"), ("war crimes", "en"),
        ("Öffnungszeiten", "de"), ("und in Graz?", "de"), ("ich will mein Geld zurück", "de"), ("Rückgabe", "de"),
        ("combien ça coûte", "fr"), ("cuánto cuesta", "es"), ("quanto costa", "it"), ("hoeveel kost dat", "nl"),
        ("quanto custa isso", "pt"), ("колко струва", "bg"), ("koliko to košta", "hr"), ("kolik to stojí", "cs"),
        ("hvor meget koster det", "da"), ("πόσο κοστίζει", "el"), ("kui palju see maksab", "et"),
        ("paljonko se maksaa", "fi"), ("cé mhéad atá air", "ga"), ("mennyibe kerül", "hu"), ("kiek tai kainuoja", "lt"),
        ("cik tas maksā", "lv"), ("kemm tiswa din", "mt"), ("ile to kosztuje", "pl"), ("cât costă", "ro"),
        ("koľko to stojí", "sk"), ("kako lahko plačam", "sl"), ("vad kostar det", "sv"), ("bu ne kadar", "tr"),
        ("كم السعر", "ar"), ("скільки це коштує", "uk"), ("сколько это стоит", "ru"), ("多少钱", "zh"),
        ("いくらですか", "ja"), ("얼마예요", "ko"), ("कितने का है", "hi"),
    ],
)  # fmt: skip
def test_a_text_that_says_its_language_needs_no_hint_and_heeds_no_wrong_one(text, language):
    for hints in ((), ("en",), (language,), ("en", language)):
        assert decide_language(text, hints) == language, hints


@pytest.mark.parametrize(
    "text", ["AX-200", "iPhone 12", "E-310", "Wardenclyffe", "OK", "PDF", "", "?", "🙂", "12 345"]
)
@pytest.mark.parametrize("hint", ["de", "fr", "sv", "sl"])
def test_a_text_that_says_nothing_is_in_the_language_that_was_to_be_expected(text, hint):
    assert decide_language(text, (hint, "en")) == hint
    assert decide_language(text) == "en"


@pytest.mark.parametrize(
    ("hints", "language"),
    [
        (("de-AT",), "de"), (("pt_BR", "en"), "pt"), ((" DE ",), "de"), (("xx", "", "tlh", "hu"), "hu"), ((), "en"),
        (("*",), "en"), (("ru", "zh", "sk"), "sk"),
    ],
)  # fmt: skip
def test_hints_may_be_tags_unknown_or_of_another_script(hints, language):
    assert decide_language("AX-200 XR", hints) == language


def test_japanese_in_han_alone_and_persian_words_are_told_by_their_hints():
    assert decide_language("営業時間") == "zh"
    assert decide_language("営業時間", ("ja",)) == "ja"
    assert decide_language("مدت گارانتی", ("fa",)) == "fa"


def test_a_language_that_we_do_not_speak_is_told_where_it_is_expected_or_plain():
    assert decide_language("frakt", ("no", "en")) == "no"
    assert decide_language("hva koster frakten", ("no",)) == "no"
    assert decide_language("Bảo hành bao lâu?") == "vi"
    assert decide_language("Com puc cancel·lar la meva comanda amb aquest número") == "ca"


@pytest.mark.parametrize(
    ("text", "hint", "language"),
    [
        ("Was kostet die Zollabfertigung?", "en", "de"), ("Was kostet die Lieferung?", "en", "de"),
        ("price of the Breva Duct", "en", "en"), ("open on Easter Monday", "en", "en"),
        ("die another day in Graz", "en", "en"),
        ("garantie du Breva Gateway", "fr", "fr"), ("garanzia della Breva Gateway", "it", "it"),
    ],
)  # fmt: skip
def test_a_noun_that_is_written_large_speaks_for_german_and_a_name_against_nothing(
    text, hint, language
):
    assert decide_language(text, (hint,)) == language


def test_a_long_question_overrules_every_hint():
    text = (
        "Wie lange dauert es, bis mein Paket nach einer Bestellung am Wochenende in Wien ankommt?"
    )
    for hint in SPOKEN:
        assert decide_language(text, (hint,)) == "de"


@given(st.text(max_size=200), st.lists(st.sampled_from([*LANGUAGES, "xx"]), max_size=4))
@settings(deadline=None)
def test_any_text_has_a_language(text, hints):
    assert decide_language(text, hints) in LANGUAGES


def test_a_long_text_costs_no_more_than_a_short_one():
    decide_language("warm")
    started = time.process_time()
    for text in ("wort " * 6000, "x" * 32000, "?" * 32000, "ü" * 32000):
        decide_language(text, ("de", "en"))
    assert time.process_time() - started < 20
