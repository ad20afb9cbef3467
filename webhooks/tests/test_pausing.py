"""Paused webhooks: by hand, by a dead endpoint, what is held in the meantime, and who is told."""

from __future__ import annotations

from smtplib import SMTPException

import pytest

from tenants.context import tenant_context
from tenants.models import AuditEvent
from webhooks.delivering import pausing
from webhooks.delivering.batch import deliver_batch
from webhooks.models import Delivery, Webhook
from webhooks.subscriptions import switch_webhook, update_webhook
from webhooks.tests.conftest import make_webhook, tell


@pytest.fixture
def dead(hook, receiver) -> Webhook:
    """acme's webhook, whose endpoint answers 500."""
    receiver.serve("/hook", status=500)
    return hook


def fail_until(hook: Webhook, clock, *, seconds: float) -> None:
    """Deliver whenever something may be done, for so long at the most."""
    end = clock().timestamp() + seconds
    while hook.is_active and clock().timestamp() < end:
        next_due = deliver_batch(hook.pk, clock=clock)
        if next_due is None:
            break
        clock.moment = max(clock(), next_due)
    hook.refresh_from_db()


def test_an_endpoint_that_fails_for_a_day_is_paused(dead, clock, sent):
    delivery = tell()
    fail_until(dead, clock, seconds=20 * 3600)
    assert dead.is_active and dead.failing_since
    fail_until(dead, clock, seconds=10 * 3600)
    assert not dead.is_active and dead.paused_at == clock()
    assert dead.paused_reason.startswith("Every attempt since ") and dead.paused_reason.endswith(
        "status 500."
    )
    assert Delivery.objects.get(pk=delivery.pk).status == "failed"


def test_an_endpoint_that_fails_a_hundred_times_within_hours_is_paused(dead, clock, sent):
    for number in range(30):
        tell(number=number)
    started = clock()
    fail_until(dead, clock, seconds=23 * 3600)
    assert not dead.is_active and dead.failures_in_a_row >= pausing.HOPELESS_FAILURES
    assert clock() - started >= pausing.HOPELESS_AT_LEAST


def test_an_endpoint_that_is_being_restarted_is_not_paused(dead, receiver, clock, sent):
    for number in range(200):
        tell(number=number)
    fail_until(dead, clock, seconds=600)
    receiver.serve("/hook")
    clock.turn(minutes=5)
    deliver_batch(dead.pk, clock=clock)
    dead.refresh_from_db()
    assert dead.is_active and dead.failures_in_a_row == 0


def test_an_endpoint_that_is_gone_is_paused_at_once(hook, receiver, clock, sent):
    receiver.serve("/hook", status=410)
    delivery = tell()
    deliver_batch(hook.pk, clock=clock)
    hook.refresh_from_db()
    assert not hook.is_active and hook.paused_reason == "The endpoint answered with status 410."
    assert Delivery.objects.get(pk=delivery.pk).status == "failed"


def test_the_owners_are_told_by_audit_event_and_mail_and_nobody_else_is(
    hook, receiver, clock, sent, bob, mailoutbox, django_capture_on_commit_callbacks, acme
):
    receiver.serve("/hook", status=410)
    tell()
    with django_capture_on_commit_callbacks(execute=True):
        deliver_batch(hook.pk, clock=clock)
    event = AuditEvent.objects.get(action="webhook.paused")
    assert event.tenant_slug == "acme" and event.detail["webhook_id"] == str(hook.pk)
    assert hook.url not in str(event.detail), (
        "the address is the tenant's, the audit log the platform's"
    )
    [mail] = mailoutbox
    assert mail.to == [acme.owner.email] and hook.url in mail.body and "status 410" in mail.body


def test_a_tenant_whose_name_has_two_lines_is_told_as_well(
    hook, receiver, clock, sent, mailoutbox, django_capture_on_commit_callbacks, acme
):
    acme.tenant.name = "Acme\nand Sons"
    acme.tenant.save()
    receiver.serve("/hook", status=410)
    tell()
    with tenant_context(acme.tenant), django_capture_on_commit_callbacks(execute=True):
        deliver_batch(hook.pk, clock=clock)
    assert [mail.subject for mail in mailoutbox] == ["A webhook of Acme and Sons is paused"]


def test_a_mail_server_that_is_down_stops_nothing(
    hook, receiver, clock, sent, monkeypatch, django_capture_on_commit_callbacks
):
    def fail(*args):
        raise SMTPException

    monkeypatch.setattr(pausing, "send_mail", fail)
    receiver.serve("/hook", status=410)
    tell()
    with django_capture_on_commit_callbacks(execute=True):
        deliver_batch(hook.pk, clock=clock)
    assert not Webhook.objects.get(pk=hook.pk).is_active


def test_what_waits_is_held_while_it_is_paused_and_sent_when_it_goes_on(
    hook, receiver, clock, sent, django_capture_on_commit_callbacks
):
    delivery = tell()
    switch_webhook(hook, False)
    hook.refresh_from_db()
    assert (hook.is_active, hook.paused_reason) == (False, pausing.BY_HAND) and hook.paused_at
    assert Delivery.objects.get().status == "held"
    assert deliver_batch(hook.pk, clock=clock) is None and receiver.seen == []
    tell_nobody = Delivery.objects.count()
    tell()
    assert Delivery.objects.count() == tell_nobody, "nothing new is recorded"
    with django_capture_on_commit_callbacks(execute=True):
        switch_webhook(hook, True)
    assert [webhook_id for webhook_id, _ in sent][-1] == str(hook.pk)
    clock.turn(seconds=1)
    deliver_batch(hook.pk, clock=clock)
    hook.refresh_from_db()
    assert Delivery.objects.get(pk=delivery.pk).status == "delivered"
    assert (hook.is_active, hook.paused_at, hook.paused_reason) == (True, None, "")


def test_an_event_that_slips_in_while_it_is_being_paused_is_held_too(hook, receiver, clock, sent):
    switch_webhook(hook, False)
    Delivery.objects.create(webhook=hook, event_type="chat.message", body="{}")
    assert deliver_batch(hook.pk, clock=clock) is None
    assert Delivery.objects.get().status == "held" and not receiver.seen


def test_pausing_twice_keeps_the_first_reason(hook):
    assert pausing.pause(hook, "First.") and not pausing.pause(hook, "Second.")
    assert hook.paused_reason == "First."


def test_a_new_address_starts_with_a_clean_slate(dead, receiver, clock, sent):
    tell()
    deliver_batch(dead.pk, clock=clock)
    dead.refresh_from_db()
    assert dead.failing_since
    update_webhook(dead, {"url": receiver.url("/other")})
    assert Webhook.objects.get(pk=dead.pk).failing_since is None


def test_a_paused_webhook_holds_nothing_of_its_neighbours(hook, receiver, clock, sent):
    other = make_webhook(receiver.serve("/other"))
    tell()
    switch_webhook(hook, False)
    deliver_batch(other.pk, clock=clock)
    assert [path for _, path, _, _ in receiver.seen] == ["/other"]
