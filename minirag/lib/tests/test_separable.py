"""Verbs in two parts are put as one word."""

from __future__ import annotations

import pytest

from minirag.lib.asking.separable import LONGEST, join_verbs


@pytest.mark.parametrize(
    ("question", "written"),
    [
        ("whats the price, and dont you deliver?", "what's the price, and don't you deliver?"),
        ("im 15 and ive no card", "I'm 15 and i've no card"),
        (
            "Its colour, lets say, was ill and is shiny",
            "Its colour, lets say, was ill and is shiny",
        ),
    ],
)
def test_apostrophes_that_people_leave_out_are_written(question, written):
    assert join_verbs(question, "en") == written


@pytest.mark.parametrize(
    ("language", "question", "joined"),
    [
        ("de", "Wie werde ich ein altes Sofa los?", "Wie werde ich ein altes Sofa entsorgen?"),
        ("de", "Wann holt ihr den Karton ab?", "Wann holt ihr den Karton abholen?"),
        ("de", "Nehmt ihr alte Akkus an?", "Nehmt ihr alte Akkus annehmen?"),
        ("de", "Ich gebe es morgen zurück, geht das?", "Ich gebe es morgen zurückgeben, geht das?"),
        ("de", "Wo stelle ich mein Wohnmobil hin?", "Wo parke ich mein Wohnmobil hin?"),
        ("de", "Wie komme ich aus dem Abo raus?", "Wie kündige ich dem Abo raus?"),
        ("de", "Meine Tochter isst kein Fleisch", "Meine Tochter vegetarisch"),
        ("de", "Was ist, wenn ich zu viel gezahlt habe?", "Was ist, wenn ich Guthaben habe?"),
        ("de", "Wann geht der Beitrag von unserem Konto weg?", "Wann geht der Beitrag abbuchen?"),
        ("nl", "Hoe zeg ik mijn abonnement op?", "Hoe zeg ik mijn abonnement opzeggen?"),
        ("en", "Do my points ever run out?", "Do my points ever expire?"),
        ("en", "How do I get my money back?", "How do I get a refund?"),
        ("en", "who pays for the way back?", "who pays for the return?"),
        ("en", "what happens if I pay late?", "what happens if I be late with payment?"),
        ("en", "Can we call off the tour?", "Can we cancel the tour?"),
        ("en", "Where can we leave our caravan?", "Where can we park our caravan?"),
        ("en", "What if I can't make it?", "What if I have to cancel?"),
        ("en", "my son doesn't eat meat", "my son vegetarian"),
        ("en", "Is it dog-friendly?", "Is it dog friendly?"),
        ("en", "Is it for wheelchair users?", "Is it for wheelchairs?"),
        ("en", "How do I get out of my contract?", "How do I terminate my contract?"),
    ],
)
def test_a_verb_in_two_parts_becomes_one_word(language, question, joined):
    assert join_verbs(question, language) == joined


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("de", "Wer ist an der Reihe?"),
        ("de", "Wie komme ich aus dem Parkhaus raus?"),
        ("de", "Lasse ich mein Gepäck im Bus?"),
        ("de", "Was kostet es, wenn ich umziehe?"),
        ("de", "Von wo fahrt ihr ab der Brücke weiter?"),
        ("nl", "Wat kost een fiets op zondag?"),
        ("en", "Did you run out of milk?"),
        ("en", "Where can I pick up my order?"),
        ("en", "How do we get out of the building?"),
        ("en", "Can I pay late fees by card?"),
        ("en", "Can I leave the carpet with you?"),
        ("en", "Why can't it come by post?"),
        ("en", "Is there a bus on the way back from the lake?"),
        ("en", "Do you call off-season guests?"),
        ("fr", "Où dois-je rendre le livre ?"),
        ("de", "holt " + "sehr " * LONGEST + "ab?"),
    ],
)
def test_every_other_question_stays_as_it_is(language, question):
    assert join_verbs(question, language) == question
