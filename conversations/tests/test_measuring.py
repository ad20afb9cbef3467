"""What an answer is worth, by arithmetic."""

from __future__ import annotations

import pytest

from conversations.evaluating.comparing import compare_figures
from conversations.evaluating.judging import read_verdict
from conversations.evaluating.measuring import Expected, Given, measure, says, sum_up

ANSWER = "The refund is paid within **five working days** [1]. A puncture costs 1,012.50 € and takes an hour [2]."


@pytest.mark.parametrize(
    ("fact", "is_said"),
    [
        ("five working days", True),
        ("working days: five", True),
        ("1012.5 euros", True),
        ("1.012,50 EUR", True),
        ("1 012 euros", False),
        ("an hour | two hours", True),
        ("two hours", False),
        ("five hours", False),  # of two sentences
        ("1,012 euros | $5", False),
        ("refunds are paid", True),
        ("|", False),
    ],
)
def test_a_fact_is_in_one_sentence_with_its_words_and_numbers_in_any_spelling(fact, is_said):
    assert says(ANSWER, fact, "en") is is_said


@pytest.mark.parametrize(
    ("number", "same"), [("1.000", "1000"), ("1,000", "1"), ("2.50", "2,5"), ("1'000", "1000"), ("12:30", "12:30")]
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(number, same):
    assert says(f"It is {number} now.", same, "en")


def given(text: str = ANSWER, **facts) -> Given:
    return Given(
        **{"text": text, "is_answered": True, "is_declined": False, "language": "en", **facts}
    )


DECLINED = {"is_answered": False, "is_declined": True}


@pytest.mark.parametrize(
    ("expected", "said", "is_right"),
    [
        (Expected(), given(), True),
        (Expected(), given(**DECLINED), False),
        (Expected(must_decline=True), given(**DECLINED), True),
        (Expected(must_decline=True), given(), False),
        (Expected(must_decline=True), given(is_answered=False), False),  # it failed
        (Expected(facts=("an hour",)), given(), True),
        (Expected(facts=("an hour", "two hours")), given(), False),
        (Expected(forbidden=("two hours",)), given(), True),
        (Expected(forbidden=("an hour",)), given(), False),
        (Expected(sources=frozenset("ab")), given(cited=("b", "c")), True),
        (Expected(sources=frozenset("ab")), given(cited=("c",)), False),
        (Expected(gone=("x",)), given(), True),  # what was expected is gone: not the bot's fault
    ],
)
def test_right_is_what_was_asked_for(expected, said, is_right):
    assert measure(expected, said).is_right is is_right


def test_each_measure_is_there_where_there_is_something_to_measure():
    expected = Expected(facts=("an hour", "two hours"), sources=frozenset(("a", "b")), gone=("x",))
    found = measure(
        expected, given(found=("c", "a", "a", "b"), cited=("c",), supported=(True, False))
    ).measures
    assert (found["facts"], found["missing_facts"]) == (0.5, ["two hours"])
    assert (found["reciprocal_rank"], found["recall"], found["support"]) == (0.5, 1.0, 0.5)
    assert 0.69 < found["ndcg"] < 0.70 and found["cites_expected"] is False
    assert found["sources_gone"] == ["x"]
    nothing = measure(Expected(), given()).measures
    assert {nothing[name] for name in ("ndcg", "facts", "support", "cites_expected")} == {None}


def test_a_runs_figures_are_means_of_what_was_measured():
    rows = [
        (True, "answered", {"facts": 1.0, "duration_ms": 10, "cost_usd": 0.5, "declined_right": True}),
        (False, "refused", {"facts": None, "duration_ms": 30, "cost_usd": 0.25, "declined_right": False}),
        (False, "failed", {"judge": "The judge took too long.", "judged_right": None}),
    ]  # fmt: skip
    figures = sum_up(rows)
    assert (figures["questions"], figures["right"], figures["failed"], figures["declined"]) == (
        3,
        0.3333,
        1,
        1,
    )
    assert (figures["facts"], figures["declined_right"], figures["cost_usd"]) == (1.0, 0.5, 0.75)
    assert (figures["duration_ms_p50"], figures["ndcg"], figures["not_judged"]) == (10, None, 1)
    assert sum_up([])["right"] is None


def test_figures_are_compared_one_by_one():
    rows = compare_figures(
        {"right": 0.5, "ndcg": None, "facts": 1.0}, {"right": 0.75, "facts": None}
    )
    assert rows == [
        {"name": "right", "before": 0.5, "after": 0.75, "difference": 0.25},
        {"name": "facts", "before": 1.0, "after": None, "difference": None},
    ]


@pytest.mark.parametrize(
    ("reply", "is_right"),
    [
        ('{"right": true, "why": "It says so."}', True),
        ('Sure! ```json\n{"right": "no", "why": ""}\n```', False),
        ('{"verdict": 1} {"right": false}', False),
        ("Correct.", True),
        ("It is wrong, because it is wrong.", False),
        ("It is neither right nor wrong.", None),
        ("", None),
        ("Ja.", None),
        ('{"right": null}', None),
        ("x" * 50_000, None),
    ],
)
def test_a_judge_is_read_tolerantly_or_has_not_judged(reply, is_right):
    assert read_verdict(reply).is_right is is_right


def test_what_a_judge_says_can_be_stored():
    said = read_verdict('{"right": true, "why": "so\\u0000it\\ud800is"}')
    assert (said.is_right, said.why) == (True, "so it is")
