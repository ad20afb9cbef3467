"""What a question asks for, and what holds such a thing."""

import pytest

from minirag.lib.asking.answer_types import AnswerType, holds_answer, lacks_answer, read_question
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
        ("fi", "Paljonko se maksaa?", AnswerType.PRICE),
        ("is", "Hvað kostar miðinn?", None),
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
        (AnswerType.PRICE, "en", "Article: Filter F7, Price: 24.5, Stock: 49", True),
        (AnswerType.PRICE, "de", "Artikel: Filter F7, Preis netto: 24, Bestand: 49", True),
        (AnswerType.PRICE, "en", "Article: Filter F7, Price: on request, Stock: 49", False),
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


@pytest.mark.parametrize(
    ("language", "question", "text", "lacks"),
    [
        ("en", "How much does it cost?", "It is blue.", True),
        ("en", "How much does it cost?", "It is free of charge.", False),
        ("en", "What does the course cost?", "Price: 95 €", False),
        ("en", "What do the costs depend on?", "They depend on the weight.", False),
        ("en", "When is it open?", "It has three doors and a bell.", True),
        ("en", "When is it open?", "On Mondays only.", False),
        ("en", "Who runs the shop?", "it is near the harbour.", True),
        ("en", "Who runs the shop?", "The manager is Ottilie Brandt.", False),
        ("en", "Who can apply?", "Residents of the valley.", False),
        ("en", "How many seats are there?", "There are seats.", True),
        ("en", "How many seats are there?", "There are twelve.", False),
        ("en", "How long does it take?", "It takes patience.", True),
        ("en", "Where is the office?", "The office has big windows.", True),
        ("en", "Where is the office?", "The office is behind the station.", False),
        ("en", "Who runs the office?", "The office is open from Monday to Friday in June.", True),
        ("en", "Who runs the office?", "The office is run by April Jones.", False),
        ("en", "Is it open when it rains?", "Yes.", False),
        ("de", "Was kostet der Eintritt?", "Geöffnet ist täglich.", True),
        ("de", "Was kostet der Eintritt?", "Der Eintritt ist kostenlos.", False),
        ("de", "Wann ist Markt?", "Er ist sehr beliebt.", True),
        ("de", "Wann ist Markt?", "Jeden Samstag.", False),
        ("de", "Wer leitet das Amt?", "Leiterin ist Frau Osthoff.", False),
        ("de", "Wie viele Plätze gibt es?", "Es sind 25.", False),
        ("de", "Wie lange dauert es?", "Vier Werktage, also eine Woche.", False),
        ("de", "Wo ist die Bücherei?", "Die Bücherei ist schön.", True),
        ("de", "Wo ist die Bücherei?", "Die Bücherei steht am Markt.", False),
        ("fr", "Combien coûte l'entrée ?", "L'entrée est large.", True),
        ("fr", "Quand ouvre le musée ?", "Il ouvre le mardi.", False),
        ("es", "¿Cuánto cuesta?", "Es azul.", True),
        ("pt", "Quanto custa a entrada?", "A entrada é bonita.", True),
        ("pt", "Quanto custa a entrada?", "A entrada é gratuita.", False),
        ("pl", "Ile kosztuje bilet?", "Bilet jest niebieski.", True),
        ("pl", "Kiedy jest targ?", "W każdą środę.", False),
        ("pl", "Kiedy jest targ?", "Targ jest ładny.", True),
        ("cs", "Kolik stojí lístek?", "Lístek stojí 90 korun.", False),
        ("cs", "Kdy je trh?", "Trh je hezký.", True),
        ("sv", "Vad kostar biljetten?", "Biljetten är blå.", True),
        ("sv", "När öppnar museet?", "Museet öppnar på lördagar.", False),
        ("da", "Hvornår åbner museet?", "Museet er smukt.", True),
        ("fi", "Milloin museo aukeaa?", "Museo on kaunis.", True),
        ("hu", "Mennyibe kerül a jegy?", "A jegy kék.", True),
        ("ro", "Cât costă biletul?", "Biletul costă 20 lei.", False),
        ("tr", "Bilet kaç para?", "Bilet mavi.", True),
        ("hr", "Kada je sajam?", "Sajam je lijep.", True),
        ("sl", "Koliko stane vstopnica?", "Vstopnica je modra.", True),
        ("et", "Millal on laat?", "Laat on ilus.", True),
        ("lt", "Kada vyksta mugė?", "Mugė graži.", True),
        ("lv", "Cik maksā biļete?", "Biļete maksā 5 €.", False),
        ("sk", "Kde je múzeum?", "Múzeum je krásne.", True),
        ("is", "Hvað kostar miðinn?", "Miðinn er blár.", False),
    ],
)  # fmt: skip
def test_what_is_surely_asked_for_may_surely_be_missing(language, question, text, lacks):
    assert lacks_answer(read_question(question, language), text, language) is lacks
