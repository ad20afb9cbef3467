"""Changing a bot's embedding model: the old vectors answer until all new ones are there."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.utils import timezone

from bots.models import BotProfile, UsageEvent
from knowledge import tasks
from knowledge.indexing import embedding
from knowledge.indexing.forgetting import forget_knowledge
from knowledge.indexing.reembedding import find_outdated_datasets, reembed_dataset
from knowledge.models import Chunk, Dataset, IndexEntry, NextVector, Source
from knowledge.retrieval.retrieving import retrieve
from knowledge.tests.conftest import CALIBRATION, WARRANTY, make_source, run, teach
from minirag.ai.embeddings import Embeddings
from minirag.ai.pricing import FREE
from minirag.lib.errors import ProviderError
from minirag.lib.jobs.sending import MESSAGE_SECONDS

NEW_MODEL = "openai/text-embedding-new"


class NewModel:
    """An embedder with five dimensions; `then` is called before each batch."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.then = lambda: None

    def __call__(self, model, texts, **options) -> Embeddings:
        if model != NEW_MODEL:
            return self.old(model, texts, **options)
        self.then()
        self.texts += texts
        rows = np.asarray(
            [[len(text) % 7 + 1, text.count("e"), 3, 2, 1] for text in texts], dtype=np.float32
        )
        return Embeddings(
            rows / np.linalg.norm(rows, axis=1, keepdims=True), model, 10 * len(texts), FREE
        )


@pytest.fixture
def new_model(monkeypatch) -> NewModel:
    fake = NewModel()
    fake.old = embedding.embed_texts
    monkeypatch.setattr("knowledge.indexing.embedding.embed_texts", fake)

    async def embed_query(model, text, **options) -> Embeddings:
        return fake(model, [text], kind="query", **options)

    monkeypatch.setattr("knowledge.retrieval.retrieving.embed_query", embed_query)
    cache.clear()
    return fake


@pytest.fixture
def changed(bot, new_model) -> BotProfile:
    """A bot with knowledge that was given another embedding model."""
    teach(bot)
    bot.embedding_model = NEW_MODEL
    bot.save()
    return bot


def reembed() -> bool:
    return reembed_dataset(Dataset.objects.get().pk)


def test_all_vectors_are_made_anew_and_the_dataset_says_so(changed, new_model):
    ids = set(Chunk.objects.values_list("pk", flat=True))
    assert list(find_outdated_datasets()) == [Dataset.objects.get()]
    assert reembed()
    dataset = Dataset.objects.get()
    assert (dataset.embedding_model, dataset.embedding_dimensions) == (NEW_MODEL, 5)
    assert (
        set(IndexEntry.objects.values_list("dim", flat=True)) == {5} and len(new_model.texts) == 3
    )
    assert any(text == f"Handbook > Warranty. {WARRANTY}" for text in new_model.texts)
    assert (
        set(Chunk.objects.values_list("pk", flat=True)) == ids and not NextVector.objects.exists()
    )
    assert UsageEvent.objects.get(model=NEW_MODEL).total_tokens == 30
    assert not find_outdated_datasets().exists() and not reembed()


def test_questions_are_answered_before_while_and_after(changed, new_model):
    def ask():
        return async_to_sync(retrieve)(changed, "How long is the warranty of the Aeris One?")

    seen = [ask()]
    new_model.then = lambda: None if seen[1:] else seen.append(None) or seen.append(ask())
    assert reembed()
    seen = [found for found in [*seen, ask()] if found]
    assert [found.embedding_model for found in seen] == ["minirag/hash", "minirag/hash", NEW_MODEL]
    assert {found.mode for found in seen} == {"hybrid"}
    assert all(WARRANTY in [passage.content for passage in found.passages] for found in seen)


def test_work_that_broke_off_goes_on_where_it_stopped(changed, new_model, monkeypatch):
    monkeypatch.setattr("knowledge.indexing.reembedding.BATCH_SIZE", 1)

    def fail_at_the_third():
        if len(new_model.texts) == 2:
            raise ProviderError("unavailable", provider="openai")

    new_model.then = fail_at_the_third
    assert not reembed()
    assert (
        NextVector.objects.count() == 2 and Dataset.objects.get().embedding_model == "minirag/hash"
    )
    assert set(IndexEntry.objects.values_list("dim", flat=True)) == {384}
    new_model.then = lambda: None
    assert not reembed(), "it is left alone for a while"
    cache.clear()
    assert reembed() and len(new_model.texts) == 3


def test_a_source_ingested_meanwhile_is_included(changed, new_model):
    other = make_source(changed, f"# More\n\n{CALIBRATION}", name="More")

    def ingest_once():
        new_model.then = lambda: None
        run(other)

    new_model.then = ingest_once
    assert reembed()
    other.refresh_from_db()
    assert other.status == "ready" and IndexEntry.objects.filter(source_id=other.pk).get().dim == 5
    assert set(IndexEntry.objects.values_list("dim", flat=True)) == {5}


def test_a_source_deleted_meanwhile_leaves_nothing_behind(changed, new_model):
    gone = teach(changed, f"# More\n\n{CALIBRATION}", name="More")
    new_model.then = lambda: forget_knowledge(gone.pk)
    assert reembed()
    assert len(new_model.texts) == 4 and IndexEntry.objects.count() == 3
    assert not NextVector.objects.exists() and set(
        IndexEntry.objects.values_list("dim", flat=True)
    ) == {5}


def test_changing_back_drops_what_was_begun(changed, new_model, monkeypatch):
    def fail():
        raise ProviderError("authentication", provider="openai")

    new_model.then = fail
    assert not reembed()
    changed.embedding_model = "minirag/hash"
    changed.save()
    assert not find_outdated_datasets().exists()
    assert run(Source.objects.get()).status == "ready" and IndexEntry.objects.first().dim == 384


def test_the_clock_starts_it_and_its_messages_do_not_pile_up(changed, monkeypatch):
    sent = []
    monkeypatch.setattr(
        tasks.reembed, "apply_async", lambda arguments, **options: sent.append((arguments, options))
    )
    dataset_id = Dataset.objects.get().pk
    assert tasks.reembed_outdated() == 1
    assert sent == [((str(dataset_id),), {"retry": False, "expires": MESSAGE_SECONDS})]
    assert tasks.next_reembedding() >= timezone.now() + timedelta(seconds=MESSAGE_SECONDS)


def test_a_bot_without_a_model_of_its_own_follows_the_installations_default(bot, settings):
    teach(bot)
    bot.embedding_model = None
    bot.save()
    settings.DEFAULT_EMBEDDING_MODEL = "minirag/hash"
    assert not find_outdated_datasets().exists()
    settings.DEFAULT_EMBEDDING_MODEL = NEW_MODEL
    assert find_outdated_datasets().exists()
