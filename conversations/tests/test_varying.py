"""A chat model asks the same in other words, and those are searched as well; it is never needed."""

from __future__ import annotations

import pytest

from bots.models import BotProfile, UsageEvent
from conversations.models import Message
from conversations.tests.conftest import make_bot, teach
from conversations.tests.test_api_chat import ask
from conversations.understanding.varying import read_variations
from tests.fakes.chat_model import provider_down

QUESTION = "How do I get rid of an old fridge?"
MEANT = "How do I dispose of an old fridge?"  # the verb in three parts as one word


@pytest.fixture
def bot(in_acme) -> BotProfile:
    bot = make_bot(query_variations=2, passage_count=2, refusal_mode="open")
    teach(
        bot,
        "Bulky waste is collected from the kerb twice a year; cooling appliances are free.",
        "Waste",
    )
    for number in range(3):
        teach(
            bot,
            f"You get rid of an old ticket of zone {number} at the counter.",
            f"Tickets {number}",
        )
    return bot


def read_trace():
    return Message.objects.get(role="user").trace


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("1. Where is bulky waste collected?\n2) Who takes cooling appliances?", 2),
        ("- Where is bulky waste collected?\n\n* Where is bulky waste collected", 1),
        ("Here are some ways to ask it:\nWho takes old cooling appliances away?", 1),
        ("How do I get rid of an old fridge", 0),
        ('["Who takes old cooling appliances away?"]', 0),
        ("Wer holt alte Kühlgeräte bei uns zu Hause ab?", 0),
        ("Who takes it? " * 100, 0),
        ("", 0),
    ],
)
def test_only_short_questions_in_the_same_language_are_searched(reply, expected):
    assert len(read_variations(reply, QUESTION, "en", 2)) == expected


def test_what_is_found_in_other_words_is_among_the_passages(acme, bot, model):
    model.enqueue_rewriting("Is bulky waste collected?\nAre cooling appliances free?")
    model.enqueue("Put it on the kerb [1].")
    _, body = ask(acme, bot, message=QUESTION)
    assert any("Bulky waste" in each["content"] for each in body["sources"])
    assert len(body["sources"]) == 2
    trace = read_trace()
    assert trace["varying"]["outcome"] == "used" and len(trace["understood"]["variations"]) == 2
    assert UsageEvent.objects.get(kind="rewrite").prompt_tokens == 11
    said = model.rewritings_asked[0].messages
    assert said[1]["content"] == MEANT and "in 2 other ways" in said[0]["content"]


@pytest.mark.parametrize(
    ("pieces", "outcome"),
    [
        ([provider_down()], "failed"),
        (["Gern, hier sind einige andere Fragen dazu."], "unusable"),
        ([30.0, "Where?"], "timeout"),
    ],
)
def test_without_use_of_it_the_question_is_searched_alone(
    acme, bot, model, settings, pieces, outcome
):
    settings.CONDENSE_TIMEOUT_SECONDS = 0.5 if outcome == "timeout" else 60
    bot.query_variations = 2
    model.enqueue_rewriting(*pieces)
    model.enqueue("At the counter [1].")
    _, body = ask(acme, bot, message=QUESTION)
    assert all("old ticket" in each["content"] for each in body["sources"])
    assert read_trace()["varying"]["outcome"] == outcome
    spent = UsageEvent.objects.filter(kind="rewrite").values_list("prompt_tokens", flat=True)
    assert [tokens > 10 for tokens in spent] == ([] if outcome == "failed" else [True])


def test_a_bot_that_wants_none_asks_no_model(acme, bot, model):
    BotProfile.objects.update(query_variations=0)
    model.enqueue("At the counter [1].")
    ask(acme, bot, message=QUESTION)
    assert model.rewritings_asked == [] and read_trace()["varying"] is None
