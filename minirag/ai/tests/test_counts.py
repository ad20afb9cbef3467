"""How many there are of something is said by a number beside it."""

from __future__ import annotations

import pytest

from minirag.ai.builtin.checking import Quoted, Signs, check_quotes
from minirag.ai.builtin.lacking.counts import lacks_count
from minirag.ai.builtin.lacking.said import read_said
from minirag.ai.builtin.sentences.question_words import weigh_words
from minirag.lib.asking.answer_types import read_question


def lacks(question, text, language="en"):
    words = weigh_words(question, language, {})
    return lacks_count(question, words, read_said(words, [(text, "")], language, {}), language, {})


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("How many pitches do you have?", "No dogs on the pitches, please.", "en"),
        ("how many pitches do you have", "Electricity is included on hook-up pitches up to 4 kWh a day.", "en"),
        ("Wie viele Plätze gibt es?", "Die Plätze am Ufer kosten im Sommer 12 Euro.", "de"),
    ],
)  # fmt: skip
def test_a_number_of_something_else_is_no_count(question, text, language):
    assert lacks(question, text, language)


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("how many pitches do you have", "There are sixty quiet pitches by the river.", "en"),
        ("how many pitches do you have", "Pitches: 60, Huts: 4", "en"),
        ("How many parking spaces are there?", "There are no parking spaces.", "en"),
        ("How many stages does it have?", "A three-stage pump.", "en"),
        ("how many people work here", "Ruaridh and two fitters see about forty machines.", "en"),
        ("Wie viele Kurse gibt es?", "Im Heft stehen 120 neue Kurse.", "de"),
        ("How much is a pitch?", "Pitches are quiet.", "en"),
    ],
)
def test_a_number_beside_it_is_one_and_where_nothing_speaks_of_it_nobody_can_tell(
    question, text, language
):
    assert not lacks(question, text, language)


@pytest.mark.parametrize(
    ("question", "text", "lacking"),
    [
        ("how deep is the pool", "The pool is 25 metres long.", "measure"),
        ("how many pitches do you have", "On pitches we give 4 kWh a day.", "number"),
        ("When was the pool built?", "The pool opens at 6.15 am.", "time"),
        ("Who is the director of the pool?", "Caps are to be worn in the pool.", "person"),
    ],
)
def test_what_is_not_there_is_named(question, text, lacking):
    check = check_quotes(
        question, [Quoted(text, "Our house Getting in")], Signs(1.0, 1.0), language="en",
        term_weights={}, asked=read_question(question, "en"),
    )  # fmt: skip
    assert (check.is_answered, check.lacks) == (False, lacking)
