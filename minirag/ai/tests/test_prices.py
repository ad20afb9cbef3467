"""What a thing costs is not what its repair costs, or a part of it."""

from __future__ import annotations

import pytest

from minirag.ai.builtin.lacking.prices import find_priced, lacks_own_price
from minirag.ai.builtin.lacking.said import Said

REPAIR = "A repair of a Volta Drill has a flat price of 49 euros, a Volta Saw of 95 euros, parts included."
CARE = "Volta Care adds 2 years and costs 39 euros for each Volta Drill."
CHUCK = "part number: V-12, description: Chuck, fits: Volta Drill; Volta Saw, price eur: 12.90, delivery days: 2."
DRILL = "The Volta Drill costs 180 euros and is sent free of charge."
ROW = "model: Volta Drill, colour: red, price eur: 180.00."


def quote(text, headings="Help"):
    return Said(text, headings, own={}, above={})


REPARATUR = "Die Reparatur einer Bohrmaschine kostet pauschal 49 Euro."
ASKED = "How much does a Volta Drill cost?"


@pytest.mark.parametrize(
    ("question", "thing"),
    [
        (ASKED, "Volta Drill"),
        ("What's the price of the drill?", "drill"),
        ("Was kostet eine Bohrmaschine?", "Bohrmaschine"),
        ("What does a repair of the drill cost?", ""),
        ("How much does a drill repair cost?", ""),
        ("How much does it cost?", ""),
        ("How much is a ticket for two?", ""),
        ("Was kostet der Versand?", ""),
        ("Do you sell drills?", ""),
        ("What does the drill do?", ""),
    ],
)
def test_the_thing_whose_price_is_asked_for(question, thing):
    assert find_priced(question, "de" if "kostet" in question else "en") == thing


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (ASKED, [REPAIR]),
        (ASKED, [REPAIR, CARE, CHUCK]),
        ("What is the price of a Volta Saw?", [REPAIR, CHUCK]),
        ("How much are Volta drills?", [CHUCK]),
        (ASKED, ["part: Chuck, fits: Volta Drill, price eur: 12.90."]),
        (ASKED, ["fits: Volta Drill, part: Chuck, price eur: 12.90."]),
        ("Was kostet eine Bohrmaschine?", [REPARATUR]),
    ],
)
def test_a_price_of_something_else_is_no_answer(question, said):
    language = "de" if "kostet" in question else "en"
    assert lacks_own_price(question, [quote(each) for each in said], language)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (ASKED, [REPAIR, DRILL]),
        (ASKED, [ROW, CHUCK]),
        ("What does a repair of a Volta Drill cost?", [REPAIR]),
        ("How much does Volta Care cost?", [CARE, REPAIR]),
        ("What does the chuck cost?", [CHUCK]),
        ("How much does a Volta Lamp cost?", [REPAIR]),
        ("How much does a child pay?", ["Entry costs 3 euros for each child."]),
        ("How much does tea cost?", ["A pot of tea costs 4 euros."]),
        ("Was kostet eine Bohrmaschine?", ["Eine Bohrmaschine kostet 180 Euro, ihre Reparatur 49 Euro."]),
    ],
)  # fmt: skip
def test_its_own_price_is_one_and_so_is_what_was_asked_for(question, said):
    language = "de" if "kostet" in question else "en"
    assert not lacks_own_price(question, [quote(each) for each in said], language)


def test_a_price_below_the_heading_that_names_the_thing_is_its_own():
    said = [quote(REPAIR), quote("It costs 180 euros.", "Shop > Volta Drill")]
    assert not lacks_own_price(ASKED, said, "en")
