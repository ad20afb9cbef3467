"""What is passed over because a text lacks a word is what no pattern would have found."""

import re

import pytest

from minirag.lib.security.injections import _orders_to_machines, _overrides
from minirag.lib.security.needles import Sieve, compile_pattern, find_clauses, fold
from minirag.lib.tests import test_injections as said

SENTENCES = [
    *said.FOUND, *said.ORDINARY, *said.TO_MACHINES, *said.TO_READERS, *said.DISGUISED, *said.NOT_FOUND,
]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        (r"\bignore[zs]?\s+all\b", [{"ignore"}, {"all"}]),
        (r"(?:drop|for(?:get|sake)) it", [{"drop", "for"}, {" it"}]),
        (r"x(?:rules)?", [{"x"}]),
        (r"(?:rules|[a-z]+)x{2,}", [{"x"}]),
        (r"a(?!never)(?=.*prompt)", [{"prompt"}, {"a"}]),
        (r"(?:STRASSE|straße){1,3}", [{"strasse"}]),
        (r"\w+", []),
    ],
)
def test_what_a_pattern_needs_is_read_off_it(pattern, needed):
    found = find_clauses(pattern)
    assert sorted(map(sorted, found)) == sorted(map(sorted, needed))


@pytest.mark.parametrize("sieve", [_overrides(), _orders_to_machines()])
def test_nothing_is_missed_that_the_patterns_alone_would_find(sieve):
    assert all(clauses for _, clauses in sieve.patterns), "such a pattern is tried on every text"
    for sentence in SENTENCES:
        for text in (sentence, sentence.upper(), sentence.title(), sentence.replace("i", "ı")):
            alone = any(compile_pattern(pattern).search(text) for pattern, _ in sieve.patterns)
            assert sieve.finds(text) == alone, text


def test_letters_that_a_pattern_takes_for_one_another_are_folded_to_the_same():
    """Of all in the basic plane: a "K" is a Kelvin sign too, and an "s" a long one."""
    everything = "".join(map(chr, range(0x20, 0x10000)))
    letters = {
        letter for word in _overrides().words | _orders_to_machines().words for letter in word
    }
    for letter in sorted(letters):
        alike = re.findall(re.escape(letter), everything, re.IGNORECASE)
        assert {fold(each) for each in alike} == {fold(letter)}, letter
    assert Sieve.of(["kill"]).finds("\u212aILL")
