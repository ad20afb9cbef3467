"""The swap as other connections see it: the old knowledge until the commit, then the new, and never half."""

from __future__ import annotations

import threading
import time

import psycopg
from django.conf import settings
from django.db import connection, connections

from knowledge.indexing.lexicon import count_statistics, stored_statistics
from knowledge.indexing.swap import swap_knowledge
from knowledge.models import Chunk, Dataset, Source
from knowledge.sources.upserts import upsert_source
from knowledge.tests.conftest import HANDBOOK, make_bot, make_source, run
from tenants.context import tenant_context
from tenants.models import Tenant


def read_as_somebody_else(tenant: Tenant) -> tuple[str, ...]:
    parameters = connection.get_connection_params()
    with psycopg.connect(
        host=parameters.get("host"),
        port=parameters.get("port"),
        user=parameters.get("user"),
        password=parameters.get("password"),
        dbname=settings.DATABASES["default"]["NAME"],
    ) as other:
        other.execute(f'SET search_path TO "{tenant.schema_name}", public')
        query = "SELECT content FROM knowledge_chunk c JOIN chunk_index i ON i.chunk_id = c.id ORDER BY ordinal"
        return tuple(row[0] for row in other.execute(query).fetchall())


def test_a_reader_sees_the_old_knowledge_until_the_swap_commits(initech, monkeypatch):
    bot = make_bot()
    source = run(make_source(bot))
    old = read_as_somebody_else(initech)
    assert len(old) == 3
    seen = []

    def watch(*args, **kwargs):
        seen.append(read_as_somebody_else(initech))
        return

    monkeypatch.setattr(
        "knowledge.indexing.swap.announce_ingested", watch
    )  # the last step before the commit
    source.content = HANDBOOK.replace("36 months", "48 months")
    source.save()
    run(source)
    assert seen == [old]
    new = read_as_somebody_else(initech)
    assert new != old and "48 months" in new[0] and new[1:] == old[1:]


def test_a_swap_that_breaks_off_leaves_everything_as_it_was(initech, monkeypatch):
    bot = make_bot()
    source = run(make_source(bot))
    old, statistics = read_as_somebody_else(initech), stored_statistics()

    def fail(*args, **kwargs):
        raise RuntimeError("the power went out")

    monkeypatch.setattr("knowledge.indexing.swap.announce_ingested", fail)
    source.content = "# News\n\nAll of it is different now."
    source.save()
    assert run(source).status == "error"
    assert (
        read_as_somebody_else(initech) == old
        and stored_statistics() == statistics == count_statistics()
    )


def test_two_sources_swapped_at_once_leave_exact_statistics(initech):
    bot = make_bot()
    names = ("Alpha", "Beta", "Gamma", "Delta")
    sources = [make_source(bot, HANDBOOK.replace("Aeris", name), name=name) for name in names]

    def work(source: Source) -> None:
        with tenant_context(initech):
            try:
                run(source)
            finally:
                connections.close_all()

    threads = [threading.Thread(target=work, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {source.status for source in Source.objects.all()} == {"ready"}
    assert Chunk.objects.count() == 12
    assert stored_statistics() == count_statistics()


def test_a_source_that_is_put_from_many_sides_at_once_is_made_once(initech):
    bot_id, outcomes, barrier = make_bot().pk, [], threading.Barrier(4)
    fields = {
        "bot_profile_id": bot_id, "dataset_id": None, "name": "Page", "description": "", "source_type": "text",
        "config": {}, "content": HANDBOOK, "parent_id": None, "refresh_schedule": None, "is_active": None,
    }  # fmt: skip

    def work() -> None:
        with tenant_context(initech):
            barrier.wait(60)
            try:
                outcomes.append(upsert_source("page-1", fields)[1].value)
            finally:
                connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["created", "unchanged", "unchanged", "unchanged"]
    assert Source.objects.count() == 1 and Dataset.objects.count() == 1


def test_a_dataset_that_got_another_model_meanwhile_has_its_chunks_embedded_with_that_one(
    initech, monkeypatch
):
    bot = make_bot()
    source = make_source(bot)
    models = []

    def swap(*args, embedding_model, **kwargs):
        models.append(embedding_model)
        if len(models) == 1:
            Dataset.objects.update(embedding_model="minirag/minilm")
        return swap_knowledge(*args, embedding_model=embedding_model, **kwargs)

    monkeypatch.setattr("knowledge.documents.putting.swap_knowledge", swap)
    assert run(source).status == "ready"
    assert models == ["minirag/hash", "minirag/minilm"]


def test_the_heart_beats_while_a_step_takes_long(initech, monkeypatch, embedder):
    monkeypatch.setattr("minirag.lib.jobs.job.BEAT_SECONDS", 0.05)
    source = make_source(make_bot())
    beats = []

    def take_long():
        while len(beats) < 4:
            beat = Source.objects.get(pk=source.pk).heartbeat_at
            if beat not in beats:
                beats.append(beat)
            time.sleep(0.01)

    embedder.then = take_long
    assert run(source).status == "ready"
    assert max(beats) > min(beats)  # two threads may write theirs in the other order
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]
