"""The pages of webhooks and deliveries in a tenant's admin."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tenants.models import Role
from tests.admin_sessions import log_in_to_admin
from webhooks.delivering.batch import deliver_batch
from webhooks.models import Delivery, Webhook
from webhooks.subscriptions import switch_webhook
from webhooks.tests.conftest import SECRET, make_webhook, tell

HOOKS, DELIVERIES = "/admin/webhooks/webhook/", "/admin/webhooks/delivery/"


@pytest.fixture
def alice(in_acme) -> Client:
    return log_in_to_admin(in_acme.owner, "sessionid_acme", SCRIPT_NAME="/t/acme")


@pytest.fixture
def member(in_acme, bob) -> Client:
    return log_in_to_admin(bob, "sessionid_acme", SCRIPT_NAME="/t/acme")


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, (path, response.status_code)
    return response.content.decode()


def test_a_webhook_is_added_and_its_secret_is_shown_once(alice):
    made = alice.post(
        f"{HOOKS}add/", {"url": "https://a.example.com/", "events": ["chat.message"]}
    ).content.decode()
    hook = Webhook.objects.get()
    assert hook.reveal_secret() in made and hook.events == ["chat.message"]
    for path in (HOOKS, f"{HOOKS}{hook.pk}/change/"):
        assert hook.reveal_secret() not in page(alice, path)


def test_a_private_address_is_refused_at_its_field(alice):
    answer = alice.post(f"{HOOKS}add/", {"url": "http://10.0.0.1/", "events": []})
    assert answer.status_code == 200 and "may not be reached" in answer.content.decode()
    assert not Webhook.objects.exists()


def test_the_page_says_why_it_is_paused_and_the_switch_resumes_it(
    alice, hook, receiver, clock, sent
):
    receiver.serve("/hook", status=410)
    tell()
    deliver_batch(hook.pk, clock=clock)
    text = page(alice, f"{HOOKS}{hook.pk}/change/")
    assert "status 410" in text and "Paused (since " in text and "source.ingested" in text
    form = {"url": hook.url, "events": hook.events, "is_active": "on", "description": "mended"}
    assert alice.post(f"{HOOKS}{hook.pk}/change/", form).status_code == 302
    hook.refresh_from_db()
    assert (hook.is_active, hook.paused_reason, hook.description) == (True, "", "mended")


def test_the_test_button_sends_and_says_how_it_went(alice, hook, receiver):
    assert (
        not receiver.seen and "Send" in page(alice, f"{HOOKS}{hook.pk}/test/") and not receiver.seen
    )
    answer = alice.post(f"{HOOKS}{hook.pk}/test/", follow=True)
    assert "status 200" in answer.content.decode() and len(receiver.seen) == 1


def test_the_secret_is_changed_and_shown_once(alice, hook):
    shown = alice.post(f"{HOOKS}{hook.pk}/rotate/", {"overlap_hours": "2"}).content.decode()
    hook.refresh_from_db()
    assert hook.reveal_secret() in shown and hook.reveal_previous_secret() == SECRET not in shown


def test_a_delivery_shows_its_attempts_and_is_sent_again_from_page_and_list(
    alice, hook, receiver, clock, sent
):
    receiver.serve("/hook", b"<b>no</b>", status=500)
    delivery = tell()
    deliver_batch(hook.pk, clock=clock)
    text = page(alice, f"{DELIVERIES}{delivery.pk}/change/")
    assert "&lt;b&gt;no" in text and "X-MiniRAG-Event" in text and re.search(r"\d+ ms", text)
    for path, form in (
        (f"{DELIVERIES}{delivery.pk}/redeliver/", {}),
        (DELIVERIES, {"action": "redeliver_chosen", "_selected_action": [str(delivery.pk)]}),
        (f"{HOOKS}{hook.pk}/redeliver_failed/", {}),
    ):
        Delivery.objects.update(status="failed", attempts_left=0)
        assert alice.post(path, form).status_code == 302
        assert Delivery.objects.get().status == "pending", path


def test_what_cannot_be_sent_again_now_is_said(alice, hook, sent):
    delivery = tell()
    switch_webhook(hook, False)
    answer = alice.post(f"{DELIVERIES}{delivery.pk}/redeliver/").content.decode()
    assert "This webhook is paused" in answer and Delivery.objects.get().status == "held"


def test_a_webhook_is_deleted_with_its_deliveries(alice, hook, sent):
    tell()
    assert alice.post(f"{HOOKS}{hook.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Webhook.objects.exists() and not Delivery.objects.exists()


def test_a_member_looks_and_does_nothing(member, hook, sent):
    delivery = tell()
    for path in (
        HOOKS,
        f"{HOOKS}{hook.pk}/change/",
        DELIVERIES,
        f"{DELIVERIES}{delivery.pk}/change/",
    ):
        page(member, path)
    for path in (
        f"{HOOKS}add/", f"{HOOKS}{hook.pk}/delete/", f"{DELIVERIES}{delivery.pk}/redeliver/",
        *(f"{HOOKS}{hook.pk}/{act}/" for act in ("test", "rotate", "redeliver_failed")),
    ):  # fmt: skip
        assert member.post(path, {"overlap_hours": "0"}).status_code == 403, path


def test_the_list_costs_the_same_queries_however_many_there_are(
    alice, django_assert_max_num_queries
):
    for number in range(15):
        make_webhook(f"https://{number}.example.com/")
    with django_assert_max_num_queries(15):
        assert "14.example.com" in page(alice, HOOKS)


def test_what_visitors_have_said_is_not_shown_to_who_may_not_read_chats(
    in_acme, bob, member, as_bob
):
    hook = make_webhook("https://a.example.com/")
    delivery = tell(reason="My knee hurts.")
    shown, asked = (
        f"{DELIVERIES}{delivery.pk}/change/",
        f"/v1/webhooks/{hook.pk}/deliveries/{delivery.pk}",
    )
    assert "My knee" in page(member, shown) and as_bob.get(asked).status_code == 200
    bob.role = Role.VIEWER
    bob.save()
    assert "My knee" not in page(member, shown)
    answer = as_bob.get(asked)
    assert (answer.status_code, answer.json()["code"]) == (403, "role_forbidden")
    assert as_bob.get(f"/v1/webhooks/{hook.pk}/deliveries").status_code == 200
