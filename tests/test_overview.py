"""The first page of a tenant's admin: what is wrong and how it is mended, what to do first, how the week went."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bots.models import BotProfile, ProviderCredential, Quota, UsageEvent
from conversations.models import Chat, Message
from knowledge.models import Source
from knowledge.sources.homes import private_dataset
from tenants.context import tenant_context
from tenants.models import User
from tests.admin_sessions import log_in_to_admin
from tests.test_query_counts import _is_bookkeeping
from webhooks.models import Webhook


def browser(user: User, slug: str = "acme") -> Client:
    return log_in_to_admin(user, f"sessionid_{slug}", SCRIPT_NAME=f"/t/{slug}")


@pytest.fixture
def bot(in_acme) -> BotProfile:
    return BotProfile.objects.create(name="Ava", model="minirag/extractive")


def add_source(bot: BotProfile, **facts) -> Source:
    return Source.objects.create(
        bot_profile=bot, dataset=private_dataset(bot), name="Handbook", source_type="text", **facts
    )


def answer(bot: BotProfile, days_ago: int = 0, origin: str = "", **facts) -> None:
    chat = Chat.objects.create(bot_profile=bot, origin=origin)
    said = Message.objects.create(chat=chat, role="assistant", content="Yes.", **facts)
    Message.objects.filter(pk=said.pk).update(created_at=timezone.now() - timedelta(days=days_ago))


def test_what_is_wrong_comes_first_each_with_its_remedy_and_is_no_other_tenants(acme, globex, bot):
    add_source(bot, status="error", error_message="The page answered 404.")
    add_source(bot, status="pending", queued_at=timezone.now() - timedelta(hours=1))
    Webhook.objects.create(
        url="https://hooks.example.com/in", events=[], is_active=False, paused_at=timezone.now()
    )
    ProviderCredential.objects.create(
        name="K", provider="openai", encrypted_key="x", test_outcome="wrong_key"
    )
    paid = BotProfile.objects.create(name="Mia", model="anthropic/claude-haiku-4-5")
    chat = Chat.objects.create(bot_profile=bot)
    Message.objects.create(
        chat=chat, role="user", content="x", outcome="failed", error_code="provider_authentication"
    )
    page = browser(acme.owner).get("/admin/")
    told = [(each.level, each.text) for each in page.context["problems"]]
    assert [level for level, _ in told] == sorted(
        (level for level, _ in told), key=["stops", "limits", "notes"].index
    )
    text = " ".join(each for _, each in told)
    for wanted in (
        "1 question failed in 24 hours with provider_authentication",
        "Mia: There is no key",
        "1 source failed to be read. The page answered 404.",
        "1 source waited longer than 15 minutes",
        "1 webhook is paused",
        "1 provider key failed in the last test.",
    ):
        assert wanted in text, wanted
    assert all(each.url for each in page.context["problems"])
    assert f"/admin/bots/botprofile/{paid.pk}/change/" in page.content.decode()
    assert browser(globex.owner, "globex").get("/admin/").context["problems"] == []


def test_a_key_that_was_refused_is_told_with_its_time_and_that_it_answers_again(acme, bot):
    chat = Chat.objects.create(bot_profile=bot)
    Message.objects.create(
        chat=chat, role="user", content="x", outcome="failed", error_code="provider_quota"
    )

    def told() -> tuple[str, str]:
        [problem] = [
            each
            for each in browser(acme.owner).get("/admin/").context["problems"]
            if "provider_quota" in each.text
        ]
        return problem.level, problem.text

    level, text = told()
    assert level == "stops"
    assert f"Ava, by {bot.model} with the platform's key, failed last at " in text
    UsageEvent.objects.create(bot_profile=bot, model=bot.model)
    level, text = told()
    assert level == "limits" and text.endswith("It has answered since.")


def test_a_quota_near_its_end_is_told(acme, bot):
    quota = Quota.objects.create(resource="tokens", limit=100, period="total", warning_percent=80)
    UsageEvent.objects.create(bot_profile=bot, model="m", total_tokens=90, prompt_tokens=90)
    told = [each.text for each in browser(acme.owner).get("/admin/").context["problems"]]
    assert f"90 % of {quota} are used." in told


def test_a_new_tenant_is_led_to_a_bot_on_its_page(acme):
    client = browser(acme.owner)

    def done() -> list[bool]:
        return [step.is_done for step in client.get("/admin/").context["steps"]]

    assert done() == [False] * 6
    with tenant_context(acme.tenant):
        bot = BotProfile.objects.create(name="Ava", model="minirag/extractive")
        assert done() == [True, True, False, False, False, False]
        add_source(bot, status="ready")
        UsageEvent.objects.create(bot_profile=bot, model="m", kind="evaluation")
        assert done() == [True, True, True, True, False, False]
        BotProfile.objects.update(allowed_origins=["https://www.acme.example.com"])
        assert done() == [True] * 5 + [False]
        answer(bot, origin="https://www.acme.example.com")
    assert done() == [], "the tag is on the page"


def test_the_week_is_compared_with_the_one_before_and_charts_are_tables(acme, bot):
    for _ in range(2):
        answer(bot, days_ago=8)
    for outcome in ("answered", "answered", "refused"):
        answer(bot, outcome=outcome, refusal_reason="no_passages" if outcome == "refused" else "")
    UsageEvent.objects.create(
        bot_profile=bot, model="gpt-4o", total_tokens=700, cost_usd="0.25", duration_ms=900
    )
    page = browser(acme.owner).get("/admin/")
    figures = {
        each.label: (each.text, each.change, each.is_good) for each in page.context["week"].figures
    }
    assert figures["Answers"] == ("3", "+50 % against the week before", None)
    assert figures["Declined"] == ("33 %", "+33 points against the week before", False)
    assert figures["Cost"] == ("$0.25", "none the week before", None)
    charts = {chart.title: chart for chart in page.context["week"].charts}
    assert charts["Declined in 7 days, by reason"].rows == [("nothing found", 1)]
    assert charts["Tokens in 7 days, by bot"].rows == [("Ava", 700, 0.25)]
    text = page.content.decode()
    assert text.count("As a table") == len(charts) and "<script>" not in text


def test_who_may_not_read_chats_is_led_to_none(acme, bot, bob):
    answer(bot)
    User.objects.filter(pk=bob.pk).update(role="viewer")
    page = browser(bob).get("/admin/")
    text = page.content.decode()
    assert (
        page.context["steps"] == []
        and "conversations/chat/" not in text
        and "Latest chats" not in text
    )


def test_the_page_takes_at_most_fifteen_queries(acme, bot):
    for number in range(5):
        other = BotProfile.objects.create(name=f"B{number}", model="minirag/extractive")
        add_source(other, status="ready")
        answer(other, days_ago=number, origin="https://a.example.com")
    client = browser(acme.owner)
    client.get("/admin/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/admin/")
    asked = [each["sql"] for each in queries.captured_queries if not _is_bookkeeping(each["sql"])]
    assert len(asked) <= 15, "\n".join(sql[:160] for sql in asked)
