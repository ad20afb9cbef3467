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
        ("Is there a discount within 30 days?", ACCOUNT, "With payment within 30 days."),
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


def test_where_nothing_else_is_said_the_yes_stays():
    passage = OfflinePassage(1, "FAQ > Is there a garden beside the mill?", "Yes.", 1.0)
    assert compose_answer("When was the mill built?", [passage]) == "Yes. [1]"


def test_the_number_of_something_is_no_answer():
    passage = OfflinePassage(
        1, "FAQ > Which bus goes to the lake?", "No. 5 leaves from the station.", 1.0
    )
    assert (
        compose_answer("When does the ferry leave?", [passage])
        == "No. 5 leaves from the station. [1]"
    )
