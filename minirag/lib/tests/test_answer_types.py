"""What a question asks for, and what holds such a thing."""

import pytest

from minirag.lib.text.answer_types import AnswerType, holds_answer, read_question
from minirag.lib.text.weekdays import days_in


@pytest.mark.parametrize(
    ("language", "question", "kind"),
    [
        ("en", "How much is postage to Ireland?", AnswerType.PRICE),
        ("en", "what does the course cost", AnswerType.PRICE),
        ("en", "How long does the warranty last?", AnswerType.DURATION),
        ("en", "When was it built?", AnswerType.TIME),
        ("en", "When are you open?", AnswerType.TIME),
        ("en", "In what year was it built?", AnswerType.TIME),
        ("en", "How many pumps are there?", AnswerType.NUMBER),
        ("en", "Who runs the shop?", AnswerType.PERSON),
        ("en", "Which phone number do I call?", AnswerType.CONTACT),
        ("en", "Why is it red?", None),
        ("en", "What does it mean when there is smoke?", None),
        ("de", "Wie teuer ist ein Reisepass?", AnswerType.PRICE),
        ("de", "Was kostet die Meldebescheinigung?", AnswerType.PRICE),
        ("de", "Wie lange dauert die Eingewöhnung?", AnswerType.DURATION),
        ("de", "Bis wann muss ich mein Kind anmelden?", AnswerType.TIME),
        ("de", "Öffnungszeiten Hallenbad", AnswerType.TIME),
        ("de", "Wer leitet das Standesamt?", AnswerType.PERSON),
        ("fr", "Combien coûte l'entrée ?", AnswerType.PRICE),
        ("es", "¿Cuándo abre la biblioteca?", AnswerType.TIME),
        ("it", "Chi è il direttore?", AnswerType.PERSON),
        ("nl", "Hoe lang is de garantie?", AnswerType.DURATION),
        ("fi", "Paljonko se maksaa?", None),
    ],
)
def test_a_question_says_what_kind_of_answer_it_wants(language, question, kind):
    assert read_question(question, language).kind == kind


@pytest.mark.parametrize(
    ("kind", "language", "text", "holds"),
    [
        (AnswerType.PRICE, "en", "It costs £25.", True),
        (AnswerType.PRICE, "en", "Collecting is free of charge.", True),
        (AnswerType.PRICE, "en", "The price is on the list.", False),
        (AnswerType.PRICE, "de", "Die Gebühr beträgt 37,00 €.", True),
        (AnswerType.PRICE, "de", "Das ist kostenlos.", True),
        (AnswerType.PRICE, "fi", "Hinta on 12 €.", True),
        (AnswerType.TIME, "en", "It was built in 1887.", True),
        (AnswerType.TIME, "en", "It was built by hand.", False),
        (AnswerType.TIME, "de", "Mittwoch und Samstag ist Markt.", True),
        (AnswerType.DURATION, "de", "Rechnen Sie mit vier Wochen.", True),
        (AnswerType.DURATION, "en", "Within 30 days of buying it.", True),
        (AnswerType.DURATION, "en", "It takes its time.", False),
        (AnswerType.NUMBER, "en", "There are twelve pumps.", True),
        (AnswerType.NUMBER, "en", "There are pumps.", False),
        (AnswerType.CONTACT, "de", "Rufen Sie 116 116 an.", True),
        (AnswerType.PERSON, "en", "The team is led by Anna.", True),
        (AnswerType.PERSON, "en", "The team is led well.", False),
        (AnswerType.PERSON, "de", "Die Leitung hat Malte Brodersen.", True),
        (AnswerType.PERSON, "de", "Das Haus steht am Fluss.", False),
    ],
)
def test_a_text_holds_such_a_thing_or_does_not(kind, language, text, holds):
    assert holds_answer(kind, text, language) is holds


def test_a_person_whom_the_question_names_is_no_answer():
    assert not holds_answer(AnswerType.PERSON, "We asked Anna.", "en", "Who is Anna?")


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "What documents do I need?"),
        ("en", "Which colours are there?"),
        ("de", "Welche Unterlagen brauche ich?"),
        ("de", "Was muss ich mitbringen?"),
    ],
)
def test_a_question_may_ask_for_several_things(language, question):
    assert read_question(question, language).wants_several


@pytest.mark.parametrize(
    ("language", "text", "days"),
    [
        ("en", "Tuesday to Thursday: 9 am", ("tuesday", "wednesday", "thursday")),
        ("en", "Saturdays, and Sunday", ("saturday", "sunday")),
        ("de", "Fr–So geschlossen", ("freitag", "samstag", "sonntag")),
        ("de", "samstags, so wie immer", ("samstag",)),
        ("de", "Samstag bis Montag", ("montag", "samstag", "sonntag")),
        ("fr", "du lundi au mercredi", ("lundi", "mardi", "mercredi")),
        ("en", "We wed on the sun deck", ()),
        ("fi", "maanantaista perjantaihin", ()),
    ],
)
def test_a_span_of_days_names_the_days_within(language, text, days):
    assert days_in(text, language) == days
