"""The outbox and the queue in front of it: one message for a burst, lost messages, later messages, old rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.exceptions import Reject
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from minirag.lib.jobs.job import RESEND_AFTER
from tenants.context import tenant_context
from tenants.due import DueWork
from tenants.tasks import TENANT_HEADER
from webhooks import tasks
from webhooks.delivering.pruning import next_pruning, prune_tenant
from webhooks.event_types import SUBSCRIBABLE, EventType
from webhooks.events import emit
from webhooks.models import Attempt, Delivery, Webhook
from webhooks.tests.conftest import make_webhook, tell


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Emit events as requests do whose transactions commit."""

    def put(count: int = 1) -> None:
        for number in range(count):
            with django_capture_on_commit_callbacks(execute=True):
                tell(number=number)

    return put


def messages_to(hook: Webhook, sent) -> int:
    return [webhook_id for webhook_id, _ in sent].count(str(hook.pk))


# --- The outbox ---------------------------------------------------------------------------------------------------


def test_an_event_is_written_for_each_subscriber_that_is_active(in_acme):
    every, one = (
        make_webhook("https://x.example.com/", *names) for names in (SUBSCRIBABLE, ["chat.message"])
    )
    none = make_webhook("https://x.example.com/", events=[])
    paused = make_webhook("https://x.example.com/", "chat.message", is_active=False)
    emit(EventType.CHAT_MESSAGE, {"chat_id": "1"})
    told = set(Delivery.objects.values_list("webhook_id", flat=True))
    assert told == {every.pk, one.pk} and not told & {none.pk, paused.pk}


def test_an_event_that_is_rolled_back_was_never_there(hook, sent):
    with pytest.raises(RuntimeError), transaction.atomic():
        tell()
        raise RuntimeError
    assert not Delivery.objects.exists() and not sent


def test_nothing_is_published_before_the_commit(hook, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        tell()
    assert not sent and callbacks


def test_without_a_subscriber_an_event_costs_one_query(in_acme, django_assert_num_queries):
    assert not Webhook.objects.exists()
    with django_assert_num_queries(1):
        emit(EventType.CHAT_MESSAGE, {"chat_id": "1"})


# --- The queue ----------------------------------------------------------------------------------------------------


def test_a_burst_of_events_sends_one_message(hook, sent, committed):
    committed(25)
    assert messages_to(hook, sent) == 1 and Delivery.objects.count() == 25


def test_once_a_worker_has_begun_the_next_event_sends_a_message_of_its_own(
    hook, sent, committed, acme
):
    committed()
    run_task(acme, hook)
    committed()
    assert messages_to(hook, sent) == 2


def run_task(party, hook: Webhook) -> str:
    return tasks.deliver.apply((str(hook.pk),), headers={TENANT_HEADER: str(party.tenant.pk)}).state


def test_what_a_batch_leaves_is_queued_again_at_once(hook, sent, acme):
    for number in range(12):
        tell(number=number)
    run_task(acme, hook)
    assert messages_to(hook, sent) == 1
    run_task(acme, hook)
    assert (
        Delivery.objects.filter(status="delivered").count() == 12 and messages_to(hook, sent) == 1
    )


def test_the_first_retry_has_a_message_of_its_own_and_later_ones_wait_for_the_sweeper(
    hook, receiver, sent, acme
):
    receiver.serve("/hook", status=500)
    delivery = tell()
    run_task(acme, hook)
    [(_, options)] = sent
    assert 4 < options["countdown"] < 7 and options["expires"] > options["countdown"]
    run_task(acme, hook)
    assert len(sent) == 1, "it rests"
    past = timezone.now() - timedelta(seconds=1)
    Webhook.objects.update(rests_until=None, wake_at=None, failures_in_a_row=30)
    Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=past, attempts_left=8)
    run_task(acme, hook)
    assert len(sent) == 1, "the sweeper comes often enough"


def test_a_later_message_is_not_set_twice(hook, receiver, sent, acme):
    receiver.serve("/hook", status=500)
    now = timezone.now()
    for seconds in (20, 25, 10, 10):
        tasks._wake(hook.pk, now + timedelta(seconds=seconds), now)
    assert [round(options["countdown"]) for _, options in sent] == [20, 10]


def test_a_queue_out_of_reach_fails_no_request_and_leaves_the_event_to_the_sweeper(
    hook, monkeypatch, committed
):
    def fail(*args, **kwargs):
        raise OperationalError("no redis")

    monkeypatch.setattr(tasks.deliver, "apply_async", fail)
    committed()
    messages = []
    monkeypatch.setattr(
        tasks.deliver, "apply_async", lambda arguments, **_: messages.append(arguments[0])
    )
    assert tasks.sweep_deliveries() == 1 and not messages, "it may still be on its way"
    Webhook.objects.update(queued_at=timezone.now() - RESEND_AFTER - timedelta(seconds=1))
    assert tasks.sweep_deliveries() == 1 and messages == [str(hook.pk)]


# --- The sweeper --------------------------------------------------------------------------------------------------


def test_an_event_makes_its_delivery_and_its_pruning_due_with_it(hook, sent):
    DueWork.objects.all().delete()
    tell()
    kinds = dict(DueWork.objects.values_list("kind", "due_at"))
    assert set(kinds) == {"deliveries", "old_deliveries"}
    assert kinds["deliveries"] - timezone.now() <= RESEND_AFTER


def test_the_sweeper_delivers_for_its_own_tenant_only(hook, globex, sent):
    with tenant_context(globex.tenant):
        make_webhook("https://x.example.com/")
        tell()
    tell()
    assert tasks.sweep_deliveries() == 1 and {pk for pk, _ in sent} == {str(hook.pk)}


def test_the_next_delivery_waits_for_rest_worker_and_message(hook, sent):
    now = timezone.now()
    assert Webhook.objects.next_delivery(now) is None
    first = tell().next_attempt_at
    assert Webhook.objects.next_delivery(now) == first
    for fields, expected in (
        ({"heartbeat_at": now}, now + Webhook.STALE_AFTER),
        ({"queued_at": now}, now + RESEND_AFTER),
        ({"rests_until": now + timedelta(minutes=5)}, now + timedelta(minutes=5)),
    ):  # fmt: skip
        Webhook.objects.update(**fields)
        assert Webhook.objects.next_delivery(now) == expected
    Webhook.objects.update(is_active=False)
    assert Webhook.objects.next_delivery(now) is None


@pytest.mark.parametrize(
    ("webhook", "delivery"),
    [
        ({"is_active": False}, {}),
        ({"rests_until": timedelta(minutes=4)}, {}),
        ({}, {"status": "delivered"}),
        ({}, {"status": "held"}),
        ({}, {"status": "failed"}),
        ({}, {"attempts": 1, "next_attempt_at": timedelta(hours=1)}),
    ],
)
def test_the_sweeper_leaves_alone_what_is_not_due(hook, sent, webhook, delivery):
    row, now = tell(), timezone.now()

    def count_from_now(columns):
        return {
            name: now + value if isinstance(value, timedelta) else value
            for name, value in columns.items()
        }

    Webhook.objects.filter(pk=hook.pk).update(**count_from_now(webhook))
    Delivery.objects.filter(pk=row.pk).update(**count_from_now(delivery))
    assert tasks.sweep_deliveries() == 0 and not sent


def test_the_sweeper_asks_one_question_of_a_tenant_with_nothing_to_do(
    hook, django_assert_num_queries
):
    with django_assert_num_queries(1):
        assert tasks.sweep_deliveries() == 0


def test_a_task_of_another_tenant_delivers_nothing(hook, globex, receiver, sent):
    tell()
    assert run_task(globex, hook) == "SUCCESS" and not receiver.seen
    with pytest.raises(Reject):
        tasks.deliver(str(hook.pk))


# --- Old rows -----------------------------------------------------------------------------------------------------


def test_old_deliveries_are_forgotten_with_their_attempts_in_every_tenant(
    hook, acme, globex, sent, settings
):
    settings.WEBHOOK_RETENTION_DAYS = 10
    old, new = tell(), tell()
    for delivery in (old, new):
        Attempt.objects.create(delivery=delivery, number=1, started_at=timezone.now())
    with tenant_context(globex.tenant):
        make_webhook("https://x.example.com/")
        theirs = tell()
    for row, party in ((old, acme), (theirs, globex)):
        with tenant_context(party.tenant):
            Delivery.objects.filter(pk=row.pk).update(
                created_at=timezone.now() - timedelta(days=12)
            )
    for party in (acme, globex):
        with tenant_context(party.tenant):
            assert next_pruning() <= timezone.now() and prune_tenant() == 1
            assert next_pruning() is None or next_pruning() > timezone.now()
    assert list(Delivery.objects.all()) == [new] and Attempt.objects.count() == 1
