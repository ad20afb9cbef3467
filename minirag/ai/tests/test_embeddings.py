from __future__ import annotations

import asyncio
import threading
import traceback
from decimal import Decimal

import numpy as np
import pytest
from billiard.exceptions import SoftTimeLimitExceeded

from minirag.ai import embeddings
from minirag.ai.builtin import local
from minirag.ai.credentials import Credentials
from minirag.ai.embeddings import EmbedderMissing, embed_query, embed_texts, profile_of
from minirag.ai.providers import gateway
from minirag.ai.tests.conftest import SECRET
from minirag.lib.errors import ProviderError


def fail_to_embed(model: str, credentials: Credentials | None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        embed_texts(model, ["one", "two"], kind="document", credentials=credentials)
    return caught.value


class TestLocalModels:
    def test_minilm_embeds_in_this_process_for_nothing(self, embedder):
        result = embed_texts("minirag/minilm", ["a refund", "a volcano"], kind="document")
        assert result.vectors.shape == (2, 384)
        assert result.model == "minirag/minilm"
        assert result.tokens == 9
        assert result.cost_usd == Decimal(0)

    def test_hash_puts_shared_words_near_each_other(self):
        vectors = embed_texts(
            "minirag/hash", ["blue pump valve", "pump valve", "tax law"], kind="document"
        ).vectors
        assert vectors[0] @ vectors[1] > 0.7 > 0.3 > vectors[0] @ vectors[2]
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1)

    def test_hash_gives_even_an_empty_text_a_vector(self):
        assert np.linalg.norm(embed_texts("minirag/hash", [""], kind="query").vectors) == 1

    def test_an_unknown_local_model_is_not_configured(self):
        assert fail_to_embed("minirag/nothing", None).category == "not_configured"

    def test_a_missing_embedder_says_so(self, settings, tmp_path):
        settings.EMBEDDER_DIR = tmp_path
        with pytest.raises(EmbedderMissing):
            embed_texts("minirag/minilm", ["x"], kind="query")

    async def test_a_query_is_embedded_off_the_event_loop(self, embedder, monkeypatch):
        threads, ticked = [], threading.Event()
        encode = local.encode_locally

        def encode_slowly(*arguments, **options):
            threads.append(threading.current_thread())
            assert ticked.wait(60), "nothing else went on"
            return encode(*arguments, **options)

        monkeypatch.setattr(local, "encode_locally", encode_slowly)
        asking = asyncio.create_task(embed_query("minirag/minilm", "How long is the warranty?"))
        ticks = 0
        while not asking.done():
            await asyncio.sleep(0.01)
            ticks += 1
            if ticks == 8:
                ticked.set()
        assert (await asking).vectors.shape == (1, 384)
        assert threads == [thread for thread in threads if thread is not threading.main_thread()]
        assert ticks >= 8


class TestApiModels:
    def test_vectors_come_in_order_and_normalised_with_their_tokens(self, provider, credentials):
        result = embed_texts(
            "openai/embed-32",
            ["pump", "pump valve", "tax"],
            kind="document",
            credentials=credentials,
        )
        assert result.vectors.shape == (3, 32)
        assert np.allclose(np.linalg.norm(result.vectors, axis=1), 1)
        assert result.vectors[0] @ result.vectors[1] > 0.5 > result.vectors[0] @ result.vectors[2]
        assert result.tokens == 4
        assert provider.requests[0].api_key == SECRET

    def test_many_texts_go_in_batches_of_128(self, provider, credentials):
        texts = [f"text number {number}" for number in range(300)]
        result = embed_texts("openai/embed-32", texts, kind="document", credentials=credentials)
        assert [len(request.body["input"]) for request in provider.requests] == [128, 128, 44]
        assert result.vectors.shape == (300, 32)

    def test_no_texts_make_no_call(self, provider, credentials):
        result = embed_texts("openai/embed-32", [], kind="document", credentials=credentials)
        assert result.vectors.shape[0] == 0
        assert provider.requests == []

    def test_an_empty_text_does_not_sink_its_batch(self, provider, credentials):
        embed_texts("openai/embed-32", ["", "x"], kind="document", credentials=credentials)
        assert provider.requests[0].body["input"] == ["-", "x"]

    def test_known_models_are_paid_for(self, provider, credentials):
        result = embed_texts(
            "text-embedding-3-small", ["a b c d"] * 1000, kind="document", credentials=credentials
        )
        assert result.tokens == 4000
        assert result.cost_usd == Decimal("0.00008")

    @pytest.mark.parametrize(
        ("model", "category", "calls"),
        [
            ("error-401", "authentication", 1),
            ("error-400", "bad_request", 1),
            ("error-429", "rate_limit", 3),
            ("error-500", "unavailable", 3),
            ("error-503", "unavailable", 3),
            ("malformed", "malformed", 3),
            ("embed-short", "malformed", 1),
        ],
    )
    def test_failures_are_mapped_and_only_passing_ones_retried(
        self, provider, credentials, model, category, calls
    ):
        error = fail_to_embed(f"openai/{model}", credentials)
        assert error.category == category
        assert len(provider.requests) == calls

    def test_a_rate_limit_that_passes_is_waited_out(self, provider, credentials):
        assert embed_texts(
            "openai/limited-2", ["x"], kind="document", credentials=credentials
        ).vectors.shape == (1, 64)
        assert len(provider.requests) == 3

    def test_a_silent_provider_times_out_without_a_second_wait(
        self, provider, credentials, settings
    ):
        settings.MODEL_TIMEOUT_SECONDS = 0.5
        assert fail_to_embed("openai/hang", credentials).category == "timeout"
        assert len(provider.requests) == 1

    def test_a_missing_key_is_not_configured(self, road, monkeypatch):
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        assert fail_to_embed("text-embedding-3-small", None).category == "not_configured"

    def test_an_unknown_provider_is_not_configured(self, road, capfd):
        assert fail_to_embed("nobody/model", None).category == "not_configured"
        assert capfd.readouterr() == ("", "")

    async def test_a_query_reaches_the_provider_from_the_event_loop(self, provider, credentials):
        result = await embed_query("openai/embed-32", "pump", credentials=credentials)
        assert result.vectors.shape == (1, 32)

    def test_a_provider_that_distinguishes_questions_is_told(self):
        assert embeddings.KIND_ARGUMENTS["cohere"]["query"] == {"input_type": "search_query"}
        assert embeddings.KIND_ARGUMENTS["voyage"]["document"] == {"input_type": "document"}


class TestSecrets:
    def test_credentials_never_show_the_key(self):
        assert SECRET not in repr(Credentials(SECRET, "http://example.com/v1"))

    def test_a_route_never_shows_the_key(self, credentials):
        assert SECRET not in repr(gateway.find_route("openai/echo", credentials))

    def test_the_platforms_key_is_not_sent_to_an_address_a_tenant_chose(
        self, provider, monkeypatch
    ):
        monkeypatch.setenv("OPENAI_API_KEY", "sk-platform-key")
        embed_texts(
            "openai/embed-32",
            ["x"],
            kind="document",
            credentials=Credentials(None, provider.base_url),
        )
        assert "sk-platform-key" not in str(provider.requests[0].headers)

    def test_a_refused_key_shows_neither_in_the_error_nor_in_the_logs(
        self, provider, credentials, all_logs, capfd
    ):
        error = fail_to_embed("openai/error-401", credentials)
        shown = (
            "".join(traceback.format_exception(error)) + all_logs.text + "".join(capfd.readouterr())
        )
        assert SECRET not in shown
        assert "Incorrect API key" not in shown
        assert error.__context__ is None and error.__cause__ is None
        assert "authentication" in all_logs.text


class TestProfiles:
    def test_minilm_has_the_measured_numbers(self):
        profile = profile_of("minirag/minilm")
        assert (profile.dimensions, profile.floor, profile.non_english_floor) == (384, 0.344, 0.17)
        assert (profile.cos_weight, profile.lexical_weight, profile.english_only) == (
            0.6,
            0.4,
            True,
        )

    @pytest.mark.parametrize(
        ("model", "dimensions"),
        [
            ("minirag/hash", 384),
            ("text-embedding-3-small", 1536),
            ("openai/text-embedding-3-large", 3072),
            ("text-embedding-ada-002", 1536),
            ("gemini/gemini-embedding-001", 3072),
            ("cohere/embed-multilingual-v3.0", 1024),
            ("voyage/voyage-3-lite", 512),
            ("ollama/some-model", None),
        ],
    )
    def test_dimensions_are_known_or_left_open(self, model, dimensions):
        assert profile_of(model).dimensions == dimensions


def test_a_workers_time_limit_is_not_taken_for_a_failing_provider():
    calls = []

    def request(batch: list[str]) -> None:
        calls.append(batch)
        raise SoftTimeLimitExceeded

    with pytest.raises(SoftTimeLimitExceeded):
        embeddings._request_batch(embeddings.Embedder("openai", request, gateway.translate), ["a"])
    assert len(calls) == 1
