"""Our own embedder goes on while its last batch is written down: in order, each once, and no longer than it may."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from bots.models import UsageEvent
from bots.quotas.turns import TurnOver
from knowledge.indexing import embedding
from knowledge.indexing.embedding import embed_chunks, embed_first
from knowledge.indexing.incoming import NewChunk
from knowledge.tests.api import make_draft
from minirag.ai.builtin.local import HASH, MINILM
from minirag.ai.embeddings import EmbedderMissing, Embeddings
from minirag.lib.errors import ProviderError

PATIENCE_SECONDS = 120


class Embedder:
    """Makes the vector [n] of the text "n" and says which texts it has begun with, and in which threads."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.threads: set[int] = set()
        self.begins, self.goes_on = threading.Event(), threading.Event()
        self.fails_at, self.failure = "nothing", ProviderError("unavailable")

    def __call__(self, model, texts, **options):
        self.begun += texts
        self.begins.set()
        self.threads.add(threading.get_ident())
        if len(self.begun) > len(texts):
            self.goes_on.set()
        if any(text.endswith(self.fails_at) for text in texts):
            raise self.failure
        vectors = np.array([[float(text.split()[-1])] for text in texts], dtype=np.float32)
        return Embeddings(vectors, model, tokens=len(texts), cost_usd=Decimal(0))


@pytest.fixture
def embedder(monkeypatch) -> Embedder:
    made = Embedder()
    monkeypatch.setattr(embedding, "embed_texts", made)
    monkeypatch.setattr(embedding, "BATCH_SIZE", 4)
    monkeypatch.setattr(embedding, "_LEAST_PORTION", 4)
    monkeypatch.setattr(embedding, "_portions", {MINILM: 4})
    monkeypatch.setattr(embedding, "_begun", {})  # what another test began with has the same texts
    return made


@pytest.fixture
def chunks() -> list[NewChunk]:
    return [NewChunk(uuid4(), uuid4(), "en", make_draft("", str(n))) for n in range(10)]


def embed(chunks, bot=None, model=MINILM, **options):
    return embed_chunks(bot, model, chunks, source_id=uuid4(), **options)


def test_the_next_batch_is_made_while_one_is_written_down_and_all_come_in_order(embedder, chunks):
    noted = []

    def note(batch):
        if not noted:
            assert embedder.goes_on.wait(PATIENCE_SECONDS), "it waited for this batch's end"
        noted.extend(batch)

    vectors = embed(chunks, note=note)
    assert noted == list(vectors) == [chunk.id for chunk in chunks]
    assert [vector[0] for vector in vectors.values()] == list(range(10))
    assert threading.get_ident() not in embedder.threads and len(embedder.threads) == 1


def test_each_batch_is_metered_once(embedder, chunks, bot):
    embed(chunks, bot)
    assert [event.prompt_tokens for event in UsageEvent.objects.order_by("created_at")] == [4, 4, 2]


def test_where_others_want_the_process_nothing_is_made_ahead(embedder, chunks):
    def stop(batch):
        raise TurnOver

    with pytest.raises(TurnOver):
        embed(chunks, note=stop, is_wanted=lambda: True)
    assert len(embedder.begun) == 4
    embedder.begun.clear()
    assert len(embed(chunks, is_wanted=lambda: True)) == len(embedder.begun) == 10


def test_who_stops_leaves_no_thread_behind(embedder, chunks):
    def stop(batch):
        raise TurnOver

    before = threading.active_count()
    with pytest.raises(TurnOver):
        embed(chunks, note=stop)
    assert threading.active_count() == before and len(embedder.begun) == 8


def test_what_fails_ahead_is_told_after_what_was_made(embedder, chunks):
    embedder.fails_at, noted = "6", []
    with pytest.raises(ProviderError):
        embed(chunks, note=noted.extend)
    assert noted == [chunk.id for chunk in chunks[:4]]
    embedder.failure = EmbedderMissing(Path("nowhere"))
    assert embed(chunks) == {}


@pytest.mark.parametrize("model", [HASH, "openai/text-embedding-3-small"])
def test_hashing_and_what_is_paid_for_are_made_in_turn(embedder, chunks, model, bot):
    begun = []
    embed(chunks, bot, model, note=lambda batch: begun.append(len(embedder.begun)))
    assert begun == [4, 8, 10] and embedder.threads == {threading.get_ident()}


def test_the_first_vectors_of_a_new_source_are_begun_with_while_the_rest_is_cut(embedder, chunks):
    def cut():
        for chunk in chunks:
            if chunk is chunks[5]:
                assert embedder.begins.wait(PATIENCE_SECONDS), "it waited for all to be cut"
            yield chunk.draft

    assert embed_first(MINILM, cut()) == [chunk.draft for chunk in chunks]
    assert [vector[0] for vector in embed(chunks).values()] == list(range(10))
    assert embedder.begun == [chunk.text for chunk in chunks]


def test_what_was_begun_with_is_not_taken_for_other_texts(embedder, chunks):
    embed_first(MINILM, (chunk.draft for chunk in chunks))
    assert [vector[0] for vector in embed(chunks[3:]).values()] == list(range(3, 10))


def test_of_a_document_without_text_nothing_is_begun_with(monkeypatch):
    monkeypatch.setattr(embedding, "_make", None)  # would raise in its thread
    assert embed_first(MINILM, []) == [] and not embedding._begun


@pytest.mark.parametrize("model", [HASH, "openai/text-embedding-3-small"])
def test_nothing_that_is_paid_for_is_begun_with_early(embedder, chunks, model):
    assert len(embed_first(model, (chunk.draft for chunk in chunks))) == 10
    assert not embedder.begun
