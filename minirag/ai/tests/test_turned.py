"""What stands below "Excluded goods" is quoted with that heading: alone it would say the opposite."""

from __future__ import annotations

import pytest

from minirag.ai.builtin.offline import OfflinePassage, compose_answer

GOODS = "Live animals, cash, weapons and ammunition."


def answer(question, heading, text):
    return compose_answer(question, [OfflinePassage(1, heading, text, 1.0)])


@pytest.mark.parametrize(
    ("question", "heading", "text", "said"),
    [
        ("Do you carry animals?", "Guide > 4.3 Excluded goods", GOODS, f"Excluded goods: {GOODS} [1]"),
        ("Are dogs allowed?", "Rules > Not allowed", "Dogs and bicycles in the halls of the market.",
         "Not allowed: Dogs and bicycles in the halls of the market. [1]"),
        ("Darf ich Hunde mitbringen?", "Ordnung > Verboten sind", "Hunde, Fahrräder und offenes Feuer in den Hallen.",
         "Verboten sind: Hunde, Fahrräder und offenes Feuer in den Hallen. [1]"),
    ],
)  # fmt: skip
def test_a_heading_that_turns_it_round_is_quoted_with_it(question, heading, text, said):
    assert answer(question, heading, text) == said


@pytest.mark.parametrize(
    ("question", "heading", "text"),
    [
        ("Do you carry animals?", "Guide > Goods", GOODS),
        ("Do you carry animals?", "Guide > Excluded goods", "We do not carry any animals of any kind."),
        ("Which goods?", "Guide > Exclusive offers", GOODS),
        ("When is it emptied?", "Town > Refuse collection", "Bins are emptied on every second Tuesday morning."),
        ("Wer darf hinein?", "Ordnung > Ausschließlich für Mitglieder", "Sauna und Becken stehen ab 9 Uhr offen."),
        ("What is not covered?", "FAQ > What does the warranty not cover?", "Wear of the filter cap and the battery."),
    ],
)  # fmt: skip
def test_any_other_sentence_stands_alone(question, heading, text):
    assert answer(question, heading, text) == f"{text} [1]"


def test_the_heading_stands_once_before_all_that_is_below_it():
    text = "- Live animals in boxes\n- Dangerous animals in any packing"
    said = answer("Which animals can I send?", "Guide > Excluded goods", text)
    assert said.count("Excluded goods") == 1 and "Dangerous animals" in said


def test_a_heading_of_many_digits_is_read_at_once():
    text = "The pallet stands in hall seven beside the northern gate."
    assert answer("Where is the pallet?", f"Not taken > {'1' * 60}x", text) == f"{text} [1]"
