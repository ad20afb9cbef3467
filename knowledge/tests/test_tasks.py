"""The queue in front of ingestion: once however often it is asked, lost messages, dead workers, schedules."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from celery.exceptions import Reject
from django.utils import timezone
from kombu.exceptions import OperationalError

from knowledge import tasks
from knowledge.indexing.forgetting import forget_knowledge
from knowledge.models import Chunk, Source
from knowledge.sources.changing import (
    delete_source,
    update_source,
)
from knowledge.tests.conftest import make_source, run, teach
from minirag.lib.jobs.job import RESEND_AFTER
from minirag.lib.jobs.sending import MESSAGE_SECONDS, send_now
from minirag.tasks import repair_tenant
from tenants.context import tenant_context
from tenants.due import DueKind, DueWork
from tenants.tasks import TENANT_HEADER


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, str]]:
    """What was published, as (task, source id)."""
    messages: list[tuple[str, str]] = []
    for task in (tasks.ingest_source, tasks.purge_source):
        monkeypatch.setattr(
            task,
            "apply_async",
            lambda arguments, task=task, **_: messages.append((task.name, arguments[0])),
        )
    return messages


@pytest.fixture
def queue(django_capture_on_commit_callbacks):
    """Queue sources as a request does whose transaction commits."""

    def put(*sources):
        with django_capture_on_commit_callbacks(execute=True):
            for source in sources:
                tasks.queue_ingestion(source)

    return put


def ingest_messages(sent) -> list[str]:
    return [source_id for name, source_id in sent if name.endswith("ingest_source")]


def age(source: Source, **fields) -> Source:
    Source.objects.filter(pk=source.pk).update(**fields)
    source.refresh_from_db()
    return source


# --- Queuing ------------------------------------------------------------------------------------------------------


def test_a_queued_source_is_pending_and_published_once_however_often_it_is_asked_for(
    bot, sent, queue
):
    source = make_source(bot)
    queue(source, source)
    queue(source)
    source.refresh_from_db()
    assert (
        source.queued_at
        and source.status == "pending"
        and ingest_messages(sent) == [str(source.pk)]
    )


def test_nothing_is_published_before_the_commit(bot, sent, django_capture_on_commit_callbacks):
    source = make_source(bot)
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        tasks.queue_ingestion(source)
    assert not sent and callbacks


def test_a_source_that_is_being_ingested_or_deleted_is_not_queued(bot, sent, queue):
    running, deleted = make_source(bot), make_source(bot)
    Source.objects.claim(running.pk)
    age(deleted, deleted_at=timezone.now())
    queue(running, deleted)
    assert not sent and not Source.objects.filter(queued_at__isnull=False).exists()


def test_a_queue_out_of_reach_fails_no_request_and_leaves_the_source_to_the_sweeper(
    bot, monkeypatch, queue
):
    def fail(*args, **kwargs):
        raise OperationalError("no redis")

    monkeypatch.setattr(tasks.ingest_source, "apply_async", fail)
    source = make_source(bot)
    queue(source)
    source.refresh_from_db()
    assert source.queued_at
    monkeypatch.undo()
    messages = []
    monkeypatch.setattr(
        tasks.ingest_source, "apply_async", lambda arguments, **_: messages.append(arguments[0])
    )
    assert tasks.sweep_ingestion() == 0, "it may still be on its way"
    age(source, queued_at=timezone.now() - RESEND_AFTER - timedelta(seconds=1))
    assert tasks.sweep_ingestion() == 1 and messages == [str(source.pk)]
    assert tasks.sweep_ingestion() == 0, "sent again only after another minute"


def test_a_backlog_keeps_one_message_of_each_source_in_the_queue_however_long_it_waits(
    bot, monkeypatch, queue
):
    started, messages = timezone.now(), []

    class Clock:
        seconds = 0

        @classmethod
        def now(cls):
            return started + timedelta(seconds=cls.seconds)

    def publish(arguments, *, expires=10**9, **_):
        messages.append((arguments[0], Clock.seconds + expires))

    monkeypatch.setattr("minirag.lib.jobs.job.timezone", Clock)
    monkeypatch.setattr(tasks.ingest_source, "apply_async", publish)
    sources = [make_source(bot), make_source(bot)]
    queue(*sources)
    for Clock.seconds in (60, 120, 180, 240):
        assert tasks.sweep_ingestion() == 2
        alive = [source_id for source_id, end in messages if end > Clock.seconds]
        assert sorted(alive) == sorted(str(source.pk) for source in sources)
    assert len(messages) == 10


def test_every_message_to_ingest_expires(bot, monkeypatch, queue):
    lives = []
    monkeypatch.setattr(
        tasks.ingest_source, "apply_async", lambda *_, expires=None, **__: lives.append(expires)
    )
    queue(make_source(bot))
    Source.objects.claim(Source.objects.get().pk)
    Source.objects.update(heartbeat_at=timezone.now() - Source.STALE_AFTER * 2)
    tasks.sweep_ingestion()
    long_ago = timezone.now() - timedelta(days=1)
    Source.objects.update(
        status="ready", queued_at=None, refresh_schedule="hourly", last_refreshed_at=long_ago
    )
    tasks.refresh_due()
    assert lives == [MESSAGE_SECONDS] * 3


def test_asking_by_hand_forgets_earlier_failures(bot, sent, queue):
    source = age(make_source(bot), attempts=2, status="error")
    queue(source)
    source.refresh_from_db()
    assert source.attempts == 0


# --- The task -----------------------------------------------------------------------------------------------------


def call(task, source: Source, tenant) -> None:
    """Run a task as the worker does, with its tenant in a header."""
    task.push_request(headers={TENANT_HEADER: str(tenant.pk)})
    try:
        with tenant_context(None):
            task(str(source.pk))
    finally:
        task.pop_request()


def test_the_task_ingests_a_queued_source_in_its_tenant(bot, acme, sent, queue):
    source = make_source(bot)
    queue(source)
    call(tasks.ingest_source, source, acme.tenant)
    source.refresh_from_db()
    assert source.status == "ready" and source.queued_at is None


def test_a_message_that_comes_twice_does_nothing_the_second_time(bot, acme, sent, queue, embedder):
    source = make_source(bot)
    queue(source)
    call(tasks.ingest_source, source, acme.tenant)
    refreshed = Source.objects.get().last_refreshed_at
    call(tasks.ingest_source, source, acme.tenant)
    assert Source.objects.get().last_refreshed_at == refreshed and len(embedder.texts) == 3


def test_a_source_of_another_tenant_does_not_exist_for_the_task(bot, globex, sent, queue):
    source = make_source(bot)
    queue(source)
    call(tasks.ingest_source, source, globex.tenant)
    source.refresh_from_db()
    assert source.status == "pending" and source.queued_at


def test_a_task_without_a_tenant_is_refused(bot):
    with pytest.raises(Reject), tenant_context(None):
        tasks.ingest_source(str(uuid.uuid4()))


def test_the_message_carries_the_tenant_and_is_acknowledged_late(bot, acme, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        "celery.app.task.Task.apply_async", lambda self, *args, **options: seen.update(options)
    )
    send_now(tasks.ingest_source, uuid.uuid4())
    assert seen["headers"][TENANT_HEADER] == str(acme.tenant.pk) and seen["retry"] is False
    assert tasks.ingest_source.acks_late and tasks.purge_source.acks_late


# --- Purging ------------------------------------------------------------------------------------------------------


def test_deleting_purges_the_knowledge_and_bringing_back_ingests_it_again(
    bot, acme, sent, django_capture_on_commit_callbacks
):
    source = teach(bot)
    with django_capture_on_commit_callbacks(execute=True):
        delete_source(source.pk)
    assert sent == [(tasks.purge_source.name, str(source.pk))]
    call(tasks.purge_source, source, acme.tenant)
    source.refresh_from_db()
    assert not Chunk.objects.exists() and (
        source.chunk_count,
        source.document_count,
        source.content_hash,
    ) == (0, 0, "")
    with django_capture_on_commit_callbacks(execute=True):
        update_source(source.pk, {"is_active": True})
    assert ingest_messages(sent) == [str(source.pk)]
    call(tasks.ingest_source, source, acme.tenant)
    source.refresh_from_db()
    assert source.status == "ready" and source.chunk_count == 3


def test_a_source_brought_back_before_the_purge_keeps_its_knowledge(bot, acme):
    source = teach(bot)
    delete_source(source.pk)
    update_source(source.pk, {"is_active": True})
    call(tasks.purge_source, source, acme.tenant)
    assert Chunk.objects.count() == 3


def test_a_purge_whose_message_was_lost_is_sent_again(bot, sent):
    source = teach(bot)
    age(source, deleted_at=timezone.now() - timedelta(minutes=5), is_active=False)
    tasks.purge_deleted()
    assert sent == [(tasks.purge_source.name, str(source.pk))]
    forget_knowledge(source.pk, only_deleted=True)
    assert tasks.purge_deleted() == 0


# --- Dead workers -------------------------------------------------------------------------------------------------


def test_a_dead_workers_source_is_queued_again_and_its_claim_is_void(bot, sent):
    source = make_source(bot)
    claim = Source.objects.claim(source.pk)
    assert tasks.sweep_ingestion() == 0, "the worker may be alive"
    age(source, heartbeat_at=timezone.now() - Source.STALE_AFTER - timedelta(seconds=1))
    assert tasks.sweep_ingestion() == 1
    source.refresh_from_db()
    assert (
        source.status == "pending"
        and source.queued_at
        and source.claim_id is None
        and source.attempts == 1
    )
    assert ingest_messages(sent) == [str(source.pk)] and claim is not None


def test_a_source_that_kills_every_worker_ends_in_an_error(bot, sent):
    source = make_source(bot)
    for _ in range(3):
        Source.objects.claim(source.pk)
        age(source, heartbeat_at=timezone.now() - Source.STALE_AFTER - timedelta(seconds=1))
        tasks.sweep_ingestion()
    source.refresh_from_db()
    assert (source.status, source.error_code) == (
        "error",
        "interrupted",
    ) and "3 times" in source.error_message
    assert len(ingest_messages(sent)) == 2 and tasks.sweep_ingestion() == 0


def test_a_cancelled_source_of_a_dead_worker_is_not_queued_again(bot, sent):
    source = teach(bot)
    Source.objects.claim(source.pk)
    assert Source.objects.filter(pk=source.pk).stop()
    tasks.sweep_ingestion()
    source.refresh_from_db()
    assert (source.status, source.error_code, source.claim_id) == (
        "ready",
        "cancelled",
        None,
    ) and not sent


def test_a_sweep_with_nothing_to_do_is_one_query(bot, django_assert_num_queries):
    teach(bot)
    with django_assert_num_queries(1):
        assert tasks.sweep_ingestion() == 0
    with django_assert_num_queries(1):
        assert tasks.refresh_due() == 0


# --- Schedules ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "hours", "is_due"),
    [
        ("hourly", 0.9, False), ("hourly", 1.1, True), ("daily", 23, False), ("daily", 25, True),
        ("weekly", 160, False), ("weekly", 169, True), ("none", 9999, False), (None, 9999, False),
    ],
)  # fmt: skip
def test_a_source_is_refreshed_by_its_schedule(bot, sent, schedule, hours, is_due):
    source = teach(bot)
    age(
        source, refresh_schedule=schedule, last_refreshed_at=timezone.now() - timedelta(hours=hours)
    )
    assert tasks.refresh_due() == int(is_due)
    assert bool(ingest_messages(sent)) is is_due


def test_a_schedule_set_later_counts_from_the_last_ingestion(bot):
    source = run(make_source(bot, refresh_schedule="weekly"))
    assert source.next_refresh_at > timezone.now() + timedelta(days=6)
    age(source, last_refreshed_at=timezone.now() - timedelta(hours=2))
    update_source(source.pk, {"refresh_schedule": "hourly"})
    assert tasks.refresh_due() == 1


@pytest.mark.parametrize(
    "fields", [{"is_active": False}, {"deleted_at": timezone.now()}, {"claim_id": uuid.uuid4()}]
)
def test_what_is_put_away_or_busy_is_not_refreshed(bot, fields):
    source = teach(bot)
    age(
        source,
        refresh_schedule="hourly",
        last_refreshed_at=timezone.now() - timedelta(hours=2),
        **fields,
    )
    assert tasks.refresh_due() == 0


def test_a_scheduled_source_that_fails_is_tried_less_and_less_often(bot, sent):
    source = make_source(bot, "", refresh_schedule="hourly")
    waits = []
    for _ in range(3):
        run(source)
        waits.append(round((source.next_refresh_at - timezone.now()).total_seconds() / 3600))
        assert tasks.refresh_due() == 0
    assert waits == [1, 2, 4]
    age(source, next_refresh_at=timezone.now())
    assert tasks.refresh_due() == 1
    source.refresh_from_db()
    assert source.attempts == 3, "only success and a person start the count again"


def test_a_failure_that_may_pass_is_tried_again_without_a_schedule(bot, sent, embedder):
    from minirag.lib.errors import ProviderError

    def refuse():
        raise ProviderError("unavailable", provider="openai")

    embedder.then = refuse
    source = run(make_source(bot))
    assert (
        source.status == "error"
        and timedelta() < source.next_refresh_at - timezone.now() <= timedelta(minutes=1)
    )
    age(source, next_refresh_at=timezone.now())
    assert tasks.refresh_due() == 1
    run(source)
    run(source)
    assert source.attempts == 3 and source.next_refresh_at is None, (
        "after three times somebody has to ask"
    )


def test_a_source_in_error_that_is_given_a_schedule_becomes_due_and_without_it_no_more(bot, sent):
    source = run(make_source(bot, ""))
    assert source.status == "error" and source.next_refresh_at is None
    planned = update_source(source.pk, {"refresh_schedule": "hourly"}).next_refresh_at
    assert timedelta(minutes=59) < planned - timezone.now() <= timedelta(hours=1)
    age(source, next_refresh_at=timezone.now())
    assert update_source(source.pk, {"refresh_schedule": None}).next_refresh_at is None
    assert tasks.refresh_due() == 0


# --- Cancelling ---------------------------------------------------------------------------------------------------


def test_a_cancelled_refresh_waits_for_its_whole_interval(bot, sent):
    source = run(make_source(bot, refresh_schedule="hourly"))
    age(source, next_refresh_at=timezone.now())
    assert tasks.refresh_due() == 1 and Source.objects.filter(pk=source.pk).stop()
    assert tasks.refresh_due() == 0
    source.refresh_from_db()
    assert source.status == "ready" and source.next_refresh_at > timezone.now() + timedelta(
        minutes=59
    )


# --- Due work -----------------------------------------------------------------------------------------------------


def due(kind: DueKind) -> list[float]:
    """In how many minutes work of this kind is due."""
    moments = DueWork.objects.filter(kind=kind, claimed_until=None).values_list("due_at", flat=True)
    return sorted(round((at - timezone.now()).total_seconds() / 60) for at in moments)


@pytest.fixture
def nothing_due(db) -> None:
    DueWork.objects.all().delete()


def test_what_waits_and_what_runs_is_looked_at_again(bot, sent, queue, nothing_due):
    source = make_source(bot)
    queue(source)
    assert due(DueKind.INGESTION) == [1]
    Source.objects.claim(source.pk)
    age(source, heartbeat_at=timezone.now() - timedelta(seconds=10))
    assert Source.objects.next_sweep() == source.heartbeat_at + Source.STALE_AFTER


def test_a_schedule_makes_the_next_refresh_due_with_the_ingestion(bot, nothing_due):
    run(make_source(bot, refresh_schedule="daily"))
    assert due(DueKind.REFRESHES) == [24 * 60]


def test_a_schedule_that_is_changed_is_looked_at_at_once(bot, nothing_due):
    source = run(make_source(bot))
    assert due(DueKind.REFRESHES) == []
    update_source(source.pk, {"refresh_schedule": "hourly"})
    assert due(DueKind.REFRESHES) == [0]
    assert (
        timedelta(minutes=59) < Source.objects.next_refresh() - timezone.now() < timedelta(hours=1)
    )


def test_a_deleted_source_makes_its_purge_due(bot, nothing_due):
    source = teach(bot)
    delete_source(source.pk)
    assert due(DueKind.PURGES) == [1] and tasks.next_purge() > timezone.now()
    forget_knowledge(source.pk, only_deleted=True)
    assert tasks.next_purge() is None


def test_a_bot_that_names_another_model_makes_embedding_anew_due(bot, nothing_due):
    teach(bot)
    bot.embedding_model = "minirag/hash"
    bot.save()
    assert due(DueKind.REEMBEDDING) == [0]


def test_what_no_row_reminds_of_any_more_is_found_by_the_repair(bot, sent, queue, nothing_due):
    queue(make_source(bot))
    DueWork.objects.all().delete()
    repair_tenant()
    assert due(DueKind.INGESTION) == [1]
