"""Every dialect on both roads, however its bytes arrive: the same words come out, and no thought among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from minirag.ai.chat import (
    ChatDelta,
    ChatFinished,
    ChatRequest,
    ChatRetracted,
    ChatShortened,
    stream_chat,
)
from minirag.ai.credentials import Credentials
from minirag.ai.providers import dialects
from minirag.ai.tests.test_chat import make_request
from minirag.lib.errors import ProviderError
from tests.fakes.dialects import (
    ANSWER,
    DIALECTS,
    FORMS,
    ScriptedProvider,
    always,
    error,
    refuse_beyond_at_most_left,
    refuse_beyond_what_is_left,
    refuse_hot,
    says,
)


@pytest.fixture(autouse=True)
def nothing_learned(settings) -> None:
    dialects._learned.clear()
    settings.MODEL_MAX_RETRIES = 0


def ask(provider: ScriptedProvider, model: str = "openai/some-model", **changes) -> ChatRequest:
    return make_request(model, Credentials("k", provider.base_url), **changes)


async def listen(request: ChatRequest) -> tuple[str, ChatFinished, list[object]]:
    """The answer as a reader is left with it, its end, and all events."""
    text, events = "", []
    async for event in stream_chat(request):
        events.append(event)
        if isinstance(event, ChatRetracted):
            text = ""
        elif isinstance(event, ChatDelta):
            text += event.content
    return text, events[-1], events


CASES = [
    (name, form) for name, dialect in DIALECTS.items() for form in FORMS if form in dialect.forms
]


def test_there_are_many_dialects():
    assert len(DIALECTS) > 40


@pytest.mark.parametrize(("name", "form"), CASES)
async def test_what_comes_out_of_a_dialect(road, name, form):
    dialect = DIALECTS[name]
    with ScriptedProvider(name, form) as provider:
        if dialect.text is None:
            with pytest.raises(ProviderError) as caught:
                await listen(ask(provider))
            assert caught.value.category == dialect.fails
        else:
            text, finished, _ = await listen(ask(provider))
            assert (text.strip(), finished.finish_reason) == (dialect.text, dialect.ends)
            # LiteLLM passes a stream's counts on only where they were asked for.
            if dialect.usage is not None and (
                road == "direct" or "stream_options" in provider.requests[-1]
            ):
                assert (finished.prompt_tokens, finished.completion_tokens) == (31, 9)
    assert len(provider.requests) == dialect.asked


@pytest.mark.parametrize("name", [name for name, dialect in DIALECTS.items() if dialect.asked > 1])
async def test_what_a_model_does_not_take_is_left_out_from_then_on(road, name):
    with ScriptedProvider(name, DIALECTS[name].forms[0]) as provider:
        await listen(ask(provider))
        before = len(provider.requests)
        text, _, _ = await listen(ask(provider))
        assert (text, len(provider.requests) - before) == (DIALECTS[name].text, 1)


async def test_what_one_tenants_server_refuses_is_still_sent_to_anothers(road):
    with ScriptedProvider("no_temperature") as acme, ScriptedProvider() as globex:
        await listen(ask(acme))
        await listen(ask(globex))
    assert "temperature" not in acme.requests[-1]
    assert globex.requests[0]["temperature"] == 0.2


@pytest.fixture
def shared(monkeypatch) -> Callable[[ScriptedProvider], None]:
    """Makes a server the platform's, which every bot without a key of its own is answered by."""

    def share(provider: ScriptedProvider) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "platform")

    return share


@pytest.mark.parametrize(
    ("refuses", "acme", "sent"),
    [
        (refuse_hot, {"temperature": 1.8}, [(1.8, 90), (None, 90)]),
        (refuse_beyond_what_is_left, {"max_tokens": 300}, [(0.2, 300), (0.2, 150), (0.2, 75)]),
        (refuse_beyond_at_most_left, {"max_tokens": 300}, [(0.2, 300), (0.2, 60)]),
    ],
)
async def test_a_value_that_is_refused_changes_the_one_call_that_sent_it(
    road, shared, monkeypatch, refuses, acme, sent
):
    monkeypatch.setitem(DIALECTS, "plain", says(ANSWER, refuses=refuses))
    with ScriptedProvider() as provider:
        shared(provider)
        for changes, expected in ((acme, sent), ({}, [(0.2, 90)]), (acme, sent)):
            provider.requests.clear()
            request = make_request("openai/some-model", None, **{"max_tokens": 90, **changes})
            text, _, _ = await listen(request)
            tried = [(each.get("temperature"), each["max_tokens"]) for each in provider.requests]
            assert (text, tried) == (ANSWER, expected)
    assert not dialects._learned


async def test_an_answer_stays_bounded_however_often_its_bound_is_refused(road, monkeypatch):
    refuses = always(*error(None, "max_tokens is too large"))
    monkeypatch.setitem(DIALECTS, "plain", says(ANSWER, refuses=refuses))
    with ScriptedProvider() as provider, pytest.raises(ProviderError) as caught:
        await listen(ask(provider, max_tokens=5))
    assert caught.value.category == "bad_request"
    assert [each["max_tokens"] for each in provider.requests] == [5, 2, 1]


async def test_a_models_own_bound_is_learned_once_and_never_given_up(road, monkeypatch):
    refuses = always(*error(None, "max_tokens must be at most 8"))
    monkeypatch.setitem(DIALECTS, "plain", says(ANSWER, refuses=refuses))
    with ScriptedProvider() as provider, pytest.raises(ProviderError):
        await listen(ask(provider))
    assert [each["max_tokens"] for each in provider.requests] == [200, 8, 4, 2, 1]


async def test_rules_that_may_not_be_a_system_message_are_said_by_the_user(road):
    with ScriptedProvider("no_system") as provider:
        await listen(ask(provider))
    assert provider.requests[-1]["messages"] == [
        {"role": "user", "content": "Be brief.\n\none two three four"}
    ]


async def test_a_model_that_thinks_before_its_mark_is_held_back_from_the_second_time_on(road):
    with ScriptedProvider("think_unopened", "bytes") as provider:
        _, _, first = await listen(ask(provider))
        text, _, second = await listen(ask(provider))
    assert any(isinstance(event, ChatRetracted) for event in first)
    assert not any(isinstance(event, ChatRetracted) for event in second)
    assert text == DIALECTS["think_unopened"].text


async def test_a_model_that_is_known_to_think_first_is_held_back_at_once(road):
    with ScriptedProvider("think_unopened", "bytes") as provider:
        _, _, events = await listen(ask(provider, "openai/deepseek-r1-distill"))
    assert not any(isinstance(event, ChatRetracted) for event in events)


async def test_a_thought_that_was_cut_before_its_mark_is_no_answer(road):
    with ScriptedProvider("length") as provider:
        text, finished, _ = await listen(ask(provider, "openai/qwq-32b"))
    assert (text, finished.finish_reason) == ("", "length")


async def test_a_request_that_is_too_long_is_asked_once_more_shorter(road):
    long = ({"role": "user", "content": "word " * 500},)
    with ScriptedProvider("short_context") as provider:
        request = ask(provider, messages=long)
        limits = []

        def shorten(limit: int | None) -> ChatRequest:
            limits.append(limit)
            return replace(request, messages=({"role": "user", "content": "word"},), shorten=None)

        text, _, events = await listen(replace(request, shorten=shorten))
    assert isinstance(events[0], ChatShortened)
    assert (text, limits, len(provider.requests)) == (DIALECTS["short_context"].text, [4097], 2)


async def test_what_is_too_long_even_then_fails(road):
    with ScriptedProvider("too_long") as provider:
        request = ask(provider)
        with pytest.raises(ProviderError) as caught:
            await listen(replace(request, shorten=lambda limit: replace(request, shorten=None)))
    assert (caught.value.code, len(provider.requests)) == ("provider_context_length", 2)


async def test_a_filters_refusal_is_no_reason_to_ask_another_model(road):
    with ScriptedProvider("filter_400") as provider, pytest.raises(ProviderError) as caught:
        await listen(ask(provider, fallback_models=("minirag/extractive",)))
    assert (caught.value.code, caught.value.retryable) == ("provider_content_filter", False)


async def test_no_credit_is_an_error_in_the_log_and_no_reason_to_try_again(road, settings, caplog):
    settings.MODEL_MAX_RETRIES = 2
    with ScriptedProvider("no_quota") as provider, pytest.raises(ProviderError) as caught:
        await listen(ask(provider))
    assert (caught.value.code, caught.value.retryable) == ("provider_quota", False)
    assert len(provider.requests) == 1
    assert [record.levelname for record in caplog.records if "quota" in record.message] == ["ERROR"]
    assert "billing" not in caplog.text
