"""What may be asked next, below a good answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError

from bots.models import BotProfile
from conversations.helping import helping
from conversations.helping import tried as remembered
from conversations.helping.asking_on import leave_out_said
from conversations.helping.nearby import choose_plausible
from conversations.helping.tried import Tried
from conversations.models import Chat, Message
from conversations.tests.conftest import make_bot, teach
from conversations.tests.test_api_chat import post_chat
from conversations.tests.test_consumer import PAGE, open_session, question, talk
from conversations.tests.test_turns import take
from conversations.turns.state import Asker
from conversations.turns.taking import take_turn
from knowledge.curated.changing import create_answer, update_answer
from knowledge.indexing.chunk_rows import place_chunks
from knowledge.models import ANYONE, Audience, Chunk, Document, RestrictedPart, Source
from knowledge.sources.changing import delete_source
from tenants.context import tenant_context
from tests.fakes.chat_model import provider_down

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

    monkeypatch.setattr("conversations.helping.helping._try", fail)
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


# What was tried before is not searched again, and holds for nobody else.


def count_tries(monkeypatch) -> list[str]:
    tried, before = [], helping._try

    async def count(turn, question, state):
        tried.append(question)
        return await before(turn, question, state)

    monkeypatch.setattr(helping, "_try", count)
    return tried


def test_what_was_tried_for_one_visitor_is_not_searched_for_the_next(shop, monkeypatch):
    tried = count_tries(monkeypatch)
    first = ask_on(shop)
    assert len(set(tried)) == len(tried) > len(first)  # what has no answer was tried as well
    tried.clear()
    assert ask_on(shop) == first and tried == []


def test_a_deleted_source_is_not_offered_from_memory(shop, monkeypatch):
    teach(shop, "# Tea\n\n## Which tea do you sell?\n\nWe sell green tea from Uji.", name="Tea")
    shop.starter_questions = ["Which tea do you sell?"]
    shop.save()
    assert "Which tea do you sell?" in ask_on(shop)
    tried = count_tries(monkeypatch)
    delete_source(Source.objects.get(name="Tea").pk)
    assert "Which tea do you sell?" not in ask_on(shop)
    assert "Which tea do you sell?" in tried


def test_what_a_new_source_answers_is_offered_at_once(shop):
    shop.starter_questions = ["Which tea do you sell?"]
    shop.save()
    assert "Which tea do you sell?" not in ask_on(shop)
    teach(shop, "# Tea\n\n## Which tea do you sell?\n\nWe sell green tea from Uji.", name="Tea")
    assert "Which tea do you sell?" in ask_on(shop)


def test_what_a_new_curated_answer_answers_is_offered_at_once_and_no_longer_than_it_stands(
    shop, acme
):
    assert "Who is your landlord?" not in ask_on(shop)
    answer = create_answer(
        {"answer": "The harbour board.", "owner_id": acme.owner.pk},
        questions=["Whose house is this?"],
        bot_profile_ids=[shop.pk],
    )
    assert "Who is your landlord?" not in ask_on(shop)
    update_answer(answer, {}, questions=["Whose house is this?", "Who is your landlord?"])
    assert "Who is your landlord?" in ask_on(shop)
    update_answer(answer, {"is_active": False})
    assert "Who is your landlord?" not in ask_on(shop)


def test_what_is_for_some_is_offered_to_them_alone_whoever_asked_first(shop):
    tea = teach(
        shop, "# Tea\n\n## Which tea do you sell?\n\nWe sell green tea from Uji.", name="Tea"
    )
    shop.starter_questions = ["Which tea do you sell?"]
    shop.save()
    Source.objects.filter(pk=tea.pk).update(groups=["dealers"])
    dealers = Audience.of(["dealers"])
    for _ in range(2):
        assert "Which tea do you sell?" in ask_on(shop, audience=dealers)
        assert "Which tea do you sell?" not in ask_on(shop)
        assert "Which tea do you sell?" not in ask_on(shop, audience=Audience.of(["staff"]))
    Source.objects.filter(pk=tea.pk).update(groups=["staff"])
    assert "Which tea do you sell?" not in ask_on(shop, audience=dealers)


def test_a_document_that_is_for_others_by_now_is_not_offered_from_memory(shop):
    tea = teach(
        shop, "# Tea\n\n## Which tea do you sell?\n\nWe sell green tea from Uji.", name="Tea"
    )
    shop.starter_questions = ["Which tea do you sell?"]
    shop.save()
    assert "Which tea do you sell?" in ask_on(shop)
    part = RestrictedPart.objects.create(
        pk=RestrictedPart.identify(tea.pk, ["dealers"]), source=tea, groups=["dealers"]
    )
    Document.objects.filter(source=tea).update(restricted_to=part)
    place_chunks(tea.pk)
    assert "Which tea do you sell?" not in ask_on(shop)


def test_a_new_guardrail_and_another_setting_count_at_once(shop, monkeypatch):
    tried = count_tries(monkeypatch)
    assert ISLANDS in ask_on(shop)
    shop.scopes.create(forbidden_topics=["islands"])
    assert ISLANDS not in ask_on(shop)
    tried.clear()
    shop.passage_count = 3
    shop.save()
    ask_on(shop)
    assert tried


def test_two_tenants_know_nothing_of_what_was_tried_for_the_other(shop, globex, monkeypatch):
    ask_on(shop)
    tried = count_tries(monkeypatch)
    with tenant_context(globex.tenant):
        twin = make_bot(
            pk=shop.pk, name="Shop", model="minirag/extractive", refusal_mode="strict",
            starter_questions=shop.starter_questions,
        )  # fmt: skip
        teach(twin, SHOP, name="Shop")
        assert ISLANDS in ask_on(twin) and ISLANDS in tried


def test_a_model_is_waited_for_before_anything_is_tried(acme_bot, model, monkeypatch):
    acme_bot.starter_questions = ["How often is the sensor calibrated?"]
    acme_bot.save()
    tried = count_tries(monkeypatch)
    model.enqueue(0.3, provider_down())
    take(acme_bot, asks_on=True)
    assert tried == []
    model.enqueue("It lasts 36 months [1].")
    take(acme_bot, asks_on=True)
    assert tried


def test_one_is_tried_at_a_time_and_whoever_waits_for_the_same_learns_it(shop, monkeypatch):
    tried, running = [], []
    quoted = Chunk.objects.values_list("pk", flat=True)[0]

    async def hesitate(turn, question, state):
        tried.append(question)
        running.append(question)
        await asyncio.sleep(0.05)
        assert running == [question]
        running.remove(question)
        return Tried(f"{question} Yes [1].", (quoted,), state)

    monkeypatch.setattr(helping, "_try", hesitate)

    async def ask():
        asker = Asker(asks_on=True)
        events = take_turn(shop.pk, None, ASKED, asker=asker, is_stream=True)
        return [event async for event in events][-1]

    async def ask_thrice():
        return await asyncio.gather(ask(), ask(), ask())

    done = async_to_sync(ask_thrice)()
    assert all(len(each.help["questions"]) == 3 for each in done)
    assert len(tried) == len(set(tried))


def test_what_is_too_old_to_be_recalled_is_not_kept(shop, monkeypatch):
    monkeypatch.setattr(remembered, "_tried", OrderedDict())
    ask_on(shop)
    assert len(remembered._tried) > 1
    later = time.monotonic() + remembered.REMEMBERED_SECONDS
    monkeypatch.setattr(remembered, "time", SimpleNamespace(monotonic=lambda: later))
    place = remembered.place_of(SimpleNamespace(
        bot=shop, source_filter=None, scopes=(), audience=ANYONE, languages=(), source_languages=(),
    ))  # fmt: skip
    remembered.remember(place, "Which tea do you sell?", Tried(None, (), 0, at=later))
    assert [question for _, question in remembered._tried] == ["Which tea do you sell?"]


def test_what_was_found_is_looked_through_beside_the_event_loop(shop, monkeypatch):
    threads = []

    def note(*args):
        threads.append(threading.current_thread())
        return choose_plausible(*args)

    monkeypatch.setattr(helping, "choose_plausible", note)

    async def ask(question):
        events = take_turn(shop.pk, None, question, asker=Asker(asks_on=True), is_stream=True)
        return threading.current_thread(), [event async for event in events][-1]

    loop, answered = async_to_sync(ask)(ASKED)
    other, refused = async_to_sync(ask)("Who is your landlord?")
    assert answered.refusal is None and refused.refusal is not None
    assert len(threads) == 2 and not {loop, other} & set(threads)
