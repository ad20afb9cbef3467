"""Asked for one row of a table, the rows beside it are not quoted."""

from __future__ import annotations

import pytest

from minirag.ai.builtin.offline import compose_answer
from minirag.ai.builtin.sentences.candidates import OfflinePassage

FREE_TIME = """| | Free time | After that |
|---|---|---|
| Demurrage, import, dry container | 5 calendar days from discharge | 60 euros a day |
| Demurrage, reefer | 3 calendar days | 140 euros a day |
| Detention, import | 7 calendar days from gate-out | 25 euros a day |
| Detention, export | 10 calendar days from gate-out | 30 euros a day |
"""
OPENING = """| Day | Pool | Sauna |
|---|---|---|
| Monday | 9 to 17 | closed |
| Tuesday | 10 to 18 | 12 to 20 |
| Friday | 8 to 22 | 12 to 22 |
"""
TICKETS = """| Ticket | Adult | Child |
|---|---|---|
| Day ticket | 20 | 10 |
| Month ticket | 70 | 35 |
| Season ticket | 90 | 45 |
"""
DEVICES = """| Product | Colour | Weight |
|---|---|---|
| Kettle K10 | red | 1 kg |
| Kettle K20 | blue | 2 kg |
| Toaster | red | 3 kg |
"""
WEIGHTS = {
    "reefer": 4.0, "contain": 2.0, "demurrag": 3.5, "detent": 3.5, "import": 2.5, "export": 2.5,
    "monday": 1.5, "friday": 3.0,
}  # fmt: skip


def answer(question: str, table: str) -> str:
    passages = [OfflinePassage(1, "Tables", table, 1.0, "Guide")]
    return compose_answer(question, passages, term_weights=WEIGHTS, sentences=3)


@pytest.mark.parametrize(
    ("question", "row", "others"),
    [
        ("What does demurrage cost for a reefer container?", "140 euros", ["60", "25", "30"]),
        ("How many free days do I get for a reefer?", "3 calendar days", ["5", "7", "10"]),
        ("How long is the free time of detention for exports?", "10 calendar days", ["5", "7"]),
    ],
)
def test_the_row_that_is_asked_for_is_quoted_alone(question, row, others):
    said = answer(question, FREE_TIME)
    assert row in said
    assert not any(f"{other} " in said.replace("[1]", "") for other in others)


def test_two_rows_that_are_asked_for_are_both_quoted():
    said = answer("When is the pool open on Monday and Friday?", OPENING)
    assert "Monday" in said and "Friday" in said and "Tuesday" not in said


def test_a_row_that_is_called_by_a_common_word_is_asked_for_as_well():
    said = answer("What do a day ticket and a season ticket cost?", TICKETS)
    assert "20" in said and "90" in said and "70" not in said


def test_a_row_that_is_called_by_its_name_stays_beside_one_with_a_code():
    said = answer("Is the toaster heavier than the kettle K20?", DEVICES)
    assert "3 kg" in said and "2 kg" in said and "1 kg" not in said


def test_rows_that_are_as_good_stay():
    said = answer("How long is the free time of detention?", FREE_TIME)
    assert "import" in said and "export" in said and "Demurrage" not in said
