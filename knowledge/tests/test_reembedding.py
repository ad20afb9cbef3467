"""Changing a bot's embedding model: the old vectors answer until all new ones are there."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from bots.models import BotProfile, UsageEvent
from bots.quotas.models import Quota
from knowledge import tasks
from knowledge.indexing import embedding
from knowledge.indexing.forgetting import forget_knowledge
from knowledge.indexing.upkeep.reembedding import find_outdated_datasets, reembed_claimed
from knowledge.models import ANYONE, Chunk, Dataset, IndexEntry, NextVector, Reembedding, Source
from knowledge.retrieval.retrieving import retrieve
from knowledge.tests.conftest import CALIBRATION, WARRANTY, make_source, run, teach
from minirag.ai.embeddings import Embeddings
from minirag.ai.pricing import FREE
from minirag.lib.errors import ProviderError
from minirag.lib.jobs.sending import MESSAGE_SECONDS
from tenants.context import tenant_context

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
    return fake


@pytest.fixture
def changed(bot, new_model) -> BotProfile:
    """A bot with knowledge that was given another embedding model."""
    teach(bot)
    bot.embedding_model = NEW_MODEL
    bot.save()
    return bot


@pytest.fixture(autouse=True)
def sent(monkeypatch) -> list[str]:
    sent: list[str] = []
    monkeypatch.setattr(
        tasks.reembed, "apply_async", lambda arguments, **options: sent.append((arguments, options))
    )
    return sent


def reembed() -> bool:
    """What the clock and then a worker do; whether the dataset is done."""
    tasks.reembed_outdated()
    row = Reembedding.objects.first()
    tasks.reembed.run(str(row.pk if row else uuid4()))
    return Reembedding.objects.filter(status="done").exists()


def die_in_mid_batch(new_model, monkeypatch) -> Reembedding:
    """A worker has made two vectors of three, and is killed before it writes anything more."""
    monkeypatch.setattr("knowledge.indexing.upkeep.reembedding.BATCH_SIZE", 1)
    tasks.reembed_outdated()
    held = Reembedding.objects.claim(Reembedding.objects.get().pk)

    def die_at_the_third():
        if len(new_model.texts) == 2:
            raise KeyboardInterrupt

    new_model.then = die_at_the_third
    with pytest.raises(KeyboardInterrupt):
        reembed_claimed(held)
    new_model.then = lambda: None
    return held


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
    assert not find_outdated_datasets().exists() and tasks.reembed_outdated() == 0
    row = Reembedding.objects.get()
    assert (row.status, row.chunks_done, row.chunks_total) == ("done", 3, 3)


def test_questions_are_answered_before_while_and_after(changed, new_model):
    def ask():
        return async_to_sync(retrieve)(
            changed, "How long is the warranty of the Aeris One?", audience=ANYONE
        )

    seen = [ask()]
    new_model.then = lambda: None if seen[1:] else seen.append(None) or seen.append(ask())
    assert reembed()
    seen = [found for found in [*seen, ask()] if found]
    assert [found.embedding_model for found in seen] == ["minirag/hash", "minirag/hash", NEW_MODEL]
    assert {found.mode for found in seen} == {"hybrid"}
    assert all(WARRANTY in [passage.content for passage in found.passages] for found in seen)


def test_work_that_broke_off_goes_on_where_it_stopped(changed, new_model, monkeypatch):
    monkeypatch.setattr("knowledge.indexing.upkeep.reembedding.BATCH_SIZE", 1)

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
    row = Reembedding.objects.get()
    assert (row.status, row.error_code) == ("failed", "provider_unavailable")
    assert tasks.reembed_outdated() == 0, "it is left alone for a while"
    assert tasks.next_reembedding() == row.next_attempt_at > timezone.now() + timedelta(minutes=14)
    Reembedding.objects.update(next_attempt_at=timezone.now())
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


def test_the_clock_starts_it_once_and_its_messages_do_not_pile_up(changed, sent):
    assert tasks.next_reembedding() <= timezone.now()
    assert [tasks.reembed_outdated() for _ in range(3)] == [1, 0, 0]
    row = Reembedding.objects.get()
    assert sent == [((str(row.pk),), {"retry": False, "headers": {}, "expires": MESSAGE_SECONDS})]
    assert tasks.next_reembedding() >= timezone.now() + timedelta(seconds=MESSAGE_SECONDS)


def test_a_killed_worker_loses_one_batch_and_another_goes_on(changed, new_model, monkeypatch, sent):
    held = die_in_mid_batch(new_model, monkeypatch)
    assert NextVector.objects.count() == 2
    assert tasks.reembed_outdated() == 0, "its worker may live"
    tasks.reembed.run(str(held.pk))
    assert len(new_model.texts) == 2, "nor does another one take it"
    Reembedding.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=2))
    sent.clear()
    assert tasks.reembed_outdated() == 1 and len(sent) == 1
    tasks.reembed.run(str(held.pk))
    assert len(new_model.texts) == 3 and Dataset.objects.get().embedding_model == NEW_MODEL


def test_a_worker_that_was_thought_dead_writes_nothing_more(changed, new_model, monkeypatch):
    held = die_in_mid_batch(new_model, monkeypatch)
    Reembedding.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=2))
    tasks.reembed_outdated()
    other = Reembedding.objects.claim(held.pk)
    assert reembed_claimed(held) is False
    other.refresh_from_db()
    assert (other.status, len(new_model.texts)) == ("running", 2)
    assert Dataset.objects.get().embedding_model == "minirag/hash"


def test_one_that_takes_its_workers_with_it_is_given_up_for_a_while(changed, new_model):
    for _ in range(3):
        tasks.reembed_outdated()
        row = Reembedding.objects.get()
        Reembedding.objects.claim(row.pk)
        Reembedding.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=2))
    assert tasks.reembed_outdated() == 0
    row.refresh_from_db()
    assert (row.status, row.error_code) == ("failed", "interrupted")


def test_a_large_one_gives_way_after_a_while_and_goes_on_later(
    changed, new_model, monkeypatch, sent
):
    monkeypatch.setattr("knowledge.indexing.upkeep.reembedding.BATCH_SIZE", 1)
    monkeypatch.setattr("knowledge.indexing.upkeep.reembedding.SLICE_SECONDS", -1)
    assert not reembed()
    row = Reembedding.objects.get()
    assert (row.status, row.attempts) == ("pending", 0) and len(sent) == 2
    monkeypatch.setattr("knowledge.indexing.upkeep.reembedding.SLICE_SECONDS", 300)
    tasks.reembed.run(str(row.pk))
    assert Dataset.objects.get().embedding_model == NEW_MODEL


def test_a_third_model_is_not_held_up_by_the_second_ones_failure(changed, new_model):
    def fail():
        raise ProviderError("authentication", provider="openai")

    new_model.then = fail
    assert not reembed()
    changed.embedding_model = "minirag/hash-128"
    changed.save()
    assert tasks.reembed_outdated() == 1
    assert Reembedding.objects.get().embedding_model == "minirag/hash-128"


def test_nothing_is_embedded_where_the_quota_is_used_up(changed, new_model):
    Quota.objects.create(resource="tokens", limit=0)
    assert not reembed()
    assert Reembedding.objects.get().error_code == "quota_exceeded" and not new_model.texts


def test_globex_does_nothing_of_acmes(changed, globex, sent):
    with tenant_context(globex.tenant):
        assert tasks.reembed_outdated() == 0 and tasks.next_reembedding() is None
        tasks.reembed.run(str(uuid4()))
    assert not sent


def test_the_admin_shows_how_far_it_is(changed, new_model, monkeypatch):
    held = die_in_mid_batch(new_model, monkeypatch)
    assert str(Reembedding.objects.get()) == f"{NEW_MODEL}: 2 of 3 chunks"
    held.fail("provider_authentication", "The key was refused.")
    assert "The key was refused. (provider_authentication) Tried again" in str(
        Reembedding.objects.get()
    )


def test_a_bot_without_a_model_of_its_own_follows_the_installations_default(bot, settings):
    teach(bot)
    bot.embedding_model = None
    bot.save()
    settings.DEFAULT_EMBEDDING_MODEL = "minirag/hash"
    assert not find_outdated_datasets().exists()
    settings.DEFAULT_EMBEDDING_MODEL = NEW_MODEL
    assert find_outdated_datasets().exists()
