"""What is asked for exactly has to be said, however alike the words are."""

from __future__ import annotations

import pytest

from minirag.ai.builtin.lacking.finding import find_lacking
from minirag.ai.builtin.sentences.question_words import weigh_words
from minirag.lib.asking.answer_types import read_question


def lacks(
    question: str, *quoted: str, language: str = "en", missing: str = "", above: str = ""
) -> str:
    words = weigh_words(question, language, {})
    return find_lacking(
        question, words, [each for each in words if each.text in missing.split()],
        [(text, above) for text in quoted], read_question(question, language), language, {},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who cleans the bikes?", "Every bike is checked and cleaned after each hire."),
        ("Who pays for the return?", "Within 5 working days, by the way in which you paid."),
        ("Who pays if I crash into a car?", "You pay when you collect the bike."),
        (
            "Who repairs the display?",
            "The check costs 25 euros, which we credit against the repair.",
        ),
        ("Who is the head of support?", "Questions that reach the Breva service desk most often."),
    ],
)
def test_who_does_it_is_not_said(question, text):
    assert lacks(question, text) == "person"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who cleans the bikes?", "Our mechanics clean every bike after each hire."),
        ("Who pays for the return?", "We pay for the return if the parcel was damaged."),
        ("Who pays the card fee?", "The card fee is paid by you, not by your client."),
        ("Who runs the workshop?", "Our workshop is led by Gareth Lunn."),
        ("Who may change the billing?", "Role: Owner, Write invoices: yes, Change billing: yes"),
        ("Who is the head of support?", "Mira Stone is the head of support."),
        ("Who do I write to?", "Write to help@example.com."),
    ],
)
def test_who_does_it_is_said(question, text):
    assert lacks(question, text) == ""


def test_in_german_what_is_done_has_to_be_said_and_names_are_no_nouns():
    missed = "Auf unsere Kronen geben wir vier Jahre Garantie."
    assert lacks("Wer bezahlt die Krone?", missed, language="de") == "person"
    assert lacks("Wer bezahlt die Krone?", "Die Krone zahlt die Kasse.", language="de") == ""
    clinic = "Dafür überweisen wir in die Klinik Elbaue."
    assert lacks("Wer ist die Leiterin der Klinik Elbaue?", clinic, language="de") == "person"
    led = "Leiterin der Klinik Elbaue ist Nele Brandt."
    assert lacks("Wer ist die Leiterin der Klinik Elbaue?", led, language="de") == ""


def test_an_amount_stands_beside_a_word_of_the_question():
    cleaning = "Eine Zahnreinigung dauert etwa 60 Minuten."
    question = "Wie lange dauert ein Bleaching?"
    assert (
        lacks(question, cleaning, "Bleaching macht die Zähne heller.", language="de") == "duration"
    )
    assert lacks(question, cleaning, language="de", above="Bleaching") == ""
    assert lacks(question, "Ein Bleaching dauert 90 Minuten.", language="de") == ""


def test_what_is_offered_has_all_of_its_words():
    bikes = "Every bike is checked and cleaned after each hire."
    assert lacks("Do you hire out cargo bikes?", bikes, missing="cargo") == "thing"
    assert lacks("Do you hire out bikes that I can fold?", bikes, missing="fold") == ""
    assert lacks("Is there somewhere to leave a bike?", bikes, missing="somewhere") == ""
    assert lacks("Do I lose my money?", bikes, missing="money") == ""
    assert lacks("Verkauft ihr auch Helme?", bikes, language="de", missing="Helme") == "thing"


def test_a_way_to_pay_is_answered_by_ways_to_pay():
    assert lacks("Can I pay in instalments?", "Businesses pay a fee of 10 %.") == "means"
    assert lacks("Can I pay in cash?", "Pay by debit or credit card.") == ""
    assert lacks("Kann ich bar zahlen?", "Der Preis ist zu zahlen.", language="de") == "means"
    assert lacks("Kann ich bar zahlen?", "Sie zahlen mit Karte.", language="de") == ""


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("How fast does the Volta go?", "Volta, Weight: 23 kg, Range: 90 km", "en"),
        ("How old is the bridge?", "The bridge is at the mill.", "en"),
        ("Wie alt ist Dr. Kühn?", "Dr. Kühn ist an der Haltestelle.", "de"),
    ],
)
def test_speed_and_age_are_measures_of_their_own(question, text, language):
    assert lacks(question, text, language=language) == "measure"


def test_a_telephone_number_counts_nobody():
    phone = "Phone support is for Firm customers: +353 1 555 0190."
    assert lacks("How many customers do you have?", phone) == "number"
    assert lacks("How many customers do you have?", "We have 900 customers.") == ""
