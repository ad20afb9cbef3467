"""Chats are found by the words that were said, by an index, however many there are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client

from conversations.logs.finding import find_chats, find_turns
from conversations.models import Chat, Message
from conversations.tests.conftest import make_bot
from tenants.context import tenant_context

TOLD = (
    "Bestellung RE-2024-0815 an info@acme.example.com: Garantieverlängerung für ÜBERGRÖSSEN, "
    "don't <b>pay</b> 12,50 €."
)
JAPANESE = "製品の保証期間は36か月です。"
THAI = "ระยะเวลารับประกันสามปี"


@pytest.fixture
def chat(in_acme) -> Chat:
    chat = Chat.objects.create(
        bot_profile=make_bot(), title="Rückgabe", visitor_id="7f3a9", origin="https://shop.acme.com"
    )
    question = Message.objects.create(chat=chat, role="user", content=TOLD)
    Message.objects.create(
        chat=chat, role="assistant", content=f"{JAPANESE} {THAI}", question=question
    )
    Message.objects.create(
        chat=Chat.objects.create(bot_profile=chat.bot_profile, title="Other"),
        role="user",
        content="Something else",
    )
    return chat


@pytest.mark.parametrize(
    "text",
    [
        "bestellung", "Best", "0815", "RE-2024", "re-2024-0815", "2024", "info@acme.example.com", "acme.example",
        "garantie", "übergrößen"[:7], "ÜBERGRÖSSEN", "don't", "pay", "12,50", "12", "'", "bestellung garantie",
        "garantie, bestellung!", "保証", "保証期間", "36か月", "月です", "รับประกัน", "bestellung 保証",
    ],
)  # fmt: skip
def test_a_turn_and_its_chat_are_found_by_the_beginnings_of_words(chat, text):
    expected = [] if text == "'" else [chat]
    assert list(find_chats(Chat.objects.all(), text)) == expected
    turns = find_turns(Message.objects.filter(role="user"), text)
    assert [turn.chat for turn in turns] == expected


@pytest.mark.parametrize(
    "text",
    ["ellung", "bestellungen", "bestellung else", "証保", "nowhere", "|", "!", "a & !zz:*", "\\"],
)
def test_what_was_not_said_is_not_found(chat, text):
    assert not find_chats(Chat.objects.all(), text).exists()
    assert not find_turns(Message.objects.all(), text).exists()


@pytest.mark.parametrize(
    "text",
    ["rückgabe", "7f3a9", "shop", "shop.acme.com", "https://shop.acme.com", "rück bestellung"],
)
def test_a_chat_is_found_by_title_visitor_and_page_as_well(chat, text):
    assert list(find_chats(Chat.objects.all(), text)) == [chat]


def test_a_very_long_message_is_stored_and_found_by_its_beginning(chat):
    text = "needle " + " ".join(f"word{number}" for number in range(100_000))
    message = Message.objects.create(chat=chat, role="user", content=text)
    assert list(find_turns(Message.objects.all(), "needle")) == [message]


def test_the_indexes_are_used(chat):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, 'off', true) FROM pg_settings"
            " WHERE name IN ('enable_seqscan', 'enable_indexscan', 'enable_indexonlyscan')"
        )
    plan = find_chats(Chat.objects.all(), "needle").explain()
    assert "message_by_words" in plan and "chat_by_words" in plan


def test_the_admin_finds_chats_by_what_was_said(chat, in_acme):
    alice = Client(SCRIPT_NAME="/t/acme")
    alice.force_login(in_acme.owner, backend="tenants.authentication.EmailBackend")
    alice.cookies["sessionid_acme"] = alice.cookies.pop("sessionid").value
    url = "/admin/conversations/chat/"
    assert "Rückgabe" in alice.get(url, {"q": "garantie 0815"}).content.decode()
    assert "Rückgabe" not in alice.get(url, {"q": "nowhere"}).content.decode()


def test_globex_finds_nothing_of_acmes(chat, globex):
    with tenant_context(globex.tenant):
        assert not find_chats(Chat.objects.all(), "bestellung").exists()
        assert not find_turns(Message.objects.all(), "bestellung").exists()
