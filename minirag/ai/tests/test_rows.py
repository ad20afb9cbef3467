"""Asked for one row of a table, the rows beside it are not quoted."""

from __future__ import annotations

import pytest

from minirag.ai.builtin.offline import answer_question, compose_answer
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


BIKES = """| Bike | Weight | Hire per day | Range |
|---|---|---|---|
| Wren | 14 kg | £18 | – |
| Heron | 23.5 kg | £32 | 90 km |
| Kite | 9,8 kg | £25.50 | – |
| Swift | 21 kg | £29 | 110 km |
| Owl cargo | 38 kg | £41 | 60 km |
| Rook cargo | 35 kg | £1,050 a year | 70 km |
"""
TARIFE = """| Tarif | Arbeitspreis | Grundpreis |
|---|---|---|
| Mole Basis | 34,2 ct/kWh | 9,80 € |
| Mole Grün | 33,1 ct/kWh | 11,20 € |
| Mole Nacht | 26,9 ct/kWh | 14,00 € |
| Mole Wärme | 27,4 ct/kWh | 7,50 € |
| Mole Auto | 30,0 ct/kWh | 12,40 € |
"""


@pytest.mark.parametrize(
    ("question", "table", "row"),
    [
        ("Which bike is the cheapest to hire?", BIKES, "Wren"),
        (
            "Which container is the cheapest?",
            "| Service | To | Price eur |\n|---|---|---|\n| Full container 20 foot | Oslo | 1465.00 |\n"
            "| Full container 40 foot | Oslo | 2100.00 |\n| Full container 20 foot | Cork | 1390.00 |",
            "Cork",
        ),
        ("What is your most expensive bike?", BIKES.replace("1,050 a year", "39"), "Owl"),
        ("the lightest bike", BIKES, "Kite"),
        ("Which bike is heaviest?", BIKES, "Owl"),
        ("Which cargo bike is the lightest?", BIKES, "Rook"),
        ("What bike has the longest range?", BIKES, "Swift"),
        ("Welcher Tarif ist am günstigsten pro kWh?", TARIFE, "Nacht"),
        ("Welcher Tarif hat den niedrigsten Grundpreis?", TARIFE, "Wärme"),
        ("Welcher Tarif ist am teuersten beim Grundpreis?", TARIFE, "Nacht"),
    ],
)
def test_the_least_and_the_most_are_looked_for_in_the_whole_table(question, table, row):
    said = answer(question, table)
    assert row in said
    assert said.count("[1]") == 1


@pytest.mark.parametrize(
    "text",
    [
        f"The cheapest bike to hire is the one you bring.\n\n{BIKES}",
        "| Bike | Colour |\n|---|---|\n| Wren | red |\n| Heron | blue, the cheapest to hire |",
    ],
)
def test_where_a_sentence_says_it_or_no_row_counts_nothing_is_reckoned(text):
    assert "cheapest" in answer("Which bike is the cheapest to hire?", text)


@pytest.mark.parametrize(
    ("question", "table"),
    [
        ("Which laptop is the lightest?", "| Laptop | Weight |\n|---|---|\n| Wren | 950 g |\n| Heron | 1.2 kg |"),
        ("Which tour is the longest?", "| Tour | Duration |\n|---|---|\n| Wren | 90 minutes |\n| Heron | 2 hours |"),
    ],
)  # fmt: skip
def test_amounts_in_two_units_are_not_compared_by_their_numbers(question, table):
    said = answer(question, table)
    assert ("Wren" in said) == ("Heron" in said)


def test_one_hour_and_two_are_of_one_unit():
    table = "| Tour | Duration |\n|---|---|\n| Wren | 1 hour |\n| Heron | 2 hours |"
    assert "Heron" in answer("Which tour is the longest?", table)
    assert "Wren" in answer("Which tour is the shortest?", table)


def test_of_a_span_the_end_counts():
    table = "| Way | Arrives after |\n|---|---|\n| Transfer | 1 to 5 days |\n| Card | 3 days |\n| Debit | 2–7 days |"
    assert "Debit" in answer("Which way of paying is the slowest?", table)
    assert "Transfer" in answer("Which way of paying is the fastest?", table)


def test_rows_may_be_named_by_what_is_compared():
    table = "| Size | Fits | Price |\n|---|---|---|\n| 25 sq ft | a van | £48 |\n| 10 sq ft | a wardrobe | £22 |"
    assert "wardrobe" in answer("What is your smallest room?", table)


def test_where_prices_of_two_kinds_tell_different_rows_all_are_quoted():
    table = "| Bike | Weekdays | Weekend |\n|---|---|---|\n| Wren | £9 | £8 |\n| Heron | £12 | £5 |"
    said = answer("Which bike is the cheapest?", table)
    assert "Wren" in said and "Heron" in said
    assert "Wren" not in answer("Which bike is the cheapest at the weekend?", table)


BIKES = """Our bikes are checked daily.

| Bike | Type | Weight | Range |
|---|---|---|---|
| Fenn | City | 12 kg | |
| Volta | E-bike | 23 kg | 90 km |
| Volta Plus | E-bike | 25 kg | 140 km |
"""


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("Which of your bikes weighs the least?", "Fenn"),
        ("Which e-bike goes furthest on one charge?", "Volta Plus"),
    ],
)
def test_what_a_table_stands_under_names_none_of_its_rows_and_verbs_ask_for_an_extreme(
    question, row
):
    passages = [OfflinePassage(1, "Our bikes", BIKES, 1.0, "Bikes")]
    said = compose_answer(question, passages, sentences=2)
    assert said.startswith(f"Bike: {row},") and said.count("Bike:") == 1


def check(question: str, text: str, language: str = "en"):
    passages = [OfflinePassage(1, "Guide", text, 1.0, "Guide")]
    found = answer_question(
        question, passages, strictness="balanced", margin=0.9, languages={1: language}
    )
    return found.check


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Which monitor is the cheapest?", "The check of a monitor costs 25 euros."),
        ("Which monitor is the cheapest?", "Dealers get 92 % of a monitor, and 6 euros for it."),
        ("Which monitor is the lightest?", "A monitor weighs 300 g."),
    ],
)
def test_one_amount_says_of_nothing_that_it_is_the_least(question, text):
    assert (check(question, text).is_answered, check(question, text).lacks) == (False, "extreme")


@pytest.mark.parametrize(
    "text",
    [
        "The cheapest monitor is the One.",
        "The One monitor costs 90 euros, the Pro monitor 190 euros.",
        "| Monitor | Price |\n|---|---|\n| One | 90 euros |\n| Pro | 190 euros |",
    ],
)
def test_what_says_it_or_can_be_compared_does(text):
    assert check("Which monitor is the cheapest?", text).lacks == ""


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("What is your cheapest room?", "Rooms start at 59 euros a night.", "en"),
        ("What is the longest I can stay?", "You can stay for up to 14 nights.", "en"),
        ("What is the smallest group size?", "Groups need at least six people.", "en"),
        ("Where is the nearest bus stop?", "The bus stop is 200 metres away.", "en"),
        ("Was kostet das günstigste Ticket?", "Tickets gibt es ab 12 Euro.", "de"),
        ("Was ist die größte Datei?", "Dateien dürfen bis zu 20 MB groß sein.", "de"),
        ("Wo ist der nächstgelegene Bahnhof?", "Der Bahnhof ist 300 Meter entfernt.", "de"),
    ],
)
def test_a_limit_is_an_extreme_and_of_what_is_nearest_one_is_told(question, text, language):
    assert check(question, text, language).lacks == ""


def test_what_a_row_was_chosen_by_need_not_be_said():
    table = "| Way of paying | Arrives after |\n|---|---|\n| Transfer | 1 day |\n| Debit | 7 days |"
    assert not check("Which way of paying is the slowest?", table).missing


def test_a_limit_of_something_else_is_no_price():
    assert check("Which monitor is the cheapest?", "Use of the monitor from 9.").lacks == "extreme"
