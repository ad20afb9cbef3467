"""What a bot lacks, as its page, the list of bots and the API say it."""

from __future__ import annotations

import pytest

from bots.models import BotDraft, BotProfile, ProviderChoice, ProviderCredential
from bots.readiness.judging import Readiness, judge_bots
from tenants.context import tenant_context
from tests.admin_sessions import log_in_to_admin

LOCAL, PAID = "minirag/extractive", "gpt-4o-mini"


@pytest.fixture(autouse=True)
def _no_key_of_the_platform(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def browser(party):
    slug = party.slug
    return log_in_to_admin(party.owner, f"sessionid_{slug}", SCRIPT_NAME=f"/t/{slug}")


def add_sources(bot, *statuses):
    dataset_model = BotProfile._meta.get_field("private_dataset").related_model
    dataset, _ = dataset_model.objects.get_or_create(
        bot_profile=bot, defaults={"name": bot.name, "embedding_model": "minirag/hash"}
    )
    for number, status in enumerate(statuses):
        dataset.sources.create(
            name=f"S{number}", source_type="text", bot_profile=bot, status=status
        )


def choose(bot, outcome=""):
    key = ProviderCredential(name=f"K{bot.name}", provider="openai", test_outcome=outcome)
    key.encrypted_key = "sealed"
    key.save()
    ProviderChoice.objects.create(bot_profile=bot, credential=key, provider="openai")


def codes(bot):
    judged = judge_bots([bot])[bot.pk]
    return judged.state, {each.code for each in judged.findings} - {"no_page"}


def test_each_lack_is_named(in_acme):
    make = BotProfile.objects.create
    ready = make(name="ready", model=LOCAL)
    add_sources(ready, "ready")
    assert codes(ready) == (Readiness.READY, set())
    assert codes(make(name="none", model=LOCAL)) == (Readiness.LIMITED, {"no_sources"})
    table = {
        ("error", "error"): (Readiness.LIMITED, {"sources_failed"}),
        ("error", "ready"): (Readiness.READY, {"some_sources_failed"}),
        ("pending",): (Readiness.LIMITED, {"sources_waiting"}),
    }
    for number, (statuses, told) in enumerate(table.items()):
        bot = make(name=str(number), model=LOCAL)
        add_sources(bot, *statuses)
        assert codes(bot) == told
    off = make(name="off", model=LOCAL, is_active=False)
    BotDraft.objects.create(bot_profile=off, changes={"passage_count": 8})
    add_sources(off, "ready")
    assert codes(off) == (Readiness.BLOCKED, {"inactive", "draft_waits"})


def test_a_model_without_a_key_stops_a_bot_and_one_beside_limits_it(in_acme, monkeypatch, settings):
    bot = BotProfile.objects.create(name="paid", model=PAID)
    add_sources(bot, "ready")
    assert codes(bot) == (Readiness.BLOCKED, {"no_key"})
    choose(bot)
    assert codes(bot) == (Readiness.READY, set())
    bot.embedding_model, bot.rerank_model = "text-embedding-3-small", "cohere/rerank-v3.5"
    assert codes(bot) == (Readiness.LIMITED, {"no_key_beside"})
    monkeypatch.setenv("COHERE_API_KEY", "x")
    assert codes(bot) == (Readiness.READY, set())
    bot.model = "anthropic/claude-haiku-4-5"
    monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    ProviderCredential.objects.update(test_outcome="wrong_key")
    assert codes(bot) == (Readiness.LIMITED, {"key_fails_beside"})
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    bot.model = PAID
    for outcome, found in (("wrong_key", {"key_fails"}), ("busy", set()), ("works", set())):
        ProviderCredential.objects.update(test_outcome=outcome)
        assert codes(bot)[1] == found
    bot.encrypted_credentials = "its own"
    assert codes(bot)[0] == Readiness.READY
    settings.DEFAULT_EMBEDDING_MODEL = "mistral/mistral-embed"
    default = BotProfile.objects.create(name="default", model=LOCAL)
    add_sources(default, "ready")
    assert codes(default)[1] == {"no_key_beside"}, "what is not said of a bot counts as well"
    settings.DEFAULT_EMBEDDING_MODEL = "minirag/hash"
    claude = BotProfile.objects.create(name="claude", model="anthropic/claude-haiku-4-5")
    add_sources(claude, "ready")
    assert codes(claude)[1] == {"no_key"}
    monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    assert codes(claude)[1] == set()


def test_the_api_and_both_pages_tell_it_and_no_other_tenants(acme, globex, as_acme, as_globex):
    with tenant_context(acme.tenant):
        bot = BotProfile.objects.create(name="Ava", model=PAID)
    url = f"/v1/bot-profiles/{bot.pk}/readiness"
    told = as_acme.get(url).json()
    assert told["state"] == "blocked" and told["findings"][-2]["code"] == "no_key"
    assert as_globex.get(url).status_code == 404
    alice = browser(acme)
    page = alice.get(f"/admin/bots/botprofile/{bot.pk}/change/").content.decode()
    assert "There is no key for gpt-4o-mini: asking gives 503." in page and "Add a source" in page
    assert "Not ready" in alice.get("/admin/bots/botprofile/").content.decode()


def test_the_list_is_judged_in_as_many_queries_as_one_bot(in_acme, django_assert_num_queries):
    bots = [BotProfile.objects.create(name=str(number), model=LOCAL) for number in range(5)]
    for bot in bots:
        add_sources(bot, "ready", "error")
    for asked in (bots[:1], bots):
        with django_assert_num_queries(3):
            judge_bots(asked)


def test_models_are_searched_while_one_types(acme, globex):
    found = browser(acme).get("/admin/bots/botprofile/models/?mode=chat&q=4o-mini").json()
    first = found["items"][0]
    assert first["model"] == "gpt-4o-mini"
    assert (
        first["facts"] == "openai · 128,000 tokens · $0.15 in, $0.6 out per million tokens · no key"
    )
    stranger = browser(globex).get("/admin/bots/botprofile/models/?q=minirag").json()
    assert {"minirag/extractive", "minirag/minilm"} <= {each["model"] for each in stranger["items"]}
