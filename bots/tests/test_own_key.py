"""A bot's own key goes to the provider that it was entered for, and to nobody else."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync

from bots.models import BotProfile
from bots.providers.lending import lend_key
from bots.readiness.judging import judge_bot
from minirag.ai.credentials import Credentials
from minirag.ai.embeddings import _choose_key
from minirag.ai.lending import lend_credentials
from tests.admin_sessions import form_of_bot, log_in_to_admin

JSON = "application/json"
KEY, OTHER = "sk-of-openai-0123456789", "sk-of-anthropic-0123456789"
OPENAI, CLAUDE = "openai/gpt-4o-mini", "anthropic/claude-3-5-haiku-latest"


@pytest.fixture(autouse=True)
def _no_key_of_the_platform(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_a_key_that_is_of_one_provider_is_lent_to_no_other():
    chosen = Credentials(api_key=OTHER)
    own = Credentials(api_key=KEY, provider="openai")
    both = Credentials(api_key=KEY, provider="openai", chosen=(("anthropic", chosen),))
    unknown = Credentials(api_key=KEY)
    lend = async_to_sync(lend_credentials)
    for credentials, owner, model, expected in (
        (own, OPENAI, OPENAI, KEY),
        (own, CLAUDE, OPENAI, KEY),
        (own, CLAUDE, CLAUDE, None),
        (own, OPENAI, CLAUDE, None),
        (both, CLAUDE, CLAUDE, OTHER),
        (both, CLAUDE, OPENAI, KEY),
        (unknown, CLAUDE, CLAUDE, KEY),
    ):
        lent = lend(credentials, owner, model)
        assert (lent and lent.api_key) == expected, (owner, model)
    assert _choose_key("voyage/voyage-3", own) is None
    assert _choose_key("openai/text-embedding-3-small", own) == own
    at_home = Credentials(api_key=KEY, api_base="https://llm.example.com/v1", provider="openai")
    assert _choose_key("cohere/embed-v4.0", at_home) == at_home


def test_a_bots_key_remembers_whose_it_is(in_acme, as_acme):
    body = {"name": "Ava", "model": OPENAI, "credentials": {"api_key": KEY}}
    made = as_acme.post("/v1/bot-profiles", body, content_type=JSON).json()
    url = f"/v1/bot-profiles/{made['id']}"
    as_acme.patch(url, {"model": CLAUDE}, content_type=JSON)
    bot = BotProfile.objects.get()
    assert as_acme.get(f"{url}/settings").json()["key_provider"] == "openai"
    assert async_to_sync(lend_key)(bot, CLAUDE) is None
    [finding] = [each for each in judge_bot(bot).findings if each.code == "no_key"]
    assert "Its own key is of openai" in finding.detail
    both = {"model": CLAUDE, "credentials": {"api_key": OTHER}}
    as_acme.patch(url, both, content_type=JSON)
    bot.refresh_from_db()
    assert (bot.key_provider, bot.credentials.api_key) == ("anthropic", OTHER)
    assert async_to_sync(lend_key)(bot, CLAUDE).api_key == OTHER
    as_acme.patch(url, {"credentials": {}}, content_type=JSON)
    bot.refresh_from_db()
    assert (bot.key_provider, bot.has_credentials) == ("", False)


def test_a_key_that_was_entered_offline_is_the_first_providers_that_is_asked(in_acme, as_acme):
    body = {"name": "Ava", "model": "minirag/extractive", "credentials": {"api_key": KEY}}
    made = as_acme.post("/v1/bot-profiles", body, content_type=JSON).json()
    url = f"/v1/bot-profiles/{made['id']}"
    for model in (OPENAI, CLAUDE):
        as_acme.patch(url, {"model": model}, content_type=JSON)
        bot = BotProfile.objects.get()
        assert bot.key_provider == "openai"
        lent = async_to_sync(lend_key)(bot, model)
        assert (lent and lent.api_key) == (KEY if model == OPENAI else None)


def test_a_key_entered_in_the_form_is_for_the_model_in_the_form(in_acme):
    bot = BotProfile.objects.create(name="Ava", model="minirag/extractive")
    client = log_in_to_admin(in_acme.owner, "sessionid_acme", SCRIPT_NAME="/t/acme")
    form = form_of_bot(client, bot, model=CLAUDE, new_api_key=OTHER)
    assert client.post(f"/admin/bots/botprofile/{bot.pk}/change/", form).status_code == 302
    bot.refresh_from_db()
    assert (bot.model, bot.key_provider) == (CLAUDE, "anthropic")
