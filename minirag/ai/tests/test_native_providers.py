"""OpenAI, Anthropic, Mistral, Azure, Ollama and vLLM in their own protocols, by the platform's environment variables as
docs/providers.md names them, through LiteLLM as it is installed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from minirag.ai.providers import dialects
from minirag.ai.providers.calls import parse_retry_after
from minirag.ai.tests.test_chat import make_request
from minirag.ai.tests.test_dialects import listen
from minirag.lib.errors import ProviderError
from tests.fakes.native_providers import ANSWER, KEY, PROVIDERS, NativeProvider

FAILS = {
    "cut": ("interrupted", True), "limited": ("rate_limit", True), "key": ("authentication", False),
    "model": ("bad_request", False), "broken": ("unavailable", True), "slow": ("timeout", True),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _alone(settings, litellm, monkeypatch) -> None:
    dialects._learned.clear()
    settings.MODEL_MAX_RETRIES = 0
    for facts in PROVIDERS.values():
        for name in (facts["base"], facts["key"]):
            if name:
                monkeypatch.delenv(name, raising=False)


def set_up(monkeypatch: pytest.MonkeyPatch, provider: NativeProvider, **changes):
    for name, value in provider.environment.items():
        monkeypatch.setenv(name, value)
    return make_request(provider.facts["model"], None, **changes)


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(
    ("scene", "ends"), [("answer", "stop"), ("length", "length"), ("filtered", "content_filter")]
)
async def test_an_answer_comes_whole_with_its_end_and_its_tokens(monkeypatch, name, scene, ends):
    if (name, scene) == ("ollama", "filtered"):
        ends = "stop"  # it has no filter
    with NativeProvider(name, scene) as provider:
        text, finished, _ = await listen(set_up(monkeypatch, provider))
        [(body, headers)] = provider.asked
    assert (text, finished.finish_reason) == ("".join(ANSWER), ends)
    assert (finished.prompt_tokens, finished.completion_tokens) == (31, 9)
    assert provider.facts["model"].endswith(body.get("model", "m"))
    sent = headers.get("x-api-key") or headers.get("api-key") or headers.get("authorization", "")
    assert sent.endswith(KEY) == (name != "ollama")


@pytest.mark.parametrize("name", PROVIDERS)
async def test_an_error_within_the_stream_ends_the_answer(monkeypatch, caplog, name):
    with NativeProvider(name, "breaks") as provider, pytest.raises(ProviderError) as failed:
        await listen(set_up(monkeypatch, provider))
    assert (failed.value.category, failed.value.retryable) == ("interrupted", True)
    assert KEY not in caplog.text and KEY not in str(failed.value)


async def test_azures_filter_bars_a_question(monkeypatch):
    with NativeProvider("azure", "barred") as provider, pytest.raises(ProviderError) as failed:
        await listen(set_up(monkeypatch, provider))
    assert (failed.value.code, failed.value.retryable) == ("provider_content_filter", False)


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("scene", FAILS)
async def test_what_fails_is_named_and_no_word_of_the_provider_comes_out(
    monkeypatch, caplog, name, scene
):
    category, retryable = FAILS[scene]
    if (name, scene) == ("ollama", "key"):
        return  # it asks for none
    with NativeProvider(name, scene) as provider:
        wait = 1.0 if scene == "slow" else 60.0
        with pytest.raises(ProviderError) as failed:
            await listen(set_up(monkeypatch, provider, timeout_seconds=wait))
    assert (failed.value.category, failed.value.retryable) == (category, retryable)
    assert failed.value.retry_after_seconds == (23 if scene == "limited" else None)
    assert KEY not in caplog.text and KEY not in str(failed.value)


def test_when_to_come_back_is_read_as_number_and_as_date():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 0 < parse_retry_after(soon) <= 90
    assert parse_retry_after("1e308") == parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT") == 86400
    for value in (
        "0",
        "-5",
        "nan",
        "inf",
        "soon",
        "Mon, 01 Jan 2001 00:00:00 -0000",
        "Mon, 01 Jan 2001 00:00:00 GMT",
        "Mon, 1 Jan 99999999999999999999 0:0:0 GMT",
        "Mon, 01 Jan 2040 00:00:00 +9999999999999",
        "",
        None,
    ):
        assert parse_retry_after(value) == 0
