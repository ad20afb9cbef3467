"""A clock that jumps ahead and back: what was written meanwhile lies in a future that is none, and waits for nobody."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from bots.models import BotProfile
from knowledge.models import Source
from knowledge.tests.conftest import make_source
from minirag import ticking
from minirag.celery import app
from minirag.lib.http_in import idempotency
from minirag.lib.jobs.job import BEAT_SECONDS
from minirag.operations.diagnosis import check_beat
from minirag.operations.findings import OK, WARN
from tenants.due import DueKind, DueWork, claim_due, make_everything_due
from webhooks.models import Delivery, Webhook

DAY = timedelta(days=1)


@pytest.fixture
def source(in_acme) -> Source:
    return make_source(BotProfile.objects.create(name="Ava"))


def write(source: Source, **facts: object) -> None:
    Source.objects.filter(pk=source.pk).update(**facts)


def test_a_job_of_a_worker_that_died_in_that_future_is_taken_up_now(source):
    taken = Source.objects.claim(source.pk, now=timezone.now() + DAY)
    assert taken is not None and not Source.objects.running().exists()
    assert Source.objects.next_sweep() < timezone.now() + timedelta(minutes=5)
    assert [row.pk for row in Source.objects.sweep()] == [source.pk]


def test_a_worker_that_lives_keeps_its_job_by_its_next_beat(source):
    taken = Source.objects.claim(source.pk, now=timezone.now() + DAY)
    taken.beat()
    assert not Source.objects.sweep() and Source.objects.claim(source.pk) is None


def test_a_message_that_was_lost_in_that_future_is_sent_again_now(source):
    write(source, status="pending", queued_at=timezone.now() + DAY)
    assert [row.pk for row in Source.objects.sweep()] == [source.pk]
    assert not Source.objects.sweep()


def test_a_reminder_that_was_taken_in_that_future_is_taken_again(db, acme):
    DueWork.objects.all().delete()
    DueWork.objects.create(
        tenant_id=acme.tenant.pk, kind=DueKind.EXPORTS, due_at=timezone.now(), claimed_until=timezone.now() + DAY
    )  # fmt: skip
    assert list(claim_due()) == [(acme.tenant.pk, DueKind.EXPORTS)]
    assert not claim_due()


def test_everything_of_every_active_tenant_is_looked_at_after_a_jump(db, acme, globex):
    DueWork.objects.all().delete()
    make_everything_due()
    assert not claim_due()  # who lives writes its next beat before anybody looks for the dead
    now = timezone.now()
    DueWork.objects.filter(
        due_at__range=(now + timedelta(seconds=BEAT_SECONDS), now + timedelta(minutes=1))
    ).update(due_at=now)
    due = set(claim_due())
    assert {(party.tenant.pk, kind) for party in (acme, globex) for kind in DueKind.values} <= due


def test_deliveries_of_that_future_are_sent_now_and_retries_in_their_time(in_acme):
    webhook = Webhook.objects.create(url="https://example.com/hook", events=["chat.message"])
    now = timezone.now()

    def make(attempts: int, at: timedelta) -> int:
        made = Delivery.objects.create(
            webhook=webhook, event_type="chat.message", body="{}", attempts=attempts
        )
        Delivery.objects.filter(pk=made.pk).update(next_attempt_at=now + at)
        return made.pk

    untried, put_off, retry = make(0, timedelta(hours=1)), make(3, DAY), make(3, timedelta(hours=1))
    taken = {each.pk for each in Delivery.objects.take(now, timedelta(minutes=1), 10)}
    assert taken == {untried, put_off} and retry not in taken


def test_an_endpoint_that_was_left_alone_in_that_future_is_told_all_that_waits_for_it_now(in_acme):
    now = timezone.now()
    webhook = Webhook.objects.create(
        url="https://example.com/hook", events=["chat.message"], rests_until=now + DAY,
        heartbeat_at=now + DAY, queued_at=now + DAY,
    )  # fmt: skip
    Delivery.objects.create(webhook=webhook, event_type="chat.message", body="{}")
    Delivery.objects.update(next_attempt_at=now + DAY, attempts=2)
    assert list(Webhook.objects.owed(now)) == [webhook]
    assert Webhook.objects.next_delivery(now) <= now + timedelta(minutes=5)
    Webhook.objects.update(rests_until=None, heartbeat_at=None, queued_at=None)
    assert (
        Webhook.objects.next_delivery(now) == now
    )  # or what a batch leaves would wait for the day


def test_a_key_that_was_taken_in_that_future_is_in_progress_no_longer():
    kept = {"fingerprint": "f", "lease": time.time() + 86_400}
    with pytest.raises(idempotency.OutcomeUnknown):
        idempotency._read("n", "f", json.loads(json.dumps(kept)))
    with pytest.raises(idempotency.InProgress):
        idempotency._read("n", "f", {**kept, "lease": time.time() + idempotency.LEASE_SECONDS})


class TestBeat:
    @pytest.fixture
    def beat(self, db, monkeypatch) -> ticking.Scheduler:
        monkeypatch.setattr("django_celery_beat.schedulers.close_old_connections", lambda: None)
        PeriodicTask.objects.all().delete()
        every = IntervalSchedule.objects.create(every=15, period="seconds")
        for name in ("one", "two"):
            PeriodicTask.objects.create(
                name=name,
                task="minirag.tasks.run_due_work",
                interval=every,
                last_run_at=timezone.now() + DAY,
            )
        self.sent, self.published = [], []
        # It would commit, and close the connection that this test is in a transaction on.
        monkeypatch.setattr(ticking.Scheduler, "schedule_changed", lambda _: False)
        monkeypatch.setattr(ticking.Scheduler, "setup_schedule", lambda _: None)
        monkeypatch.setattr(ticking, "publish", lambda task, **_: self.published.append(task.name))
        monkeypatch.setattr(
            ticking.Scheduler, "apply_entry", lambda _, entry, **__: self.sent.append(entry.name)
        )
        return ticking.Scheduler(app)

    def test_what_ran_in_that_future_runs_again_after_its_interval(self, beat, monkeypatch):
        assert beat.tick() <= 15 and not self.sent
        for entry in beat.schedule.values():
            assert entry.last_run_at <= timezone.now()
            entry.last_run_at -= timedelta(seconds=20)
        beat._heap = None
        while beat.tick() == 0:
            pass
        assert set(self.sent) == {"one", "two"} and not self.published

    def test_doctor_does_not_take_a_run_of_that_future_for_life(self, beat):
        assert check_beat().state == WARN
        PeriodicTask.objects.filter(name="one").update(last_run_at=timezone.now())
        assert check_beat().state == OK

    def test_a_jump_back_is_noticed_and_all_work_is_looked_at(self, beat, monkeypatch):
        now = time.time
        monkeypatch.setattr(ticking.time, "time", lambda: now() + 86_400)
        beat.tick()
        assert self.published == ["minirag.tasks.look_at_everything"]
        monkeypatch.setattr(ticking.time, "time", now)
        beat.tick()
        beat.tick()
        assert len(self.published) == 2
