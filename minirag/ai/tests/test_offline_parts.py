"""Of a question with several parts each has its own answer, and one that goes on from another is read with it."""

from __future__ import annotations

from dataclasses import replace

from minirag.ai.builtin.offline import OfflinePassage, Part, answer_question, compose_answer

SHIPPING = [
    OfflinePassage(
        1, "Help > What does delivery cost?", "Delivery costs 5.90 euros. It is free from 150 euros.", 1.0
    ),
    OfflinePassage(
        2, "Help > How soon is an order sent?", "Orders placed before 14:00 leave on the same day.", 0.9
    ),
]  # fmt: skip
BOTH = "What does delivery cost and how soon is an order sent?"
COST, SENT = Part("What does delivery cost?"), Part("how soon is an order sent?")
CHESS = Part("who won the chess olympiad?")


def answer_parts(whole, *parts, passages=SHIPPING):
    return answer_question(
        whole, passages, parts=parts, strictness="balanced", margin=0.1, sentences=2
    )


def test_each_part_of_a_question_has_its_own_answer():
    answer = answer_parts(BOTH, COST, SENT)
    assert answer.check.is_answered
    assert "5.90 euros" in answer.text and "14:00" in answer.text
    assert answer.text.index("5.90") < answer.text.index("14:00")


def test_of_parts_without_an_answer_nothing_is_said():
    answer = answer_parts("What does delivery cost and who won the chess olympiad?", COST, CHESS)
    assert answer.check.is_answered and "5.90" in answer.text and "14:00" not in answer.text
    assert not answer_parts("Who won the chess olympiad?", CHESS, CHESS).check.is_answered


def test_a_part_that_leans_on_one_without_an_answer_has_none():
    whole = "Who won the chess olympiad and what does delivery cost?"
    alone = Part("what does delivery cost?", CHESS.question)
    assert answer_parts(whole, CHESS, alone).check.is_answered
    assert not answer_parts(whole, CHESS, replace(alone, leans=True)).check.is_answered


REPAIR = OfflinePassage(
    1, "Help > How long does a repair take?",
    f"7 working days on average. Care is faster. We write {'to you and to your shop ' * 10}.", 0.9,
)  # fmt: skip
PRICES = OfflinePassage(
    2, "Help > What does a repair cost?", "A repair of the Pro costs 95 euros and of the Duct 140 euros.", 1.0
)  # fmt: skip


def test_a_follow_up_is_answered_below_the_heading_that_names_what_it_goes_on_from():
    before = "And of the Duct? How much does a repair of the Pro cost?"
    assert compose_answer("How long does it take?", [PRICES, REPAIR], before=before).startswith("7")
    other = compose_answer("How long does it take?", [PRICES, REPAIR], before="I have a dog.")
    assert not other.startswith("7 working days on average. [1] Care")


def test_what_was_only_said_before_weighs_less_than_what_is_asked():
    text = "The pump of the boiler has a warranty card.\n\nIt needs oil every May, the pump."
    passage = OfflinePassage(1, "Handbook", text, 1.0)
    before = "Has the boiler a warranty card?"
    assert "oil" in compose_answer("And the oil?", [passage], before=before, sentences=1)


def test_the_question_before_is_no_word_to_look_for_in_a_part_that_stands_alone():
    before = Part(SENT.question, before="Which llama rides the tricycle over the volcano?")
    assert answer_parts(BOTH, COST, before).text == answer_parts(BOTH, COST, SENT).text
