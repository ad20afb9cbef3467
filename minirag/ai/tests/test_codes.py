"""A code that is asked for has to stand beside what it is for."""

from __future__ import annotations

import pytest

from minirag.ai.builtin.lacking.codes import lacks_code
from minirag.ai.builtin.lacking.said import read_said
from minirag.ai.builtin.sentences.question_words import weigh_words

ROW = "Code: E61, Meaning: Worn out, What to do: Send it in; the readings of the last 45 days are safe in the cloud."


def lacks(question, text, headings="", language="en"):
    words = weigh_words(question, language, {})
    return lacks_code(
        question, words, read_said(words, [(text, headings)], language, {}), language, {}
    )


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("What is the safe code?", ROW, "en"),
        (
            "What is the Wi-Fi password?",
            "The password of your account has eight letters or more.",
            "en",
        ),
        ("What is the barrier code?", "We leave the barrier code and a map in the box.", "en"),
        ("What is the gate code?", "The gate code is only for guests.", "en"),
        ("Wie lautet der Code für den Safe?", "Der Code steht auf der Karte.", "de"),
        ("Wat is de code van de kluis?", "Bewaar de kaart in de kluis.", "nl"),
    ],
)
def test_the_words_alone_are_no_answer(question, text, language):
    assert lacks(question, text, language=language)


@pytest.mark.parametrize(
    ("question", "text", "headings", "language"),
    [
        ("What is the safe code?", "The safe opens with 4711.", "", "en"),
        ("What is the safe code?", "The code is 4711.", "Rooms > The safe", "en"),
        ("What is the Wi-Fi password?", "The Wi-Fi password stands on your receipt.", "", "en"),
        ("What is the Wi-Fi password?", "Wi-Fi: guests, password: welcome.", "", "en"),
        ("What does the code E61 mean?", ROW, "", "en"),
        ("What is the code E61?", ROW, "", "en"),
        ("What is the dress code?", "Guests wear what they like.", "", "en"),
        ("Wie ist das WLAN-Passwort?", "Das Passwort fürs WLAN lautet Bohne2024.", "", "de"),
        ("What is safe?", ROW, "", "en"),
    ],
)
def test_what_says_it_beside_its_words_is_one_and_other_questions_are_let_be(
    question, text, headings, language
):
    assert not lacks(question, text, headings, language)
