from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from minirag.ai import build_minilm
from minirag.ai.credentials import Credentials
from minirag.ai.providers import gateway
from tests.fakes.openai_server import FakeOpenAI

SECRET = "sk-acme-secret-4711"


@pytest.fixture(scope="session")
def litellm():
    """LiteLLM, loaded once, so that no test measures its import."""
    gateway.warm_up()
    return gateway.load_litellm()


@pytest.fixture(params=["direct", "litellm"])
def road(request, settings, litellm) -> str:
    """Each test that calls a model runs on both roads; the fake's address is one that the operator has opened."""
    settings.DIRECT_OPENAI = request.param == "direct"
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    return request.param


@pytest.fixture
def provider(road) -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


@pytest.fixture
def credentials(provider) -> Credentials:
    return Credentials(api_key=SECRET, api_base=provider.base_url)


@pytest.fixture
def embedder(settings) -> Path:
    """The folder of the real MiniLM, made on a fresh machine (`make test` has made it before)."""
    directory = Path(settings.EMBEDDER_DIR)
    build_minilm.build(directory)
    return directory


@pytest.fixture
def all_logs(caplog) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that any library logs while the test runs, at the levels the product leaves them at."""
    with caplog.at_level(logging.DEBUG):
        yield caplog
