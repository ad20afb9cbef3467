"""A bot of acme, ways to teach it, and an embedder that counts."""

from __future__ import annotations

import hashlib

import pytest

from bots.models import BotProfile
from knowledge import tasks
from knowledge.indexing.ingestion import ingest
from knowledge.models import Source, SourceFile
from knowledge.sources.homes import private_dataset
from knowledge.tests.api import Api
from knowledge.tests.texts import CALIBRATION, HANDBOOK, RETURNS, WARRANTY
from minirag.ai import embeddings

__all__ = ["CALIBRATION", "HANDBOOK", "RETURNS", "WARRANTY"]


def make_bot(**fields) -> BotProfile:
    return BotProfile.objects.create(
        **{"name": "Helper", "embedding_model": "minirag/hash"} | fields
    )


def make_source(bot: BotProfile, content: str | None = HANDBOOK, **fields) -> Source:
    defaults = {"name": "Handbook", "source_type": "text", "content": content}
    return Source.objects.create(bot_profile=bot, dataset=private_dataset(bot), **defaults | fields)


def make_upload(bot: BotProfile, data: bytes, kind: str, name: str = "file") -> Source:
    source = make_source(bot, None, source_type="upload", name=f"{name}.{kind}")
    digest = hashlib.sha256(data).hexdigest()
    SourceFile.objects.create(source=source, name=source.name, kind=kind, data=data, sha256=digest)
    return source


def run(source: Source) -> Source:
    """Ingest and read the row again."""
    ingest(source.pk)
    source.refresh_from_db()
    return source


def teach(bot: BotProfile, content: str = HANDBOOK, **fields) -> Source:
    source = run(make_source(bot, content, **fields))
    assert source.status == "ready", source.error_message
    return source


@pytest.fixture
def bot(in_acme) -> BotProfile:
    return make_bot()


@pytest.fixture
def no_worker(monkeypatch) -> None:
    """Nobody takes what is put into the queue: the test does that work itself."""
    for task in (tasks.ingest_source, tasks.purge_source, tasks.apply_edit, tasks.reembed):
        monkeypatch.setattr(task, "apply_async", lambda *_, **__: None)


@pytest.fixture
def open_hosts(settings) -> None:
    """This machine's servers may be fetched from, as an operator may allow for a host of the intranet."""
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1", "localhost"]


class CountingEmbedder:
    """Passes texts on to the real function and remembers them; `then` is called before each batch."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.then = lambda: None

    def __call__(self, model, texts, **options):
        self.texts += texts
        self.then()
        return embeddings.embed_texts(model, texts, **options)


@pytest.fixture
def embedder(monkeypatch) -> CountingEmbedder:
    counting = CountingEmbedder()
    monkeypatch.setattr("knowledge.indexing.embedding.embed_texts", counting)
    return counting


@pytest.fixture
def api(as_acme, acme) -> Api:
    return Api(as_acme, acme)


@pytest.fixture
def theirs(as_globex, globex) -> Api:
    return Api(as_globex, globex)
