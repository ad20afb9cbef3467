"""Whole words and their forms, phrases, several languages: what a topic is found by, and what it is not."""

from __future__ import annotations

import pytest

from bots.scopes.topics import FIRST_PART_SHARE, is_same_word, measure_topic, read_terms, read_topic
from minirag.lib.text.languages import detect_language


def measure(topic: str, text: str, language: str = "", **options) -> float:
    return measure_topic(topic, [read_terms(text, language or detect_language(text))], **options)


@pytest.mark.parametrize(("topic", "text"), [
    ("war", "Who won the war?"), ("war", "Were there many wars?"), ("refunds", "When is it refunded?"),
    ("cancellation", "Can I cancel my order?"), ("politics", "Talk about political parties"),
    ("E-Mail", "Which email address?"), ("email", "Which e-mail address?"), ("t-shirts", "Do you sell T-shirts?"),
    ("return policy", "What is your policy on returns?"), ("AX-200", "Is the AX-200 loud?"),
    ("Bestellungen", "Wo ist meine Bestellung geblieben?"), ("Rückgabe", "Wie lange ist die Rückgabe möglich?"),
    ("Krieg", "Wann war der Zweite Weltkrieg?"), ("devoluciones", "¿Cómo hago una devolución?"),
    ("livraison", "Quand arrive la livraison ?"), ("возврат", "Как оформить возвраты?"), ("退款", "我怎么申请退款？"),
    ("配送", "配送にはどのくらいかかりますか"),
])  # fmt: skip
def test_a_topic_is_found_in_the_forms_of_its_words(topic, text):
    assert measure(topic, text) == 1


@pytest.mark.parametrize(("topic", "text"), [
    ("war", "How do I update the software?"), ("war", "Where is your warehouse?"), ("war", "Is there an award?"),
    ("customs", "How do I reach customer service?"), ("politics", "Can you write a polite reply?"),
    ("organs", "Which organisation are you?"), ("universe", "Which university is it?"),
    ("imports", "What is important to know?"), ("hospital", "What about hospitality?"), ("maths", "What is 5-3?"),
    ("arithmetic", "Is the check-in at 10-12?"),
    ("art", "Wie starte ich das Gerät?"),
])  # fmt: skip
def test_a_topic_is_not_found_inside_of_other_words(topic, text):
    assert measure(topic, text) < 1


def test_alternatives_are_joined_by_words_commas_and_strokes():
    for joint in (" and ", ", ", "/", " & ", " or ", " und "):
        topic = f"returns{joint}refunds"
        assert measure(topic, "How do refunds work?") == measure(topic, "How do returns work?") == 1
        assert len(read_topic(topic, "en")) == 2


def test_a_quoted_topic_is_one_phrase_in_this_order():
    assert measure('"terms and conditions"', "Show me the terms and conditions") == 1
    assert measure('"terms and conditions"', "What are the conditions?") == 0
    assert measure('"world cup"', "Is there a cup of the world?") == 0
    assert measure('"world cup"', "Who won the World Cup 2014?") == 1


def test_words_of_a_topic_count_together_only_when_they_stand_together():
    assert measure("medical advice", "Is this good medical advice?") == 1
    assert (
        measure(
            "medical advice", "Have you advice on which of these many red shoes suit medical staff?"
        )
        == 0.5
    )
    assert measure("product warranty", "How long is the warranty?") == 0.5


def test_a_compound_counts_by_its_head_and_where_asked_for_by_its_first_part():
    assert measure("Versand", "Was betragen die Versandkosten?", "de") == 0
    assert (
        measure("Versand", "Was betragen die Versandkosten?", "de", by_first_part=True)
        == FIRST_PART_SHARE
    )
    assert measure("Politik", "Was haltet ihr von der Wirtschaftspolitik?", "de") == 1
    assert measure("Reis", "Wie sind eure Preise?", "de", by_first_part=True) == 0


def test_a_word_without_meaning_in_the_language_of_the_question_is_no_topic_in_another():
    question = "Wie war das Wetter gestern?"
    assert measure_topic("war", [read_terms(question, "en")]) == 1
    assert measure_topic("war", [read_terms(question, "en", asked_in="de")]) == 0


@pytest.mark.parametrize("topic", ["", " ", "?!", "the and of", "…", "what is it"])
def test_a_topic_without_meaning_has_no_alternatives(topic):
    assert read_topic(topic, "en") == ()
    assert measure(topic, "What is it about the rest of it?") == 0


def test_only_endings_that_leave_the_meaning_alone_make_one_word():
    assert is_same_word("return", "returning") and is_same_word("ship", "shipping")
    assert is_same_word("delivery", "deliveries") and is_same_word("politics", "political")
    assert not is_same_word("custom", "customer") and not is_same_word("polite", "politics")


def test_a_page_of_text_is_bounded():
    assert len(read_terms("word " * 20_000, "en")) == 6000
