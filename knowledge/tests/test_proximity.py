"""Passages that say a question's words together come before those that have them here and there."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from knowledge.ordering.proximity import (
    DEPTH,
    PAIRS_WEIGHT,
    SENTENCE_WEIGHT,
    Closeness,
    find_kin,
    order_by_closeness,
)
from knowledge.retrieval.passages import Passage
from knowledge.tests.conftest import teach
from knowledge.tests.test_retrieval import ask, contents

WEIGHTS = {"gift": 2.0, "card": 1.0, "lost": 1.0}
FAR = "of the things that people in this town have been doing for all of these long years. "


def make(content: str, score: float) -> tuple[Passage, str]:
    one = uuid.uuid4()
    return Passage(one, one, one, "", "", None, "", content, score, 0.5, 3.0), "en"


def measure(text: str, *others: str, question: str = "gift card lost", **replaced: str) -> float:
    passages = [make(each, 0.5) for each in (text, *others)]
    return Closeness(question, WEIGHTS, replaced).measure(passages)[0]


def test_a_passage_with_a_field_changed_is_refused_one_that_there_is_not():
    passage, _ = make("A gift card.", 0.5)
    assert passage.but(score=0.7) == replace(passage, score=0.7)
    with pytest.raises(TypeError, match="scores"):
        passage.but(scores=0.7)


def test_words_together_are_closer_than_words_apart():
    together = measure("What to do when a gift card is lost.")
    near = measure("A card that was a gift is lost.")
    far = measure(f"The gift was small. {FAR * 3} A card came. {FAR * 3} Then it was lost.")
    assert together > near > far > measure("Nothing of it.") == 0
    assert together == pytest.approx(PAIRS_WEIGHT / 2 + SENTENCE_WEIGHT)


def test_a_heading_is_said_with_each_sentence_below_it():
    passage, language = make("It takes a day. Block it when it is lost.", 0.5)
    under = replace(passage, heading="Gift cards")
    below, alone = Closeness("gift card lost", WEIGHTS, {}).measure(
        [(under, language), (passage, language)]
    )
    assert below > alone > 0


def test_what_all_passages_say_tells_none_of_them_from_the_others():
    others = ["A gift for you.", "Some gift.", "No gift at all."]
    question = "gift lost"
    assert measure("gift", *others, question=question) < measure("gift", question=question)
    assert measure("It was lost.", *others, question=question) > measure(
        "It was a gift.", *others, question=question
    )


def test_words_of_one_root_are_near_to_each_other():
    kin = find_kin(["invent", "gift"], ["inventor", "invest", "gifts", "invent"])
    assert kin["invent"] == {"invent": 1.0} and 0.5 < kin["inventor"]["invent"] < 1
    assert kin.keys() == {"invent", "gift", "inventor"}
    assert measure("The inventor.", question="invent gift") > 0


def test_rare_words_together_count_more():
    assert measure("gift card") > measure("card lost") > 0


def test_one_word_is_close_to_nothing():
    assert measure("a gift", question="the gift?") == 0 and measure("", question="") == 0


def test_a_misspelled_word_is_read_as_the_right_one():
    assert measure("a gift card", question="a gitf card", gitf="gift") == pytest.approx(
        measure("a gift card", question="a gift card")
    )


def test_the_best_keeps_the_score_of_the_best_and_order_follows_scores():
    apart, close = make("The gift was a game of cards.", 0.9), make("A lost gift card", 0.85)
    rest = [make("nothing", 0.8 - number / 100) for number in range(DEPTH + 5)]
    ordered = order_by_closeness(
        [apart, close, *rest], Closeness("gift card", WEIGHTS, {}), share=1.0
    )
    scores = [passage.score for passage in ordered]
    assert ordered[0].content == "A lost gift card" and scores[0] == pytest.approx(0.9)
    assert scores == sorted(scores, reverse=True) and len(ordered) == DEPTH + 7


def test_where_meaning_alone_orders_nothing_changes():
    passages = [make("The gift was a game of cards.", 0.9), make("gift card", 0.85)]
    closeness = Closeness("gift card", WEIGHTS, {})
    assert order_by_closeness(passages, closeness, 0.0) == [passage for passage, _ in passages]
    assert order_by_closeness([], closeness, 1.0) == []


def test_a_search_finds_what_stands_together_first(bot):
    bot.dense_weight = 0.0
    teach(
        bot,
        "# One\n\nA card game is a fine gift, says the clerk who sells a card or a gift.\n\n"
        "# Two\n\nWhoever has lost one asks the clerk, who blocks the gift card and sends another one by post.\n\n"
        "# Three\n\nThe clerk has a gift for the card game.",
        name="Cards",
    )
    assert "blocks the gift card" in contents(ask(bot, "gift card"))[0]
