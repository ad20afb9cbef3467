"""What may be asked next, below a good answer."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from bots.models import BotProfile
from conversations.helping.asking_on import leave_out_said
from conversations.models import Chat, Message
from conversations.tests.conftest import make_bot, teach
from conversations.tests.test_api_chat import post_chat
from conversations.tests.test_consumer import PAGE, open_session, question, talk
from conversations.tests.test_turns import take
from knowledge.models import Source

SHOP = """# Delivery

## What does delivery to Norway cost?

A parcel to Norway costs 9 euros and takes five working days.

## How do you deliver to islands in Norway?

Parcels to an island in Norway go by the weekly ferry from Bergen.

# Returns

## How do I send a kettle back?

Unused kettles may be sent back within 30 days. The label costs 4 euros.
"""
ASKED = "How long does a parcel to Norway take?"
ISLANDS = "How do you deliver to islands in Norway?"


@pytest.fixture
def shop(in_acme) -> BotProfile:
    bot = make_bot(
        name="Shop", model="minirag/extractive", allowed_origins=[PAGE], refusal_mode="strict",
        starter_questions=["May unused kettles be sent back?", "Who is your landlord?"],
    )  # fmt: skip
    teach(bot, SHOP, name="Shop")
    return bot


def ask_on(bot: BotProfile, asked: str = ASKED, **more) -> list[str]:
    done = take(bot, asked, asks_on=True, **more)[-1]
    assert done.refusal is None, done.content
    return (done.help or {"questions": []})["questions"]


def test_below_an_answer_stands_what_the_sources_answer_too_and_was_not_just_said(shop):
    help = take(shop, ASKED, asks_on=True)[-1].help
    assert ISLANDS in help["questions"] and "May unused kettles be sent back?" in help["questions"]
    assert "What does delivery to Norway cost?" not in help["questions"]  # that was answered
    assert "Who is your landlord?" not in help["questions"]  # the sources do not say
    assert help["questions_label"] == "You can also ask me:"
    assert (help["passages"], help["choices"], help["contact"]) == ([], [], "")
    for each in help["questions"]:
        assert take(shop, each)[-1].refusal is None


def test_nothing_is_offered_that_was_asked_in_this_chat(shop):
    offered = ask_on(shop)
    chat = Chat.objects.get()
    assert len(offered) == 2
    for at, each in enumerate(offered):
        assert not {ASKED, *offered[: at + 1]} & set(ask_on(shop, each, chat_id=chat.pk))


def test_what_was_asked_is_remembered_for_longer_than_a_model_is_told_of_it(shop):
    shop.history_turns = 0
    shop.save()
    assert ISLANDS in ask_on(shop)
    chat = Chat.objects.get()
    take(shop, ISLANDS, chat_id=chat.pk)
    assert ISLANDS not in ask_on(shop, chat_id=chat.pk)


def test_nothing_is_offered_of_a_source_that_is_gone(shop):
    teach(shop, "# Tea\n\n## Which tea do you sell?\n\nWe sell green tea from Uji.", name="Tea")
    shop.starter_questions = ["Which tea do you sell?"]
    shop.save()
    assert "Which tea do you sell?" in ask_on(shop)
    Source.objects.filter(name="Tea").update(is_active=False)
    assert "Which tea do you sell?" not in ask_on(shop)


def test_they_are_for_those_who_show_them_and_where_the_bot_offers_them(shop):
    assert take(shop, ASKED)[-1].help is None
    shop.follow_up_questions = False
    shop.save()
    assert take(shop, ASKED, asks_on=True)[-1].help is None


def test_an_answer_stands_where_nothing_can_be_found_out(shop, monkeypatch):
    def fail(*_) -> None:
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr("conversations.helping.asking_on.find_answer", fail)
    done = take(shop, ASKED, asks_on=True)[-1]
    assert "five working days" in done.content and done.help is None


def test_an_answer_waits_for_them_no_longer_than_a_moment(shop, monkeypatch, settings):
    settings.HELP_TIMEOUT_SECONDS = 0.0
    assert take(shop, ASKED, asks_on=True)[-1].help is None


def test_the_api_the_stream_and_the_widget_tell_them(shop, acme):
    body = {"bot_profile_id": str(shop.pk), "message": ASKED, "extended": True}
    response, _ = post_chat(acme, body)
    assert ISLANDS in response.json()["help"]["questions"]
    _, content = post_chat(acme, body | {"stream": True})
    assert ISLANDS in content.partition("event: done")[2]
    _, content = post_chat(acme, body | {"extended": False, "stream": True})
    assert ISLANDS not in content.partition("event: done")[2]
    token = open_session(shop).json()["session_token"]
    done = talk(question(ASKED), token=token)[-1]
    assert ISLANDS in done["help"]["questions"]
    kept = Message.objects.get(pk=done["message_id"])
    assert kept.help == done["help"]


def test_what_an_answer_has_said_in_other_words_is_left_out():
    found = [
        ("Is tea green?", "Tea is green in Uji and picked in May [1]."),
        ("When is tea picked?", "In May tea is picked by hand [2]."),
        ("Where is coffee from?", "Coffee is from Sidamo [1]."),
        ("Coffee?", "The coffee comes from Sidamo [3]."),
    ]
    said = "Green tea is picked in Uji, in May [1]."
    assert leave_out_said(found, said, "en") == ["Where is coffee from?"]
    assert leave_out_said(found, "", "en")[0] == "Is tea green?"
