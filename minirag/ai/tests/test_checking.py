"""Whether what would be quoted answers the question: its words are found again, and the kind of answer is there."""

from __future__ import annotations

import numpy as np
import pytest

from minirag.ai.builtin.checking import Quoted, Signs, check_quotes
from minirag.ai.builtin.sentences.meaning import Meaning
from minirag.lib.asking.answer_types import read_question
from minirag.lib.text.analysis import analyse

SHIPPING = "Standard delivery to Austria costs £9.50 and takes 5 days."
PASSES = "Der Bewohnerparkausweis kostet 120 € im Jahr."


# What search and scoring say of a middling find.
SIGNS = Signs(score=0.6, margin=0.1, lead=0.35)


def check(question, text, *, language="en", heading="", known=(), signs=SIGNS, **options):
    """Words of `known` are common in the tenant's documents, all others rare."""
    weights = dict.fromkeys(analyse(question, language), 5.0)
    weights |= {term: 1.0 for word in known for term in analyse(word, language)}
    quoted = [Quoted(text, heading)]
    return check_quotes(question, quoted, signs, language=language, term_weights=weights, **options)


@pytest.mark.parametrize(
    ("question", "text", "language", "missing"),
    [
        ("How much is delivery to Austria?", SHIPPING, "en", ()),
        ("How much is delivery to Australia?", SHIPPING, "en", ("Australia",)),
        ("What does the XR-4420 cost?", "The XR-4420 costs £20.", "en", ()),
        ("What does the XR-4430 cost?", "The XR-4420 costs £20.", "en", ("XR-4430",)),
        ("What is error E9?", "Error E1: the tank is empty.", "en", ("E9",)),
        ("Was kostet ein Bewohnerparkausweis?", PASSES, "de", ()),
        ("Was kostet ein Parkausweis?", PASSES, "de", ()),
        ("Was kostet eine Grabstelle?", PASSES, "de", ("Grabstelle",)),
        ("was kostet eine grabstelle", PASSES, "de", ("grabstelle",)),
        ("Was kostet ein Bewohnerparkauswies?", PASSES, "de", ()),
        ("Combien coûte la livraison ?", "La livraison coûte 5 €.", "fr", ()),
        ("Combien coûte le mariage ?", "La livraison coûte 5 €.", "fr", ("mariage",)),
    ],
)
def test_words_that_set_a_question_apart_have_to_be_there(question, text, language, missing):
    found = check(question, text, language=language)
    assert found.missing == missing and found.is_answered is not bool(missing)


def test_a_word_in_the_heading_counts_as_well():
    text = "It is open from 9 to 17."
    assert not check("When is the library open?", text).is_answered
    assert check("When is the library open?", text, heading="Town > Library").is_answered


def test_a_verb_that_only_frames_the_question_is_no_evidence():
    assert not check("Was kostet ein Reisepass?", "Das kostet 9 €.", language="de").is_answered


def test_what_is_everywhere_weighs_little():
    question, text = "Does the shop sell gaskets?", "The shop is in Fish Street."
    assert not check(question, text, known=["shop"]).is_answered
    assert check(question, "We sell gaskets.", known=["shop", "sell"]).is_answered


@pytest.mark.parametrize(
    ("question", "text", "meant", "is_answered"),
    [
        ("May I take a mate along?", "You may bring one friend.", {"mate": 0.6, "along": 0.6}, True),
        ("May I take a dog along?", "You may bring one friend.", {"dog": 0.1, "along": 0.2}, False),
        ("Is delivery to Sweden quick?", "Austria takes 5 days.", {"Sweden": 0.6, "quick": 0.2}, False),
        ("What is error E9?", "Error E1: it is empty.", {"E9": 0.9, "error": 0.2}, False),
        ("May I take my nieghbour along?", "You may bring a neighbour.", {"along": 0.6}, True),
    ],
)  # fmt: skip
def test_what_other_words_mean_in_their_places_is_evidence_but_no_other_name_or_code(
    question, text, meant, is_answered
):
    signs = Signs(score=0.6, margin=0.1, lead=0.35, read=[read_as(question, meant)])
    assert check(question, text, signs=signs, embed=unasked).is_answered is is_answered


def read_as(question, meant):
    """What an embedder says of a sentence that has these words of a question so surely."""
    ends = [question.index(word) + len(word) for word in meant]
    return Meaning(0.5, np.array(list(meant.values())), np.array(ends))


def unasked(texts):
    raise AssertionError("single words are not embedded where their places are known")


@pytest.mark.parametrize(
    ("question", "sentences", "is_answered"),
    [
        ("How do I end my contract?",
         [("You cancel in Account, Subscription.", {"end": 0.95, "contract": 0.95})], True),
        ("What is the safe code?", [("Code: E61, Meaning: Oven too hot.", {"safe": 0.1, "code": 0.7})], False),
        ("Who conducts the choir?",
         [("Ada Moss conducts the tours.", {"conducts": 0.8, "choir": 0.1}),
          ("The choir sings on Mondays.", {"conducts": 0.1, "choir": 0.9})], False),
        ("How many chairs are in the hall?",
         [("The hall is beside room 4.", {"chairs": 0.1, "hall": 0.9}),
          ("Chairs for the hall are hired out.", {"chairs": 0.9, "hall": 0.9})], False),
        ("How many chairs are in the hall?",
         [("The hall seats 80 people.", {"chairs": 0.8, "hall": 0.9})], True),
    ],
)  # fmt: skip
def test_among_few_chunks_one_sentence_has_something_for_each_word_and_the_amount_that_is_asked_for(
    question, sentences, is_answered
):
    quoted = [Quoted(text, "") for text, _ in sentences]
    read = [read_as(question, meant) for _, meant in sentences]
    found = check_quotes(
        question, quoted, Signs(score=0.6, margin=0.05, read=read), language="en", term_weights={},
        asked=read_question(question, "en"), embed=lambda texts: np.eye(len(texts)),
    )  # fmt: skip
    assert found.is_answered is is_answered


def test_strict_asks_for_more_than_balanced():
    question, text = "Is parking near the museum free?", "Parking near the pier is free."
    signs = Signs(score=0.6, margin=0.06)
    assert check(question, text, signs=signs).is_answered
    assert not check(question, text, signs=signs, strictness="strict").is_answered


def test_what_search_says_of_its_find_counts_with_the_words():
    """The same words are an answer in a passage that stands out and is well above the floor, and none in another."""
    question, text = "Which kettle boils fastest?", "The kettle of the set boils in a minute."

    def is_answered(margin, lead):
        signs = Signs(score=0.4, margin=margin, lead=lead)
        return check(
            question, text, signs=signs, embed=lambda texts: np.eye(len(texts))
        ).is_answered

    assert is_answered(0.25, 0.5)
    assert not is_answered(0.0, 0.5) and not is_answered(0.25, 0.0)
    assert is_answered(0.25, None) and not is_answered(0.0, None)


def test_neither_a_part_of_a_compound_nor_what_is_far_from_it_stands_for_it():
    taken = {"freibad": ("frei", "bad"), "feuerwehr": ("feuerwerk",)}
    pool = "Das Bad hat täglich von 6 bis 20 Uhr geöffnet."
    assert not check(
        "Wann hat das Freibad geöffnet?", pool, language="de", variants=taken
    ).is_answered
    rocket = "Das Feuerwerk leitet Herr Kai Adam."
    assert check("Wer leitet die Feuerwehr?", rocket, language="de", variants=taken).coverage < 0.75


def test_a_word_of_the_same_meaning_will_do_but_no_other_name():
    near = {"postage": 0, "delivery": 0, "australia": 1, "austria": 1}

    def embed(texts):
        return np.eye(64, dtype=np.float32)[
            [near.get(text, 10 + n % 50) for n, text in enumerate(texts)]
        ]

    assert not check("How much is postage?", SHIPPING).is_answered
    assert check("How much is postage?", SHIPPING, embed=embed).is_answered
    assert not check("How much is delivery to Australia?", SHIPPING, embed=embed).is_answered


def test_words_are_compared_by_meaning_only_where_the_rest_does_not_decide():
    def embed(texts):
        raise AssertionError("asked")

    assert check("How much is delivery to Austria?", SHIPPING, embed=embed).is_answered
    assert not check("What is error E9?", "Error E1: empty.", embed=embed).is_answered


@pytest.mark.parametrize(
    "question", ["", "?!", "the of and", "🙂", "x " * 20_000, "なんですか", "a" * 32_000]
)
def test_odd_questions_are_survived(question):
    assert check(question, SHIPPING).coverage >= 0


def test_nothing_to_quote_is_no_answer():
    assert not check_quotes("Why?", [], SIGNS, language="en", term_weights={}).is_answered


def test_an_answer_that_lacks_its_kind_is_none():
    question = "When is the library open?"
    asked = read_question(question, "en")
    found = check(question, "The library is open.", asked=asked)
    assert (found.is_answered, found.lacks) == (False, "time")


def test_what_search_took_for_a_word_counts_as_the_word():
    text = "Die Mülltonne kostet 9 € im Jahr."
    assert not check("Was kostet der Abfallbehälter?", text, language="de").is_answered
    [term] = analyse("Abfallbehälter", "de")
    taken = {term: tuple(analyse("Mülltonne", "de"))}
    assert check("Was kostet der Abfallbehälter?", text, language="de", variants=taken).is_answered


def test_words_that_ask_for_a_length_of_time_are_found_in_one():
    question, text = "How long may goods be sent back?", "Goods may be sent back within 30 days."
    asked = read_question(question, "en")
    assert check(question, text, asked=asked).coverage > check(question, text).coverage


def test_a_question_in_another_language_is_judged_by_meaning_alone():
    question, text = "Wie viel kostet der Versand nach Österreich?", "Delivery to Austria is £9."

    def is_answered(score, **options):
        options = {"embed": lambda texts: np.eye(len(texts)), "is_multilingual": True} | options
        signs = Signs(score=score, margin=0.1)
        return check(question, text, signs=signs, **options).is_answered

    assert is_answered(0.7, is_abroad=True) and not is_answered(0.3, is_abroad=True)
    assert not is_answered(0.7), "in its own language its words have to be there"
    assert not is_answered(0.7, is_abroad=True, embed=None), "and without an embedder too"


def test_a_multilingual_embedder_counts_in_every_language():
    question, text = "Wer mäht den Rasen?", "Der Rasen am Bad wird von Frau Ott gepflegt."

    def is_answered(score, **options):
        signs = Signs(score=score, margin=0.1)
        return check(question, text, language="de", signs=signs, **options).is_answered

    asked = {"embed": lambda texts: np.eye(len(texts)), "is_multilingual": True}
    assert is_answered(1.0, **asked) and not is_answered(0.2, **asked)


def test_a_multilingual_embedder_wants_more_of_the_words_where_a_kind_of_thing_is_asked_for():
    text = "Sperrige Dinge werden zweimal im Jahr für 20 € abgeholt, altes Glas auch."

    def is_answered(question):
        signs = Signs(score=0.75, margin=0.12)
        return check(
            question, text, language="de", signs=signs, asked=read_question(question, "de"),
            embed=lambda texts: np.eye(len(texts)), is_multilingual=True,
        ).is_answered  # fmt: skip

    assert is_answered("Wie werde ich altes Glas und Stühle los?")
    assert not is_answered("Was kostet altes Glas am Flughafen und für Stühle?")


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("Is it closed on Mondays?", "The museum is open Tuesday to Sunday, 10 am to 5 pm.", "en"),
        ("Is the museum open on Thursday?", "The museum is open Tuesday to Sunday.", "en"),
        ("Bis wann haben Sie freitags offen?", "Montag bis Freitag 8 bis 13 Uhr.", "de"),
    ],
)
def test_who_says_when_it_is_open_speaks_of_the_other_days_of_the_week_too(
    question, text, language
):
    assert not check(question, text, language=language).missing


def test_a_number_with_what_it_counts_is_no_code():
    text = "Children from 6 to 12 pay half for breakfast."
    assert not check("How much is breakfast for a 7-year-old?", text).missing


@pytest.mark.parametrize(
    ("question", "is_answered"),
    [
        ("Do you mend bikes that I got elsewhere?", True),
        ("Do you mend bikes that I got in Paris?", False),
    ],
)
def test_an_everyday_word_that_names_nothing_need_not_be_said(question, is_answered):
    text = "We mend private bikes too."
    read = [read_as(question, {"mend": 0.9, "bikes": 0.9})]
    found = check_quotes(
        question, [Quoted(text, "")], Signs(score=0.6, margin=0.05, read=read), language="en",
        term_weights={}, embed=lambda texts: np.eye(len(texts)),
    )  # fmt: skip
    assert found.is_answered is is_answered
