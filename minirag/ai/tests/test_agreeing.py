"""A yes or no is quoted only below the question that it answers."""

from __future__ import annotations

import pytest

from minirag.ai.builtin.offline import OfflinePassage, compose_answer

ACCOUNT = OfflinePassage(
    1,
    "FAQ > Do you deliver to schools on account?",
    "Yes, with payment within 30 days. Orders of more than 50 monitors get a discount of 12 %.",
    1.0,
)
CARE = OfflinePassage(
    1, "FAQ > Can I extend the warranty?", "Yes. Care adds 2 years to the warranty and costs 39 euros.", 1.0
)  # fmt: skip
HUND = OfflinePassage(
    1, "FAQ > Darf mein Hund mit in den Zug?", "Ja, an der Leine. Im Zug kostet ein Hund 3 Euro.", 1.0
)  # fmt: skip


@pytest.mark.parametrize(
    ("question", "passage", "begins"),
    [
        ("Do you deliver to schools on account?", ACCOUNT, "Yes, with payment"),
        ("Is there a discount within 30 days?", ACCOUNT, "Orders of more than 50 monitors"),
        ("Can I extend the warranty?", CARE, "Yes. [1] Care adds"),
        ("What does Care cost?", CARE, "Care adds"),
        ("Darf mein Hund mit in den Zug?", HUND, "Ja, an der Leine"),
    ],
)
def test_a_yes_is_said_to_its_own_question_only(question, passage, begins):
    assert compose_answer(question, [passage]).startswith(begins)


def test_a_sentence_that_only_begins_alike_stays_whole():
    text = "No dogs in the halls. Nothing else is forbidden."
    passage = OfflinePassage(1, "FAQ > What about animals?", text, 1.0)
    assert compose_answer("dogs in the halls", [passage]).startswith("No dogs in the halls.")


@pytest.mark.parametrize(
    ("heading", "answer", "question"),
    [
        ("Is there a garden beside the mill?", "Yes.", "When was the mill built?"),
        ("Do you open the mill for groups?", "Yes, on request.", "When was the mill built?"),
        ("Darf man im Hof grillen?", "Ja, mit Anmeldung.", "Wann wurde die Mühle gebaut?"),
    ],
)
def test_where_nothing_else_is_said_the_yes_stays_with_its_question(heading, answer, question):
    passage = OfflinePassage(1, f"FAQ > {heading}", answer, 1.0)
    assert compose_answer(question, [passage]) == f"{heading} {answer} [1]"


@pytest.mark.parametrize(
    ("heading", "text", "question", "answer"),
    [
        (
            "Is the ski room heated and open?",
            "Yes, from the first of December. A club of 60 gets skis for 9 euros each.",
            "What do skis cost for a club of 60?",
            "A club of 60 gets skis for 9 euros each. [1]",
        ),
        (
            "Can we hire the boats?",
            "Yes, if it does not storm. The boats for a class of 30 cost 80 euros.",
            "What do boats for a class of 30 cost?",
            "The boats for a class of 30 cost 80 euros. [1]",
        ),
        (
            "Ist der Skiraum geheizt und offen?",
            "Ja, ab Dezember. Skier für einen Verein mit 60 Leuten kosten 9 Euro.",
            "Was kosten Skier für einen Verein mit 60 Leuten?",
            "Skier für einen Verein mit 60 Leuten kosten 9 Euro. [1]",
        ),
        (
            "Is the ski room heated and open?",
            "Yes, from December clubs pay 9 euros. A club of 60 gets free skis.",
            "What do clubs pay from December?",
            "From December clubs pay 9 euros. [1] A club of 60 gets free skis. [1]",
        ),
    ],
)  # fmt: skip
def test_what_is_left_of_an_answer_to_another_question_is_quoted_only_as_a_sentence(
    heading, text, question, answer
):
    passage = OfflinePassage(1, f"FAQ > {heading}", text, 1.0)
    assert compose_answer(question, [passage]) == answer


def test_the_number_of_something_is_no_answer():
    passage = OfflinePassage(
        1, "FAQ > Which bus goes to the lake?", "No. 5 leaves from the station.", 1.0
    )
    assert (
        compose_answer("When does the ferry leave?", [passage])
        == "No. 5 leaves from the station. [1]"
    )
