from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import traceback
from decimal import Decimal

import pytest

from minirag.ai import chat
from minirag.ai.builtin import local
from minirag.ai.builtin.offline import OfflinePassage
from minirag.ai.chat import ChatDelta, ChatFinished, ChatRequest, stream_chat
from minirag.ai.credentials import Credentials
from minirag.ai.providers.calls import Piece
from minirag.ai.tests.conftest import SECRET
from minirag.lib.errors import ProviderError

REFUNDS = OfflinePassage(
    1, "Refunds", "Goods can be returned within 30 days of delivery. We pay within a week.", 0.9
)
SHIPPING = OfflinePassage(2, "Shipping", "Parcels leave our warehouse in Graz every evening.", 0.5)


def make_request(model: str, credentials: Credentials | None = None, **changes) -> ChatRequest:
    fields = {
        "messages": (
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "one two three four"},
        ),
        "temperature": 0.2,
        "max_tokens": 200,
        "timeout_seconds": 5.0,
        **changes,
    }
    return ChatRequest(model=model, credentials=credentials, **fields)


async def collect(request: ChatRequest) -> tuple[str, ChatFinished]:
    events = [event async for event in stream_chat(request)]
    assert all(isinstance(event, ChatDelta) for event in events[:-1])
    return "".join(event.content for event in events[:-1]), events[-1]


async def fail(request: ChatRequest) -> tuple[str, ProviderError]:
    """What was streamed, and how it ended."""
    text = []
    with pytest.raises(ProviderError) as caught:
        async for event in stream_chat(request):
            text.append(event.content)
    return "".join(text), caught.value


class TestStreaming:
    async def test_an_answer_arrives_in_pieces_with_its_usage(self, provider, credentials):
        text, finished = await collect(make_request("openai/echo", credentials))
        assert text == "You said: one two three four"
        assert (finished.model, finished.prompt_tokens, finished.completion_tokens) == (
            "openai/echo",
            10,
            6,
        )
        assert finished.finish_reason == "stop"
        assert 0 < finished.first_token_seconds < 60

    async def test_the_request_carries_what_the_bot_is_set_to(self, provider, credentials):
        await collect(make_request("openai/echo", credentials))
        [request] = provider.requests
        assert request.api_key == SECRET
        assert request.body["messages"][0] == {"role": "system", "content": "Be brief."}
        assert (request.body["temperature"], request.body["max_tokens"]) == (0.2, 200)
        assert request.body["stream"] is True

    async def test_pieces_are_passed_on_as_they_come(self, provider, credentials):
        stream = stream_chat(make_request("openai/stall", credentials, timeout_seconds=60))
        heard = ""
        while heard != "You said: ":  # after which the provider says no more
            event = await anext(stream)
            heard += event.content if isinstance(event, ChatDelta) else ""
        await stream.aclose()

    async def test_the_first_tokens_time_is_measured(self, provider, credentials):
        _, finished = await collect(make_request("openai/slow-300", credentials))
        assert 0.3 <= finished.first_token_seconds < 60

    async def test_a_known_model_is_paid_for(self, provider, credentials):
        _, finished = await collect(make_request("gpt-4o-mini", credentials))
        assert finished.cost_usd == Decimal("0.0000051")

    async def test_missing_usage_is_counted_here(self, provider, credentials):
        _, finished = await collect(make_request("openai/silent-usage", credentials))
        assert 12 <= finished.prompt_tokens <= 20
        assert 6 <= finished.completion_tokens <= 8

    async def test_fifty_streams_at_once_do_not_mix(self, provider, credentials):
        def ask(number: int) -> ChatRequest:
            return make_request(
                "openai/steady-5",
                credentials,
                messages=({"role": "user", "content": f"chat {number}"},),
                timeout_seconds=120.0,
            )

        answers = await asyncio.gather(*(collect(ask(number)) for number in range(50)))
        assert [text for text, _ in answers] == [f"You said: chat {number}" for number in range(50)]


class TestFailures:
    @pytest.mark.parametrize(
        ("model", "category", "calls"),
        [
            ("error-401", "authentication", 1),
            ("error-403", "authentication", 1),
            ("error-400", "bad_request", 1),
            ("error-404", "bad_request", 1),
            ("error-429", "rate_limit", 3),
            ("error-500", "unavailable", 3),
            ("error-503", "unavailable", 3),
            ("garbage", "malformed", 3),
        ],
    )
    async def test_before_the_first_token(self, provider, credentials, model, category, calls):
        text, error = await fail(make_request(f"openai/{model}", credentials))
        assert (text, error.category) == ("", category)
        assert len(provider.requests) == calls

    @pytest.mark.parametrize("model", ["cut", "cut-clean", "error-midway"])
    async def test_a_stream_that_breaks_is_interrupted_and_never_repeated(
        self, provider, credentials, model
    ):
        text, error = await fail(
            make_request(f"openai/{model}", credentials, fallback_models=("openai/echo",))
        )
        assert (text, error.category) == ("You said: ", "interrupted")
        assert len(provider.requests) == 1

    async def test_a_broken_event_in_mid_stream_is_interrupted(self, provider, credentials):
        text, error = await fail(make_request("openai/malformed", credentials))
        assert (text, error.category) == ("You ", "interrupted")

    async def test_a_provider_that_is_not_there_is_unavailable(self, road):
        _, error = await fail(
            make_request("openai/echo", Credentials("k", "http://127.0.0.1:9/v1"))
        )
        assert error.category == "unavailable"

    async def test_silence_before_the_first_token_times_out_once(self, provider, credentials):
        text, error = await fail(make_request("openai/hang", credentials, timeout_seconds=1))
        assert (text, error.category) == ("", "timeout")
        assert len(provider.requests) == 1

    async def test_silence_in_mid_stream_times_out(self, provider, credentials):
        text, error = await fail(make_request("openai/stall", credentials, timeout_seconds=5))
        assert (text, error.category) == ("You said: ", "timeout")

    async def test_one_whose_words_are_always_there_already_ends_then_too(self, monkeypatch):
        class Flood:
            provider, was_cut_off = "openai", False
            reads = 0

            async def open(self) -> None: ...

            async def read(self, *, may_wait: bool = False) -> list[Piece]:
                self.reads += 1
                return [Piece("word ", None, None)] if self.reads < 3_000_000 else []

            async def close(self) -> None: ...

            def translate(self, error: BaseException) -> ProviderError:
                return ProviderError("timeout" if isinstance(error, TimeoutError) else "malformed")

        async def make(*arguments) -> Flood:
            return Flood()

        monkeypatch.setattr(chat, "_make_answer", make)
        text, error = await fail(make_request("openai/flood", timeout_seconds=0.1))
        assert error.category == "timeout" and text.startswith("word word")

    async def test_an_endless_answer_ends_at_four_times_the_timeout(self, provider, credentials):
        endless = ({"role": "user", "content": " ".join(f"word{n}" for n in range(500))},)
        request = make_request("openai/steady-20", credentials, timeout_seconds=1, messages=endless)
        text, error = await fail(request)
        assert error.category == "timeout"
        assert text.startswith("You said: word") and "word499" not in text

    async def test_a_rate_limit_that_passes_is_waited_out(self, provider, credentials):
        text, _ = await collect(make_request("openai/limited-2", credentials))
        assert text == "You said: one two three four"
        assert len(provider.requests) == 3

    async def test_retries_can_be_switched_off(self, provider, credentials, settings):
        settings.MODEL_MAX_RETRIES = 0
        await fail(make_request("openai/error-500", credentials))
        assert len(provider.requests) == 1

    async def test_a_missing_key_is_not_configured(self, road, monkeypatch):
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        _, error = await fail(make_request("gpt-4o-mini"))
        assert (error.category, error.status, error.retryable) == ("not_configured", 503, False)

    async def test_an_unknown_provider_is_not_configured(self, road):
        _, error = await fail(make_request("nobody/model"))
        assert error.category == "not_configured"


class TestFallback:
    async def test_the_next_model_answers_and_is_named(self, provider, credentials):
        request = make_request(
            "openai/error-503", credentials, fallback_models=("openai/error-401", "openai/echo")
        )
        text, finished = await collect(request)
        assert text == "You said: one two three four"
        assert finished.model == "openai/echo"

    async def test_the_offline_answerer_can_be_the_last_resort(self, provider, credentials):
        request = make_request(
            "openai/error-401",
            credentials,
            fallback_models=(chat.EXTRACTIVE,),
            question="When can goods be returned?",
            passages=(REFUNDS, SHIPPING),
        )
        text, finished = await collect(request)
        assert "within 30 days of delivery. [1]" in text
        assert finished.model == chat.EXTRACTIVE

    async def test_when_all_fail_the_first_failure_is_reported(self, provider, credentials):
        request = make_request(
            "openai/error-401", credentials, fallback_models=("openai/error-500",)
        )
        _, error = await fail(request)
        assert error.category == "authentication"

    async def test_a_bots_key_is_not_sent_to_another_provider(
        self, provider, credentials, monkeypatch
    ):
        monkeypatch.setenv("HOSTED_VLLM_API_BASE", provider.base_url)
        monkeypatch.setenv("HOSTED_VLLM_API_KEY", "platform-vllm-key")
        request = make_request(
            "openai/error-401", credentials, fallback_models=("hosted_vllm/echo",)
        )
        text, finished = await collect(request)
        assert (text, finished.model) == ("You said: one two three four", "hosted_vllm/echo")
        assert SECRET not in str(provider.requests[-1].headers)


class TestLeaving:
    async def test_closing_the_stream_closes_the_connection(self, provider, credentials):
        stream = stream_chat(
            make_request(
                "openai/steady-20", credentials, messages=({"role": "user", "content": "w " * 400},)
            )
        )
        await anext(stream)
        await stream.aclose()
        assert await asyncio.to_thread(provider.wait_for_broken_pipe)

    async def test_cancelling_the_task_closes_the_connection(self, provider, credentials):
        request = make_request(
            "openai/steady-20", credentials, messages=({"role": "user", "content": "w " * 400},)
        )
        reading = asyncio.create_task(collect(request))
        while not provider.requests:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await asyncio.to_thread(provider.wait_for_broken_pipe)


class TestSecrets:
    @pytest.mark.parametrize(
        "model", ["error-401", "error-429", "error-500", "garbage", "cut", "error-midway", "hang"]
    )
    async def test_no_key_and_no_provider_text_is_shown_or_logged(
        self, provider, credentials, all_logs, capfd, model
    ):
        _, error = await fail(make_request(f"openai/{model}", credentials, timeout_seconds=0.5))
        await asyncio.sleep(0.1)
        shown = (
            "".join(traceback.format_exception(error))
            + repr(error)
            + all_logs.text
            + "".join(capfd.readouterr())
        )
        assert SECRET not in shown
        assert "fake failure" not in shown and "Incorrect API key" not in shown
        assert "one two three" not in shown
        assert error.__cause__ is None and error.__context__ is None

    async def test_the_platforms_key_is_not_sent_to_an_address_a_tenant_chose(
        self, provider, monkeypatch
    ):
        monkeypatch.setenv("OPENAI_API_KEY", "sk-platform-key")
        await collect(make_request("openai/echo", Credentials(None, provider.base_url)))
        assert "sk-platform-key" not in str(provider.requests[0].headers)


class TestOfflineModel:
    async def test_it_answers_word_by_word_without_a_provider(self, embedder):
        request = make_request(
            chat.EXTRACTIVE,
            question="How long can goods be returned?",
            passages=(REFUNDS, SHIPPING),
            embedding_model=local.MINILM,
        )
        events = [event async for event in stream_chat(request)]
        assert len(events) > 10
        text = "".join(event.content for event in events[:-1])
        assert text.startswith("Goods can be returned within 30 days of delivery. [1]")
        assert events[-1].cost_usd == 0
        assert events[-1].prompt_tokens > 5 and events[-1].completion_tokens > 10

    async def test_without_the_embedder_it_answers_by_words(self, settings, tmp_path):
        settings.EMBEDDER_DIR = tmp_path
        request = make_request(
            chat.EXTRACTIVE,
            question="Where do parcels leave?",
            passages=(SHIPPING,),
            embedding_model=local.MINILM,
        )
        text, _ = await collect(request)
        assert text == "Parcels leave our warehouse in Graz every evening. [2]"

    async def test_it_falls_back_on_the_last_message_for_the_question(self):
        messages = ({"role": "user", "content": "Where is the warehouse?"},)
        text, _ = await collect(
            make_request(chat.EXTRACTIVE, messages=messages, passages=(SHIPPING,))
        )
        assert "Graz" in text

    async def test_it_does_not_block_the_event_loop(self, monkeypatch):
        begun, goes_on, answer = threading.Event(), threading.Event(), chat.answer_offline

        def wait_for_the_loop(request: ChatRequest):
            begun.set()
            assert goes_on.wait(20), "the event loop stood still"
            return answer(request)

        monkeypatch.setattr(chat, "answer_offline", wait_for_the_loop)
        passages = (OfflinePassage(1, "Pumps", "Pump 7 lifts 7 litres.", 1.0),)
        request = make_request(
            chat.EXTRACTIVE, question="What does pump 7 lift?", passages=passages
        )
        asking = asyncio.create_task(collect(request))
        while not begun.is_set():
            await asyncio.sleep(0)
        goes_on.set()
        assert "Pump 7 lifts 7 litres. [1]" in (await asking)[0]

    async def test_other_local_names_are_not_configured(self):
        _, error = await fail(make_request("minirag/imaginary"))
        assert error.category == "not_configured"


def test_the_offline_path_never_imports_litellm(embedder):
    program = (
        "import asyncio, sys, django; django.setup()\n"
        "from minirag.ai import chat, embeddings\n"
        "from minirag.ai.builtin.offline import OfflinePassage\n"
        "chat.warm_up(['minirag/extractive', 'minirag/minilm'])\n"
        "request = chat.ChatRequest('minirag/extractive', ({'role': 'user', 'content': 'Where?'},), 0, 9, None, 9,\n"
        "                           passages=(OfflinePassage(1, '', 'It is here.', 1.0),))\n"
        "async def run():\n"
        "    await embeddings.embed_query('minirag/minilm', 'x')\n"
        "    return [event async for event in chat.stream_chat(request)]\n"
        "print(len(asyncio.run(run())), 'litellm' in sys.modules, 'openai' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=600
    )
    assert done.stdout.split() == ["5", "False", "False"], done.stderr


def test_warming_up_for_a_provider_needs_no_network(litellm, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("the network was used")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    chat.warm_up(["gpt-4o-mini", "text-embedding-3-small"])
