"""What a question asks for more exactly than a number or a time, and texts that say nothing of that kind."""

import pytest

from minirag.lib.asking.exact_asks import (
    asks_for_name,
    find_counted,
    find_measure,
    lacks_past,
)


@pytest.mark.parametrize(
    ("question", "text", "language", "lacks"),
    [
        ("how deep is the pool", "The pool is 25 metres long and has four lanes.", "en", True),
        ("how deep is the pool", "Depth: 1.80 m", "en", False),
        ("How heavy is it?", "It weighs next to nothing.", "en", False),
        ("How warm is the water?", "The water is kept at 28 °C.", "en", False),
        ("How warm is the water?", "The water comes from four wells.", "en", True),
        ("how far is the station", "Ten minutes on foot.", "en", False),
        ("Wie tief ist das Becken?", "Das Becken ist 25 m lang.", "de", True),
        ("Wie weit ist es zum Bahnhof?", "Zehn Minuten zu Fuß.", "de", False),
        ("How far in advance do I have to book?", "Two weeks ahead.", "en", False),
        ("How high is the deposit?", "The deposit is 50 euros.", "en", False),
        ("How high is the climbing wall?", "Entry is 8 euros.", "en", True),
        ("How wide is the gate?", "The gate measures 90 cm.", "en", False),
        ("Wie weit im Voraus muss ich buchen?", "Vier Wochen vorher.", "de", False),
        ("Wie breit ist das Tor?", "Das Tor misst 90 cm.", "de", False),
        ("How long is the pool?", "It is open all year.", "en", False),
        ("Hoe diep is het bad?", "Het bad is open.", "nl", False),
    ],
)
def test_a_measure_is_answered_by_its_unit_or_its_word(question, text, language, lacks):
    measure = find_measure(question, language)
    assert (measure is not None and not measure.answers.search(text)) is lacks


@pytest.mark.parametrize(
    ("question", "text", "language", "lacks"),
    [
        ("When was the gym founded?", "Open from 6 am to 10 pm, on Sundays from 8.", "en", True),
        ("When was the gym founded?", "Our first members came in the 1990s.", "en", False),
        ("when did you open?", "We have been here since the market was built.", "en", False),
        ("When are you open?", "From 6 am to 10 pm.", "en", False),
        ("Wann wurde das Bad gebaut?", "Montags ab 10 Uhr.", "de", True),
        ("Wann wurde das Bad gebaut?", "Es steht seit 1961.", "de", False),
        ("Wann wurde das Bad gebaut?", "Um 80 n. Chr. von den Römern.", "de", False),
        ("Quand a lieu le marché ?", "Chaque samedi de 8 h à 13 h.", "fr", False),
        ("Quand a-t-on droit à un remboursement ?", "Sous 14 jours.", "fr", False),
        ("Quand a été construit le musée ?", "De 10 h à 17 h.", "fr", True),
        ("Quand le musée a-t-il été construit ?", "De 10 h à 17 h.", "fr", True),
        ("Quand est-ce que le musée a été construit ?", "De 10 h à 17 h.", "fr", True),
        ("Quand a été construit le musée ?", "Achevé en mai 1931.", "fr", False),
    ],
)
def test_hours_do_not_say_when_something_was(question, text, language, lacks):
    assert lacks_past(question, text, language) is lacks


@pytest.mark.parametrize(
    ("question", "language", "counted"),
    [
        ("how many pitches do you have", "en", "pitches"),
        ("How many disabled parking bays are there?", "en", "bays"),
        ("Wie viele Kurse gibt es?", "de", "Kurse"),
        ("How much is it?", "en", ""),
        ("Combien de places y a-t-il ?", "fr", ""),
    ],
)
def test_what_is_counted_is_the_word_before_the_verb(question, language, counted):
    assert find_counted(question, language) == counted


def test_who_holds_an_office_is_asked_for_a_name():
    assert asks_for_name("Who is the director of the museum?", "en")
    assert asks_for_name("Wer ist euer Bürgermeister?", "de")
    assert not asks_for_name("Who may come?", "en")
    assert not asks_for_name("Who is the course for?", "en")
    assert not asks_for_name("Who is the director?", "fi")
