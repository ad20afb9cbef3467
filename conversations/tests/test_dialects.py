"""What a visitor gets of a provider that speaks otherwise, through a whole turn: JSON, events and OpenAI's protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bots.models import BotProfile
from conversations.models import Message
from conversations.tests.conftest import make_bot, teach
from conversations.tests.test_api_chat import post_chat
from minirag.ai.credentials import Credentials
from minirag.ai.providers import dialects
from tenants.context import tenant_context
from tests.fakes.dialects import (
    ANSWER,
    CUT,
    DIALECTS,
    Dialect,
    ScriptedProvider,
    error,
    refuse_beyond_what_is_left,
    refuse_hot,
    says,
)
from webhooks.models import Delivery, Webhook

QUESTION = "Until when are parcels accepted?"
FACTS = """# Parcels

Parcels are accepted until 17:45 on weekdays.

# Letters

Letters are accepted until 18:00, parcels in the yard only.
"""


@pytest.fixture
def provider(settings) -> Iterator[ScriptedProvider]:
    dialects._learned.clear()
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    settings.MODEL_MAX_RETRIES = 0
    with ScriptedProvider() as running:
        yield running


@pytest.fixture
def bot(in_acme, provider) -> BotProfile:
    bot = make_bot(name="Porter", model="openai/some-model", refusal_floor=0.0)
    bot.set_credentials(Credentials("k", provider.base_url))
    bot.save()
    teach(bot, FACTS)
    return bot


def ask(acme, bot: BotProfile, **fields) -> dict:
    body = {"bot_profile_id": str(bot.pk), "message": QUESTION, "extended": True, **fields}
    response, content = post_chat(acme, body)
    assert response.status_code == 200, content
    return json.loads(content)


@pytest.mark.parametrize("way", [True, False], ids=["direct", "litellm"])
@pytest.mark.parametrize(
    "name",
    ["think", "think_in_pieces", "think_unopened", "think_nested", "harmony", "magistral", "parts",
     "thinking_parts", "reasoning_content", "no_temperature", "no_system", "gzip", "json_lines"],
)  # fmt: skip
def test_a_visitor_gets_the_answer_and_its_citation(acme, bot, provider, settings, name, way):
    settings.DIRECT_OPENAI = way
    provider.name, provider.form = name, "bytes"
    answer = ask(acme, bot)
    assert answer["message"]["content"] == ANSWER
    assert [each["number"] for each in answer["citations"]] == [1]
    stored = Message.objects.get(pk=answer["message"]["id"])
    assert (stored.content, stored.question.citation_valid) == (ANSWER, True)


@pytest.mark.parametrize("way", [True, False], ids=["direct", "litellm"])
@pytest.mark.parametrize(
    ("refuses", "wish"),
    [(refuse_hot, {"temperature": 1.8}), (refuse_beyond_what_is_left, {"max_tokens": 300})],
)
def test_what_one_tenants_bot_asks_too_much_of_the_platforms_model_is_still_asked_for_anothers(
    acme, globex, bot, provider, settings, monkeypatch, refuses, wish, way
):
    settings.DIRECT_OPENAI = way
    monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "platform")
    monkeypatch.setitem(DIALECTS, "plain", says(ANSWER, refuses=refuses))
    usual = {"temperature": 0.4, "max_tokens": 90}
    bot.set_credentials(Credentials())
    for name, value in (usual | wish).items():
        setattr(bot, name, value)
    bot.save()
    with tenant_context(globex.tenant):
        other = make_bot(name="Gate", model=bot.model, refusal_floor=0.0, **usual)
        teach(other, FACTS)
    assert ask(acme, bot)["message"]["content"] == ANSWER
    assert len(provider.requests) > 1
    provider.requests.clear()
    assert ask(globex, other)["message"]["content"] == ANSWER
    [request] = provider.requests
    assert {name: request.get(name) for name in usual} == usual


@pytest.mark.parametrize(("name", "reason"), [("length", "length"), ("safety", "content_filter")])
class TestACutAnswer:
    def test_is_stored_and_shown_as_cut(self, acme, as_acme, bot, provider, name, reason):
        provider.name = name
        answer = ask(acme, bot)
        assert (answer["message"]["content"], answer["cut_reason"]) == (CUT, reason)
        chat_id, message_id = answer["chat_id"], answer["message"]["id"]
        message = as_acme.get(f"/v1/chat/{chat_id}/messages/{message_id}").json()
        assert (message["outcome"], message["cut_reason"]) == ("answered", reason)
        [turn] = as_acme.get("/v1/chat-logs").json()["items"]
        assert turn["cut_reason"] == reason

    def test_says_so_in_done(self, acme, bot, provider, name, reason):
        provider.name = name
        body = {"bot_profile_id": str(bot.pk), "message": QUESTION, "stream": True}
        for extended in (True, False):
            _, stream = post_chat(acme, {**body, "extended": extended})
            done = json.loads(stream.split("event: done\ndata: ")[1].split("\n")[0])
            assert done.get("cut_reason") == (reason if extended else None)
            assert ("cut_reason" in done) is extended

    def test_says_so_in_openais_words(self, acme, bot, provider, name, reason):
        provider.name = name
        body = {"model": str(bot.pk), "messages": [{"role": "user", "content": QUESTION}]}
        _, whole = post_chat(acme, body, "/v1/chat/completions")
        assert json.loads(whole)["choices"][0]["finish_reason"] == reason
        _, stream = post_chat(acme, {**body, "stream": True}, "/v1/chat/completions")
        assert f'"finish_reason": "{reason}"' in stream


@pytest.mark.parametrize("name", ["filter_400", "filter_by_text", "filtered_at_once"])
def test_a_filters_refusal_is_a_plain_refusal_with_its_own_code(acme, as_acme, bot, provider, name):
    provider.name = name
    answer = ask(acme, bot)
    assert answer["message"]["content"] == "I cannot answer that question."
    assert (answer["refusal"]["reason"], answer["cut_reason"]) == ("content_filter", None)
    assert answer["citations"] == []
    [turn] = as_acme.get("/v1/chat-logs").json()["items"]
    assert (turn["outcome"], turn["error_code"]) == ("refused", "provider_content_filter")
    body = {"model": str(bot.pk), "messages": [{"role": "user", "content": QUESTION}]}
    _, whole = post_chat(acme, body, "/v1/chat/completions")
    assert json.loads(whole)["choices"][0]["finish_reason"] == "content_filter"


def test_what_is_too_long_is_asked_again_without_history_and_with_fewer_passages(
    acme, bot, provider, monkeypatch
):
    for day in ("Saturday", "Sunday", "Monday"):
        teach(bot, f"Parcels are accepted on {day} as well. " + f"{day} is a day. " * 30, name=day)
    chat_id = ask(acme, bot)["chat_id"]
    monkeypatch.setitem(DIALECTS, "plain", refuse_once())
    provider.requests.clear()
    answer = ask(acme, bot, chat_id=chat_id)
    assert answer["message"]["content"] == ANSWER
    long, short = [request["messages"] for request in provider.requests]
    assert [message["role"] for message in long] == ["system", "user", "assistant", "user"]
    assert [message["role"] for message in short] == ["system", "user"]
    assert '<source id="1"' in short[1]["content"] and QUESTION in short[1]["content"]
    assert len(short[1]["content"]) < len(long[3]["content"])


def refuse_once() -> Dialect:
    calls = []

    def refuse(body):
        calls.append(body)
        too_long = error("context_length_exceeded", "Too many tokens for the context window.")
        return too_long if len(calls) == 1 else None

    return says(ANSWER, refuses=refuse)


@pytest.mark.parametrize(
    ("name", "status", "code", "retryable"),
    [
        ("no_quota", 503, "provider_quota", False),
        ("rate_limit", 429, "provider_rate_limit", True),
        ("too_long", 502, "provider_context_length", False),
        ("empty", 502, "provider_empty", True),
        ("tool_calls", 502, "provider_empty", True),
        ("think_unclosed", 502, "provider_empty", True),
        ("web_page", 502, "provider_malformed", True),
        ("broke_down", 502, "provider_interrupted", True),
    ],
)
def test_what_fails_has_a_code_and_says_whether_to_try_again(
    acme, bot, provider, name, status, code, retryable
):
    provider.name = name
    body = {"bot_profile_id": str(bot.pk), "message": QUESTION}
    response, content = post_chat(acme, body)
    error = json.loads(content)
    assert (response.status_code, error["code"], error["retryable"]) == (status, code, retryable)
    assert "billing" not in error["detail"]


def test_whoever_pays_is_told_once_an_hour_that_there_is_no_credit(acme, as_acme, bot, provider):
    Webhook.objects.create(url="https://hooks.acme.example/", events=["provider.refused"])
    provider.name = "no_quota"
    for _ in range(3):
        post_chat(acme, {"bot_profile_id": str(bot.pk), "message": QUESTION})
    [told] = Delivery.objects.all()
    assert json.loads(told.body) == {
        "bot_profile_id": str(bot.pk),
        "model": "openai/some-model",
        "code": "provider_quota",
    }
    [failure] = as_acme.get("/v1/system/health/detailed").json()["provider_failures"]
    assert (failure["code"], failure["count"], failure["is_lasting"]) == ("provider_quota", 3, True)
