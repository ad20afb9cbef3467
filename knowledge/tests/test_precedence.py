"""Pinned, newer and weightier sources win over those that contradict them, and only over those."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from asgiref.sync import async_to_sync

from knowledge.models import ANYONE, Source
from knowledge.ordering.precedence import Standing, contradicts, settle, weigh
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.retrieving import Retrieval, retrieve
from knowledge.tests.conftest import teach

OLD = "Shipping within the country costs 4.90 euros and takes 5 working days."
NEW = "Shipping within the country costs 6.90 euros and takes 2 working days."
QUESTION = "What does shipping within the country cost?"


def ask(bot) -> Retrieval:
    return async_to_sync(retrieve)(bot, QUESTION, audience=ANYONE)


def said(found: Retrieval) -> list[str]:
    return [passage.content for passage in found.passages]


def make(content: str, heading: str = "Prices") -> Passage:
    one = uuid.uuid4()
    return Passage(one, one, one, "", "", None, heading, content, 1.0, 0.5, 3.0)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (OLD, NEW, True),
        (OLD, OLD, False),
        (OLD, OLD.replace("country", "EU"), False),
        ("The Aeris One costs 20 euros a month.", "The Aeris Two costs 30 euros a month.", False),
        ("It costs 5 euros.", "It takes 5 days.", False),
        ("Closed on 1 May.", "Closed on 2 May.", False),
        ("", "", False),
    ],
)
def test_only_the_same_words_of_other_figures_contradict(first, second, expected):
    assert contradicts(make(first), make(second)) is expected
    assert not contradicts(make(first, "A > Prices"), make(second, "A > Prices of last year"))


def test_what_counts_more_takes_the_place_of_what_it_contradicts():
    old, new, other = make(OLD), make(NEW), make("We ship to Norway and to Iceland as well.")
    newer = {
        new.source_id: Standing(day=date(2026, 6, 1)),
        old.source_id: Standing(day=date(2025, 6, 1)),
    }
    kept, left_out = settle([old, other, new], newer)
    assert [each.chunk_id for each in kept] == [new.chunk_id, other.chunk_id]
    assert [(each.chunk_id, each.of) for each in left_out] == [(old.chunk_id, new.chunk_id)]
    pinned = newer | {old.source_id: Standing(is_pinned=True, day=date(2025, 6, 1))}
    assert settle([new, old], pinned)[0][0].chunk_id == old.chunk_id
    assert len(settle([new, old], {})[0]) == 2, "neither counts more"


def test_age_takes_a_fifth_of_a_score_at_most():
    today = date(2026, 6, 1)
    assert weigh(Standing(day=date(2020, 1, 1)), today, None) == 1
    assert weigh(Standing(day=today), today, 30) == 1
    assert weigh(Standing(day=date(2026, 5, 2)), today, 30) == pytest.approx(0.9)
    assert weigh(Standing(day=date(1990, 1, 1)), today, 30) == pytest.approx(0.8)
    assert weigh(Standing(day=date(2030, 1, 1)), today, 30) == 1, (
        "of tomorrow, but no more than new"
    )
    assert weigh(Standing(weight=0.5, is_pinned=True), today, None) == pytest.approx(0.55)


def test_a_bot_for_which_age_counts_answers_from_the_newer_of_two_versions(bot):
    teach(bot, f"# Prices\n\n{OLD}", name="2024", dated_on=date(2024, 1, 1))
    teach(bot, f"# Prices\n\n{NEW}", name="2026", dated_on=date(2026, 1, 1))
    assert len(said(ask(bot))) == 2 and ask(bot).passages[0].day is None
    bot.recency_days = 365
    found = ask(bot)
    assert said(found) == [NEW] and found.passages[0].day == date(2026, 1, 1)
    assert len(found.repeats) == 1 and len(found.candidates) == 2
    Source.objects.filter(name="2024").update(is_pinned=True)
    assert said(ask(bot)) == [OLD] and ask(bot).passages[0].is_pinned


def test_a_weight_decides_between_what_fits_about_as_well(bot):
    teach(bot, f"# Prices\n\n{OLD}", name="first")
    teach(bot, f"# Prices\n\n{NEW}", name="second")
    for weighty, expected in (("first", OLD), ("second", NEW)):
        Source.objects.update(weight=1.0)
        Source.objects.filter(name=weighty).update(weight=1.5)
        found = ask(bot)
        assert said(found)[0] == expected and found.passages[0].score == pytest.approx(1)
