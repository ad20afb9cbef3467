"""Other ways to write a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minirag.lib.variants import (
    allow_edits,
    count_edits,
    find_part,
    is_word,
    list_pieces,
    respell,
    split_compound,
)

KNOWN = ["rest", "mull", "tonn", "hund", "steu", "geburt", "tag", "gift", "card", "verkehr", "amt"]
WORDS = st.text(st.sampled_from("abcd"), max_size=8)


def measure(first: str, second: str) -> int:
    """Optimal string alignment by the book."""
    table = [[i + j for j in range(len(second) + 1)] for i in range(len(first) + 1)]
    for i in range(1, len(first) + 1):
        for j in range(1, len(second) + 1):
            table[i][j] = min(
                table[i - 1][j] + 1,
                table[i][j - 1] + 1,
                table[i - 1][j - 1] + (first[i - 1] != second[j - 1]),
            )
            if i > 1 < j and first[i - 1] == second[j - 2] and first[i - 2] == second[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


@pytest.mark.parametrize(
    ("first", "second", "edits"),
    [
        ("adress", "address", 1),
        ("monht", "month", 1),
        ("intrest", "interest", 1),
        ("личнсть", "личность", 1),
        ("same", "same", 0),
        ("parcel", "invoice", 3),
        ("", "abc", 3),
    ],
)
def test_mistakes_are_counted_to_a_limit(first, second, edits):
    assert count_edits(first, second, 2) == count_edits(second, first, 2) == edits


@given(WORDS, WORDS)
def test_they_are_counted_as_the_book_says(first, second):
    assert count_edits(first, second, 2) == min(measure(first, second), 3)


def test_short_words_have_no_mistakes_and_long_ones_two():
    assert [allow_edits("x" * size) for size in (3, 4, 7, 8)] == [0, 1, 1, 2]


def test_numbers_codes_and_characters_are_no_words():
    assert not any(map(is_word, ["ax200", "2026", "ab", "住所", "x" * 41]))
    assert all(map(is_word, ["offnungszeit", "доставка", "पता", "عنوان"]))


def test_two_letters_may_stand_for_one():
    assert respell("oeffnungszeit") == ["offnungszeit"]
    assert set(respell("neueroeffnung")) == {"neuroffnung", "neuroeffnung", "neueroffnung"}
    assert respell("ab") == [] and respell("aeaeaeaeaeae") == []


@pytest.mark.parametrize(
    ("term", "parts"),
    [
        ("restmulltonn", ("rest", "mull", "tonn")),
        ("hundesteu", ("hund", "steu")),
        ("geburtstag", ("geburt", "tag")),
        ("verkehrsamt", ("verkehr", "amt")),
        ("tagamt", ()),
        ("resttonnx", ()),
        ("rest", ()),
    ],
)
def test_a_compound_is_split_into_known_words(term, parts):
    assert split_compound(term, KNOWN) == parts


def test_without_links_only_words_written_together_are_split():
    assert split_compound("giftcard", KNOWN, links=False) == ("gift", "card")
    assert split_compound("hundesteu", KNOWN, links=False) == ()


def test_all_that_a_split_may_ask_for_is_among_the_pieces():
    assert {"rest", "mull", "tonn"} <= list_pieces("restmulltonn")
    assert "restmulltonn" not in list_pieces("restmulltonn") and list_pieces("ab") == set()


@pytest.mark.parametrize(
    ("term", "known", "part"),
    [
        ("olfilt", {"filt", "olwechsel"}, "filt"),
        ("rijbewijsverlenging", {"rijbewijs", "lening"}, "rijbewijs"),
        ("bestell", {"stell"}, ""),  # a verb
        ("verkauf", {"kauf"}, ""),
        ("kinder", {"kind"}, ""),  # an ending is no part
        ("bad", {"bad"}, ""),
    ],
)
def test_of_a_compound_the_one_part_that_is_known(term, known, part):
    assert find_part(term, known) == part


def test_a_part_may_have_an_ending_within_a_compound():
    assert split_compound("uimahallilipu", {"uimahal", "lipu", "halli"}) == ("uimahal", "lipu")
