"""The list of chats: what each chat was like stands on it, and every filter goes by that."""

from __future__ import annotations

import importlib
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from conversations.listing import finding
from conversations.models import Chat, Message, Trait
from conversations.tests.conftest import make_bot
from conversations.tests.test_api_chat import ask
from tenants.context import tenant_context
from tests.fakes.chat_model import provider_down
from tests.test_admin import browser

CARRY_OVER = importlib.import_module("conversations.migrations.0021_chat_traits").CARRY_OVER
LIST = "/admin/conversations/chat/"


def listed(client, **query) -> list[str]:
    response = client.get("/v1/chat", query)
    assert response.status_code == 200, response.content
    return [each["title"] for each in response.json()]


def shown(client, **query) -> list[str]:
    response = client.get(LIST, query)
    assert response.status_code == 200, response.headers
    return [each.title for each in response.context["cl"].result_list]


def make_chat(title, *, age=0, said="", **fields):
    bot = fields.pop("bot_profile", None) or make_bot()
    chat = Chat.objects.create(bot_profile=bot, title=title, **fields)
    Chat.objects.filter(pk=chat.pk).update(created_at=timezone.now() - timedelta(seconds=age))
    Message.objects.create(chat=chat, role="user", content=said or title)
    return chat


def test_what_a_chat_was_like_stands_on_it_and_the_migration_says_the_same_of_old_ones(
    acme, acme_bot, as_acme, model
):
    model.enqueue("It lasts 36 months [1].")
    first = ask(acme, acme_bot)[1]
    ask(acme, acme_bot, message="zq xylophone quux?", chat_id=first["chat_id"])
    model.enqueue("It lasts 36 months.")
    uncited = ask(acme, acme_bot)[1]
    model.enqueue(provider_down())
    ask(acme, acme_bot, message="Does the Aeris One fail?")
    of_answer = f"/v1/chat/{first['chat_id']}/messages/{first['message']['id']}/feedback"
    for verdict in ("negative", "positive", None, "negative"):
        as_acme.patch(of_answer, {"feedback": verdict}, content_type="application/json")

    def facts():
        rows = as_acme.get("/v1/chat?extended=true").json()
        return {row["id"]: row["facts"] for row in rows}

    told = facts()
    reason = next(each for each in told[first["chat_id"]]["traits"] if ":" in each)
    assert told[first["chat_id"]]["traits"] == ["disliked", "refused", reason]
    assert told[uncited["chat_id"]]["traits"] == ["uncited"]
    assert [each["traits"] for each in told.values()].count(["failed"]) == 1
    assert told[first["chat_id"]]["language"] == "en" and told[first["chat_id"]]["cost_usd"] > 0
    alone = as_acme.get(f"/v1/chat/{first['chat_id']}?extended=true").json()
    assert alone["facts"] == told[first["chat_id"]]
    assert "facts" not in as_acme.get("/v1/chat").json()[0]
    with tenant_context(acme.tenant):
        Chat.objects.update(traits=["liked"], cost_usd=7, language="xx")
        with connection.cursor() as cursor:
            cursor.execute(CARRY_OVER)
    assert facts() == told


def test_every_filter_finds_its_own_over_the_api_and_in_the_admin(acme, in_acme, as_acme):
    bot = make_bot()
    make_chat("hay", language="en", traits=[Trait.LIKED])
    make_chat("old", age=3 * 86_400, language="en")
    needle = make_chat(
        "needle", bot_profile=bot, language="de", cost_usd=Decimal("0.5"), said="a rusty ÄNGELHAKEN",
        traits=[*Trait.of_refusal("off_topic"), Trait.DISLIKED, Trait.PERSON, Trait.UNCITED],
    )  # fmt: skip
    make_chat("failed", traits=[Trait.FAILED], cost_usd=2)
    alice = browser("alice@acme.example.com", "acme")
    wanted = {
        "outcome": "refused", "refusal_reason": "off_topic", "feedback": "negative", "uncited": "true",
        "answered_by": "person", "language": "de", "min_cost": "0.1", "max_cost": "1", "q": "rusty ängel",
    }  # fmt: skip
    half = {"min_cost": "0.1"}  # `max_cost` alone also finds those that cost nothing
    for query in [{name: value} | half for name, value in wanted.items() if name != "min_cost"]:
        query = query | {"max_cost": "1"}
        assert listed(as_acme, **query) == shown(alice, **query) == ["needle"], query
    assert listed(as_acme, **wanted) == shown(alice, **wanted) == ["needle"]
    assert listed(as_acme, bot_profile_id=bot.pk) == ["needle"]
    assert shown(alice, bot_profile__id__exact=bot.pk) == ["needle"]
    day = (timezone.now() - timedelta(days=3)).date().isoformat()
    assert listed(as_acme, to_date=day) == shown(alice, to_date=day, from_date=day) == ["old"]
    assert sorted(listed(as_acme, answered_by="bot", uncited="false")) == ["failed", "hay", "old"]
    assert listed(as_acme, **wanted | {"feedback": "positive"}) == []
    assert needle.title in str(alice.get(LIST, {"q": "rusty"}).content)


def test_what_cannot_be_understood_is_refused_and_never_widens_the_list(acme, in_acme, as_acme):
    make_chat("hay")
    alice = browser("alice@acme.example.com", "acme")
    for query in (
        {"outcome": "great"}, {"refusal_reason": "a b"}, {"language": "German"}, {"min_cost": "much"},
        {"min_cost": "-1"}, {"max_cost": "NaN"}, {"from_date": "yesterday"}, {"uncited": "perhaps"},
        {"answered_by": "cat"}, {"tag": "a\0b"},
    ):  # fmt: skip
        assert as_acme.get("/v1/chat", query).status_code == 422, query
        page = alice.get(LIST, query)
        assert list(page.context["cl"].result_list) == [] and "Not understood" in str(page.content)
    days = {"from_date": "2026-02-02", "to_date": "2026-02-01"}
    assert as_acme.get("/v1/chat", days).json()["code"] == "invalid_date_range"
    assert shown(alice, **days) == []
    assert as_acme.get("/v1/chat", {"q": "x"}).status_code == 422


def test_a_common_word_is_looked_for_in_the_newest_chats_and_that_is_told(
    acme, in_acme, as_acme, monkeypatch
):
    for number in range(5):
        make_chat(
            f"chat {number}", age=5 - number, said="warranty needle" if number < 2 else "warranty"
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE conversations_message")
    monkeypatch.setattr(finding, "COMMON", 5)
    monkeypatch.setattr(finding, "NEWEST", 3)
    monkeypatch.setattr(finding, "_SAMPLE", 5)
    alice = browser("alice@acme.example.com", "acme")
    newest = ["chat 4", "chat 3", "chat 2"]
    assert listed(as_acme, q="warranty") == shown(alice, q="warranty") == newest
    assert "Looked for in the newest" in str(alice.get(LIST, {"q": "warranty"}).content)
    both = ["chat 1", "chat 0"]
    assert listed(as_acme, q="warranty needle") == shown(alice, q="needle warranty") == both
    assert listed(as_acme, q="warranty nowhere") == []


def test_pages_are_counted_to_a_bound_and_that_is_told(acme, in_acme, monkeypatch):
    bot = make_bot()
    for number in range(7):
        make_chat(f"chat {number}", age=10 - number, bot_profile=bot)
    monkeypatch.setattr("conversations.listing.admin.MOST_COUNTED", 4)
    monkeypatch.setattr("conversations.listing.admin.MOST_FOUND", 5)
    monkeypatch.setattr("conversations.admin.ChatAdmin.list_per_page", 3)
    alice = browser("alice@acme.example.com", "acme")
    assert shown(alice) == ["chat 6", "chat 5", "chat 4"]
    assert shown(alice, p="2") == ["chat 3"]
    assert shown(alice, p="7", q="6") == ["chat 6"]  # a page that a narrower list has not
    assert shown(alice, p="2", q="chat") == ["chat 3", "chat 2"]
    page = alice.get(LIST)
    assert page.context["cl"].result_count == 4 and "Narrow the filters" in str(page.content)


@pytest.fixture(autouse=True)
def _globex_is_full(globex):
    """What is the other tenant's is in no list."""
    with tenant_context(globex.tenant):
        make_chat("globex needle", language="de", traits=[Trait.DISLIKED, Trait.PERSON])
