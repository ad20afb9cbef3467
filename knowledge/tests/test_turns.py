"""A worker's process stays with one tenant for a turn, and what a long ingestion has made by then is made once."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone

from bots.models import BotProfile
from bots.quotas import turns
from bots.quotas.turns import is_anybody_waiting, turn
from knowledge import tasks
from knowledge.indexing.chunking import chunk_document as chunk
from knowledge.indexing.forgetting import forget_knowledge
from knowledge.models import Chunk, IndexEntry, Source, StagedText, StagedVector
from knowledge.sites import syncing
from knowledge.sources.changing import delete_source, update_source
from knowledge.tests.conftest import make_source, run
from knowledge.tests.sites import Site
from minirag.ai.builtin.local import HASH
from minirag.lib.errors import ProviderError
from minirag.lib.tests.conftest import outside  # noqa: F401 - fixtures
from tenants.context import tenant_context
from tenants.models import Tenant

LONG = "\n\n".join(
    f"# Part {n}\n\n"
    + " ".join(f"The valve number {n}-{k} is in cellar {k * 7}." for k in range(15))
    for n in range(10)
)


@pytest.fixture
def waiting(monkeypatch):
    """Whether somebody else waits, as the queue would say; a turn is over at once then."""
    monkeypatch.setattr(turns, "TURN_SECONDS", -1)
    monkeypatch.setattr(turns, "_LOOK_EVERY_SECONDS", 0)
    monkeypatch.setattr("knowledge.indexing.embedding.BATCH_SIZE", 4)
    said = {"is": True}
    monkeypatch.setattr(turns, "is_anybody_waiting", lambda: said["is"])
    return said


@pytest.fixture
def sent(monkeypatch) -> list[str]:
    messages: list[str] = []
    monkeypatch.setattr(
        tasks.ingest_source, "apply_async", lambda arguments, **_: messages.append(arguments[0])
    )
    return messages


def queue(source: Source) -> Source:
    Source.objects.filter(pk=source.pk).ask_for()
    return source


def work_on(source: Source) -> Source:
    tasks.ingest_source.run(str(source.pk))
    source.refresh_from_db()
    return source


# --- A long ingestion ---------------------------------------------------------------------------------------------


def test_a_long_ingestion_gives_its_process_back_and_embeds_nothing_twice(
    bot, waiting, sent, embedder, monkeypatch
):
    reads = []
    monkeypatch.setattr(
        "knowledge.indexing.ingestion.read_documents",
        lambda *args, read=tasks.ingest_claimed.__globals__["read_documents"]: (
            reads.append(1) or read(*args)
        ),
    )
    source = work_on(queue(make_source(bot, LONG)))
    assert (source.status, source.progress["done"], sent) == ("pending", 4, [str(source.pk)])
    assert not Chunk.objects.exists() and StagedVector.objects.count() == 4
    work_on(source)
    assert source.progress["done"] == 8
    work_on(source)
    assert source.status == "ready" and source.chunk_count == 10
    assert len(embedder.texts) == len(set(embedder.texts)) == 10 and len(reads) == 1
    assert not StagedVector.objects.exists() and not StagedText.objects.exists()
    assert not IndexEntry.objects.filter(dim=0).exists()


def test_nobody_is_interrupted_while_nobody_else_waits(bot, waiting, sent):
    waiting["is"] = False
    assert work_on(queue(make_source(bot, LONG))).status == "ready" and not sent


def test_work_of_a_command_is_not_interrupted(bot, waiting):
    assert run(make_source(bot, LONG)).status == "ready"


def test_what_an_edit_has_overtaken_is_not_taken_over(bot, waiting, sent):
    source = work_on(queue(make_source(bot, LONG)))
    update_source(source.pk, {"content": "# Only\n\nThe valve is gone."})
    work_on(source)
    contents = " ".join(Chunk.objects.values_list("content", flat=True))
    assert source.status == "ready" and "gone" in contents and "cellar" not in contents
    assert not StagedVector.objects.exists()


def test_what_was_read_is_read_anew_after_a_while(bot, waiting, sent):
    source = work_on(queue(make_source(bot, LONG)))
    StagedText.objects.update(staged_at=timezone.now() - timedelta(hours=1), body=b"broken")
    work_on(source)
    assert source.status == "pending" and source.progress["done"] == 8


def test_a_provider_that_fails_half_way_is_paid_once_for_what_it_made(bot, waiting, sent, embedder):
    waiting["is"] = False

    def fail():
        if len(embedder.texts) > 4:
            raise ProviderError("unavailable")

    embedder.then = fail
    source = work_on(queue(make_source(bot, LONG)))
    assert source.status == "error" and StagedVector.objects.count() == 4
    embedder.then, made = (lambda: None), embedder.texts[:4]
    embedder.texts.clear()
    work_on(queue(source))
    assert source.status == "ready" and not set(made) & set(embedder.texts)


def test_vectors_that_are_ordered_anew_are_not_taken_from_what_was_kept(
    bot, waiting, sent, embedder
):
    source = work_on(queue(make_source(bot, LONG)))
    waiting["is"] = False
    Source.objects.filter(pk=source.pk).update(redo="embed")
    embedder.texts.clear()
    work_on(source)
    assert source.status == "ready" and len(embedder.texts) == 10


def test_what_is_forgotten_leaves_nothing_staged(bot, waiting, sent):
    source = work_on(queue(make_source(bot, LONG)))
    forget_knowledge(source.pk)
    assert not StagedVector.objects.exists() and not StagedText.objects.exists()


def test_deaths_at_what_was_begun_count_until_it_gets_further(bot, waiting, sent):
    source = queue(make_source(bot, LONG))
    Source.objects.filter(pk=source.pk).update(attempts=2)
    assert work_on(source).attempts == 0


# --- Many short ones ----------------------------------------------------------------------------------------------


def test_of_many_that_wait_few_have_a_message_and_one_turn_works_through_them(
    bot, sent, django_capture_on_commit_callbacks
):
    sources = [make_source(bot, f"# {n}\n\nText {n}.", name=f"S{n}") for n in range(6)]
    with django_capture_on_commit_callbacks(execute=True):
        for source in sources:
            tasks.queue_ingestion(source)
    assert sent == [str(source.pk) for source in sources[:2]]
    sent.clear()
    work_on(sources[1])
    assert set(Source.objects.values_list("status", flat=True)) == {"ready"} and not sent


def test_when_its_turn_is_over_a_tenant_calls_for_the_next(bot, waiting, sent):
    first, second = (queue(make_source(bot, "# A\n\nText.", name=name)) for name in "ab")
    assert work_on(first).status == "ready"
    second.refresh_from_db()
    assert second.status == "pending" and sent == [str(second.pk)]


def test_a_turn_is_as_long_as_the_operator_weighs_the_tenant(in_acme):
    with turn() as light:
        pass
    Tenant.objects.filter(pk=in_acme.tenant.pk).update(work_weight=4)
    with tenant_context(Tenant.objects.get(pk=in_acme.tenant.pk)), turn() as heavy:
        assert heavy.seconds == 4 * light.seconds


# --- Who waits ----------------------------------------------------------------------------------------------------


@pytest.fixture
def put(monkeypatch):
    """Put a message into a queue of its own."""
    name = f"turns-{uuid.uuid4().hex}"
    monkeypatch.setattr(turns, "QUEUE", name)
    return lambda task: task.apply_async([str(uuid.uuid4())], queue=name)


def test_an_empty_queue_and_its_own_long_work_keep_nobody_waiting(in_acme, put):
    assert not is_anybody_waiting()
    put(tasks.ingest_source)
    assert not is_anybody_waiting()


def test_another_tenants_work_and_its_own_short_work_wait(in_acme, globex, put):
    put(tasks.purge_source)
    assert is_anybody_waiting()
    with tenant_context(globex.tenant):
        put(tasks.ingest_source)
        assert is_anybody_waiting()


def test_another_tenants_message_is_seen_behind_a_long_backlog(in_acme, globex, put):
    for _ in range(120):
        put(tasks.ingest_source)
    with tenant_context(globex.tenant):
        put(tasks.ingest_source)
    assert is_anybody_waiting()


def test_a_queue_out_of_reach_interrupts_nobody(in_acme, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert not is_anybody_waiting()


def test_two_tenants_share_one_worker_turn_by_turn(bot, globex, waiting, sent):
    long = work_on(queue(make_source(bot, LONG)))
    with tenant_context(globex.tenant):
        theirs = BotProfile.objects.create(name="Gardener", embedding_model=HASH)
        page = work_on(queue(make_source(theirs, "# Roses\n\nPrune them.")))
        assert page.status == "ready" and not StagedVector.objects.exists()
    assert StagedVector.objects.count() == 4 and long.status == "pending"


def test_the_queue_that_is_looked_into_is_the_one_that_messages_go_to():
    assert current_app.amqp.default_queue.name == turns.QUEUE


# --- What is kept must not come back ------------------------------------------------------------------------------
def test_what_was_read_for_an_ingestion_that_is_over_is_not_put_in_for_the_next(
    bot, waiting, sent, outside, settings
):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    outside.serve("/page", LONG.encode(), content_type="text/markdown")
    config = {"url": outside.url("/page")}
    source = work_on(queue(make_source(bot, None, source_type="url", config=config)))
    assert source.status == "pending" and StagedText.objects.exists()
    Source.objects.filter(pk=source.pk).stop()
    news = LONG.replace("cellar", "attic").encode()
    outside.serve("/page", news, content_type="text/markdown")
    waiting["is"] = False
    tasks.queue_ingestion(source)
    work_on(source)
    said = " ".join(Chunk.objects.values_list("content", flat=True))
    assert source.status == "ready" and "attic" in said and "cellar" not in said


def test_the_purge_of_what_never_answered_is_sent_again_too(bot, waiting, sent):
    source = work_on(queue(make_source(bot, LONG)))
    assert StagedText.objects.exists()
    delete_source(source.pk)
    Source.objects.update(deleted_at=timezone.now() - timedelta(hours=1))
    assert tasks.next_purge() is not None and tasks.purge_deleted() == 1
    tasks.purge_source.run(str(source.pk))
    assert not StagedText.objects.exists() and not StagedVector.objects.exists()
    assert tasks.purge_deleted() == 0


def test_a_site_that_gives_way_cuts_its_pages_once(
    outside, settings, bot, waiting, sent, monkeypatch
):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    site = Site(outside)
    site.fill(8)
    cut: list[str] = []
    monkeypatch.setattr(
        syncing,
        "chunk_document",
        lambda parsed, **how: cut.append(parsed.title) or chunk(parsed, **how),
    )
    source = queue(site.source(bot))
    for turns_taken in range(20):
        if work_on(source).status == "ready":
            break
    assert source.status == "ready" and turns_taken > 2, source.error_message
    assert len(cut) == len(set(cut)) == 9 and source.document_count == 9
    assert not StagedText.objects.exists()
