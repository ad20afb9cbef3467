"""An address that a tenant chose is reached by vetted connections only, whichever road a call takes."""

from __future__ import annotations

import asyncio

import pytest

from minirag.ai.credentials import Credentials
from minirag.ai.embeddings import embed_texts
from minirag.ai.providers import connections
from minirag.ai.tests.conftest import SECRET
from minirag.ai.tests.scripted_server import ScriptedServer
from minirag.ai.tests.test_chat import collect, fail, make_request
from minirag.lib.errors import ProviderError
from minirag.lib.http_out.client import check_url

PUBLIC = "93.184.216.34"


class Resolver:
    """Gives each look-up the next of its answers, the last one forever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def resolver(monkeypatch) -> Resolver:
    """A name server in the hands of a tenant: it answers with this machine."""
    hostile = Resolver(["127.0.0.1"])
    monkeypatch.setattr(connections, "resolve_host", hostile)
    return hostile


def name_server(provider) -> Credentials:
    return Credentials(SECRET, f"http://models.acme.example:{provider.port}/v1")


def fail_to_embed(credentials: Credentials, model: str = "openai/embed-8") -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        embed_texts(model, ["one"], kind="document", credentials=credentials)
    return caught.value


class TestAddresses:
    async def test_a_name_that_points_inside_at_call_time_is_refused(
        self, provider, resolver, settings
    ):
        settings.OUTBOUND_ALLOWED_HOSTS = []
        credentials = name_server(provider)
        check_url(credentials.api_base)
        _, error = await fail(make_request("openai/echo", credentials))
        assert (error.category, error.retryable) == ("not_configured", False)
        assert (provider.requests, resolver.asked) == ([], ["models.acme.example"])

    async def test_one_private_address_among_public_ones_is_enough(
        self, provider, resolver, settings
    ):
        settings.OUTBOUND_ALLOWED_HOSTS = []
        resolver.answers = [[PUBLIC, "127.0.0.1"]]
        _, error = await fail(make_request("openai/echo", name_server(provider)))
        assert (error.category, provider.requests) == ("not_configured", [])

    async def test_the_vetted_address_is_the_one_connected_to(
        self, provider, resolver, settings, monkeypatch
    ):
        """The name is looked up once; a second look-up, by whatever library, would end up inside."""
        settings.OUTBOUND_ALLOWED_HOSTS = []
        resolver.answers = [[PUBLIC], ["127.0.0.1"]]
        called = []

        async def connect(self, sock, address):
            called.append(address[:2])
            raise OSError("no network here")

        monkeypatch.setattr("asyncio.selector_events.BaseSelectorEventLoop.sock_connect", connect)
        settings.MODEL_MAX_RETRIES = 0
        _, error = await fail(make_request("openai/echo", name_server(provider)))
        assert error.category == "unavailable"
        assert called == [(PUBLIC, provider.port)]
        assert resolver.asked == ["models.acme.example"]

    def test_embeddings_are_guarded_as_well(self, provider, resolver, settings):
        settings.OUTBOUND_ALLOWED_HOSTS = []
        assert fail_to_embed(name_server(provider)).category == "not_configured"
        assert (provider.requests, resolver.asked) == ([], ["models.acme.example"])

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "169.254.169.254", "10.0.0.1"]
    )
    async def test_a_private_address_is_refused_at_call_time(self, provider, settings, host):
        settings.OUTBOUND_ALLOWED_HOSTS = []
        credentials = Credentials(SECRET, f"http://{host}:{provider.port}/v1")
        _, error = await fail(make_request("openai/echo", credentials))
        assert error.category == fail_to_embed(credentials).category == "not_configured"
        assert provider.requests == []

    async def test_a_host_that_the_operator_opened_is_reached_by_name(
        self, provider, resolver, settings
    ):
        settings.OUTBOUND_ALLOWED_HOSTS = ["models.acme.example"]
        text, _ = await collect(make_request("openai/echo", name_server(provider)))
        assert text == "You said: one two three four"
        assert provider.requests[0].headers["host"] == f"models.acme.example:{provider.port}"
        assert embed_texts(
            "openai/embed-8", ["x"], kind="query", credentials=name_server(provider)
        ).vectors.shape == (1, 8)

    async def test_a_host_that_was_closed_again_is_refused_at_once(
        self, provider, credentials, settings
    ):
        await collect(make_request("openai/echo", credentials))
        settings.OUTBOUND_ALLOWED_HOSTS = []
        _, error = await fail(make_request("openai/echo", credentials))
        assert (error.category, len(provider.requests)) == ("not_configured", 1)

    @pytest.mark.parametrize(
        "base", ["ftp://models.example/v1", "http://u:pw@models.example/v1", "not a url", "//x"]
    )
    async def test_an_address_that_is_none_is_not_configured(self, road, base):
        _, error = await fail(make_request("openai/echo", Credentials("k", base)))
        assert error.category == "not_configured"

    async def test_the_environments_proxy_is_not_used(self, provider, credentials, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        assert (await collect(make_request("openai/echo", credentials)))[
            0
        ] == "You said: one two three four"


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    async def test_a_redirect_is_refused(self, provider, status):
        head = b"HTTP/1.1 %d Elsewhere\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n"
        inside = provider.base_url.encode() + b"/chat/completions"
        async with ScriptedServer(packets=(), head=head % (status, inside)) as outside:
            credentials = Credentials(SECRET, outside.base_url)
            _, error = await fail(make_request("openai/echo", credentials))
            embedding = await asyncio.to_thread(fail_to_embed, credentials)
        assert (error.category, embedding.category) == ("bad_request", "bad_request")
        assert (len(outside.requests), provider.requests) == (2, [])


class TestUnguardedProviders:
    @pytest.mark.parametrize(
        "model",
        [
            "anthropic/claude-3-5-sonnet-20240620", "azure/gpt-4o", "gemini/gemini-1.5-pro", "ollama_chat/llama3",
            "ollama/llama3", "groq/llama3-8b-8192", "mistral/mistral-large-latest", "openai_like/x",
            "litellm_proxy/x", "huggingface/x", "text-completion-openai/x", "cohere/command-r", "replicate/x",
        ],
    )  # fmt: skip
    async def test_an_address_is_refused_where_litellm_would_connect_by_itself(
        self, provider, credentials, model
    ):
        _, error = await fail(make_request(model, credentials))
        assert (error.category, provider.requests) == ("not_configured", [])
        assert fail_to_embed(credentials, model).category == "not_configured"
        assert provider.requests == []

    @pytest.mark.parametrize("model", ["openai/responses/gpt-4o", "o1-pro", "openai/o1-pro"])
    async def test_the_responses_api_is_never_called_by_litellm_at_a_tenants_address(
        self, provider, credentials, settings, model
    ):
        settings.DIRECT_OPENAI = False
        _, error = await fail(make_request(model, credentials))
        assert (error.category, provider.requests) == ("not_configured", [])

    @pytest.mark.parametrize(
        "model", ["huggingface/http://127.0.0.1:{port}/v1", "oobabooga/http://127.0.0.1:{port}"]
    )
    async def test_a_url_for_a_models_name_is_refused(self, provider, model):
        _, error = await fail(make_request(model.format(port=provider.port), Credentials("k")))
        assert (error.category, provider.requests) == ("not_configured", [])

    @pytest.mark.parametrize(
        "model", ["hosted_vllm/echo", "lm_studio/echo", "openai/azure/echo", "openai/ollama/a"]
    )
    async def test_compatible_servers_are_guarded_under_all_names(
        self, provider, credentials, settings, model
    ):
        assert (await collect(make_request(model, credentials)))[
            0
        ] == "You said: one two three four"
        settings.OUTBOUND_ALLOWED_HOSTS = []
        _, error = await fail(make_request(model, credentials))
        assert (error.category, len(provider.requests)) == ("not_configured", 1)
        embedding = fail_to_embed(credentials, model)
        assert (embedding.category, len(provider.requests)) == ("not_configured", 1)


class TestThePlatformsOwnAddress:
    async def test_it_may_be_private_and_gets_the_platforms_key(
        self, provider, settings, monkeypatch
    ):
        settings.OUTBOUND_ALLOWED_HOSTS = []
        monkeypatch.setenv("OPENAI_API_BASE", provider.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-platform-key")
        assert (await collect(make_request("gpt-4o-mini")))[0] == "You said: one two three four"
        assert embed_texts("openai/embed-8", ["x"], kind="query").vectors.shape == (1, 8)
        assert {request.api_key for request in provider.requests} == {"sk-platform-key"}

    async def test_a_bots_key_without_an_address_goes_there_too(
        self, provider, settings, monkeypatch
    ):
        monkeypatch.setenv("OPENAI_API_BASE", provider.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-platform-key")
        monkeypatch.setenv("OPENAI_ORGANIZATION", "org-platform")
        await collect(make_request("openai/echo", Credentials(SECRET)))
        assert provider.requests[0].api_key == SECRET

    async def test_an_address_of_a_tenant_never_gets_what_the_environment_holds(
        self, provider, settings, monkeypatch
    ):
        for name in (
            "OPENAI_API_KEY",
            "HOSTED_VLLM_API_KEY",
            "LM_STUDIO_API_KEY",
            "OPENAI_PROJECT_ID",
        ):
            monkeypatch.setenv(name, "platform-secret")
        for model in ("openai/echo", "hosted_vllm/echo", "lm_studio/echo", "gpt-4o-mini"):
            await collect(make_request(model, Credentials(None, provider.base_url)))
        assert len(provider.requests) == 4
        assert "platform-secret" not in str([request.headers for request in provider.requests])
