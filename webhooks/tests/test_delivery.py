"""Deliveries: what arrives, how it is signed, when it is tried again, and when it is given up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from datetime import timedelta
from functools import partial

import pytest

from minirag.lib.http_out.client import post_json
from tenants.context import tenant_context
from webhooks.delivering.attempts import EndpointAnswer
from webhooks.delivering.batch import (
    BATCH,
    MAX_ATTEMPTS,
    RETRY_AFTER_SECONDS,
    deliver_batch,
    pack_delivery,
    record_attempt,
)
from webhooks.models import (
    LONGEST_REST,
    Attempt,
    Delivery,
    Webhook,
)
from webhooks.subscriptions import rotate_secret
from webhooks.tests.conftest import PAYLOAD, SECRET, make_webhook, tell


def verify_standard_webhook(secret: bytes, headers: dict[str, str], body: bytes, now: int) -> None:
    """Check a message as standardwebhooks.com describes it, without a line of ours; raises AssertionError."""
    assert abs(now - int(headers["webhook-timestamp"])) <= 300
    signed = b".".join(
        [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body]
    )
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())
    versions = [signature.split(",", 1) for signature in headers["webhook-signature"].split(" ")]
    assert any(v == "v1" and hmac.compare_digest(value.encode(), expected) for v, value in versions)


def run(hook: Webhook, clock):
    return deliver_batch(hook.pk, clock=clock)


def fresh(row):
    row.refresh_from_db()
    return row


# --- What arrives -------------------------------------------------------------------------------------------------


def test_an_event_arrives_with_the_predecessors_bytes_and_headers(hook, receiver, clock, sent):
    raw = {}
    receiver.routes["/hook"] = lambda handler: (
        raw.update(handler.headers.items()), handler.send_response(200), handler.end_headers()
    )  # fmt: skip
    delivery = tell()
    run(hook, clock)
    [(method, path, _, body)] = receiver.seen
    assert (method, path) == ("POST", "/hook")
    assert body == json.dumps(PAYLOAD).encode() and b'"source_name": "Pr\\u00fcfung", ' in body
    assert raw["Content-Type"] == "application/json" and raw["X-MiniRAG-Event"] == "source.ingested"
    assert raw["X-MiniRAG-Signature"] == hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert raw["X-MiniRAG-Delivery"] == raw["webhook-id"] == str(delivery.pk)
    assert raw["X-MiniRAG-Timestamp"] == raw["webhook-timestamp"] == str(int(clock().timestamp()))
    assert "X-MiniRAG-Signature-Previous" not in raw


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        (SECRET, SECRET.encode()),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ),
    ],
)
def test_the_signature_holds_for_an_implementation_of_standard_webhooks(
    in_acme, receiver, clock, sent, secret, key
):
    hook = make_webhook(receiver.url("/hook"), secret=secret)
    tell()
    run(hook, clock)
    _, _, headers, body = receiver.seen[0]
    verify_standard_webhook(key, headers, body, int(clock().timestamp()))
    with pytest.raises(AssertionError):
        verify_standard_webhook(key, headers, body + b" ", int(clock().timestamp()))


def test_while_a_secret_is_changed_both_sign_and_then_the_new_one_alone(
    hook, receiver, clock, sent
):
    new = rotate_secret(hook, overlap=timedelta(hours=1))
    tell()
    run(hook, clock)
    _, _, headers, body = receiver.seen[0]
    for secret, name in ((new, "x-minirag-signature"), (SECRET, "x-minirag-signature-previous")):
        verify_standard_webhook(secret.encode(), headers, body, int(clock().timestamp()))
        assert headers[name] == hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    clock.turn(hours=2)
    tell()
    run(hook, clock)
    _, _, headers, body = receiver.seen[1]
    verify_standard_webhook(new.encode(), headers, body, int(clock().timestamp()))
    assert " " not in headers["webhook-signature"] and "x-minirag-signature-previous" not in headers


def test_what_arrived_is_logged_with_request_answer_and_time(hook, clock, sent):
    delivery = tell()
    assert run(hook, clock) is None
    fresh(delivery)
    assert (delivery.status, delivery.attempts, delivery.last_status_code) == ("delivered", 1, 200)
    assert delivery.delivered_at == clock()
    attempt = Attempt.objects.get(delivery=delivery)
    assert (attempt.number, attempt.status_code, attempt.response_body, attempt.error) == (
        1,
        200,
        "thanks",
        "",
    )
    assert (
        attempt.request_headers["webhook-id"] == str(delivery.pk) and attempt.started_at == clock()
    )
    shown = json.dumps(attempt.request_headers)
    assert SECRET not in shown and max(len(part) for part in shown.split('"')) < 40, (
        "a signature could be replayed"
    )


def test_of_an_answer_two_kilobytes_are_kept_and_a_nul_is_no_harm(hook, receiver, clock, sent):
    receiver.serve("/hook", b"\0" + b"x" * 5000)
    delivery = tell()
    run(hook, clock)
    kept = Attempt.objects.get(delivery=delivery).response_body
    assert len(kept) == 2048 and kept.startswith("\N{REPLACEMENT CHARACTER}x")


def test_several_deliveries_go_out_side_by_side(hook, receiver, clock, sent):
    together = threading.Barrier(BATCH, timeout=60)
    receiver.routes["/hook"] = lambda handler: (
        together.wait(),
        handler.send_response(204),
        handler.end_headers(),
    )
    for number in range(BATCH + 1):
        tell(number=number)
    assert run(hook, clock) is not None, "one is left for the next batch"
    assert Delivery.objects.filter(status="delivered").count() == BATCH


def test_globexs_events_never_reach_acmes_webhook(hook, globex, receiver, clock, sent):
    with tenant_context(globex.tenant):
        other = make_webhook(receiver.url("/globex"))
        receiver.serve("/globex")
        tell()
        assert run(hook, clock) is None
        run(other, clock)
    assert [path for _, path, _, _ in receiver.seen] == [
        "/globex"
    ] and not Delivery.objects.exists()


# --- What fails ---------------------------------------------------------------------------------------------------


def test_a_failure_is_tried_again_for_a_day_under_the_same_id_and_then_given_up(
    hook, receiver, clock, sent
):
    receiver.serve("/hook", status=500)
    delivery, started, waits = tell(), clock(), []
    # A neighbour that succeeds now and then keeps the webhook from being paused.
    while fresh(delivery).status == "pending":
        before = clock()
        clock.moment = max(delivery.next_attempt_at, before)
        waits.append((clock() - before).total_seconds())
        Webhook.objects.update(rests_until=None, failing_since=None, failures_in_a_row=0)
        run(hook, clock)
    assert delivery.status == "failed" and delivery.attempts == MAX_ATTEMPTS == len(receiver.seen)
    assert {headers["webhook-id"] for _, _, headers, _ in receiver.seen} == {str(delivery.pk)}
    for wait, step in zip(waits[1:], RETRY_AFTER_SECONDS, strict=True):
        assert step <= wait <= step * 1.1
    assert timedelta(hours=23) < clock() - started < timedelta(hours=27)
    assert delivery.last_error == "The endpoint answered with status 500."
    assert list(Attempt.objects.values_list("number", flat=True)) == list(
        range(1, MAX_ATTEMPTS + 1)
    )
    assert run(hook, clock) is None and len(receiver.seen) == MAX_ATTEMPTS


def test_an_endpoint_that_recovers_gets_what_it_missed(hook, receiver, clock, sent):
    receiver.serve("/hook", status=503)
    delivery = tell()
    next_due = run(hook, clock)
    assert next_due == max(fresh(delivery).next_attempt_at, fresh(hook).rests_until)
    assert hook.failing_since == clock() and hook.failures_in_a_row == 1
    assert run(hook, clock) is None and len(receiver.seen) == 1, "it rests"
    receiver.serve("/hook")
    clock.moment = next_due
    run(hook, clock)
    assert fresh(delivery).status == "delivered" and fresh(hook).failing_since is None
    assert hook.failures_in_a_row == 0 and hook.rests_until is None and hook.claim_id is None


def test_a_redirect_is_a_failure_and_is_not_followed(hook, receiver, clock, sent):
    receiver.serve("/hook", status=302, location=receiver.serve("/elsewhere"))
    delivery = tell()
    run(hook, clock)
    assert len(receiver.seen) == 1 and "redirects are not followed" in fresh(delivery).last_error


def test_nobody_there_is_a_failure_without_a_status(in_acme, clock, sent):
    hook = make_webhook("http://127.0.0.1:9/hook")
    delivery = tell()
    run(hook, clock)
    assert (fresh(delivery).status, delivery.last_status_code) == ("pending", None)
    assert delivery.last_error == "No connection could be made to the server."


@pytest.mark.parametrize(
    ("sent_back", "seconds"), [("120", 120), ("999999", 3600), ("Wed, 21 Oct 2026", 5), ("-1", 5)]
)
def test_an_endpoint_may_ask_for_patience_of_at_most_an_hour(
    hook, receiver, clock, sent, sent_back, seconds
):
    receiver.serve("/hook", status=429, retry_after=sent_back)
    delivery = tell()
    run(hook, clock)
    wait = (fresh(delivery).next_attempt_at - clock()).total_seconds()
    assert seconds <= wait <= seconds * 1.1


def test_an_endpoint_that_fails_rests_longer_each_time_so_that_a_backlog_costs_little(
    hook, receiver, clock, sent
):
    receiver.serve("/hook", status=500)
    for number in range(40):
        tell(number=number)
    rests = []
    for _ in range(12):
        run(hook, clock)
        rests.append((fresh(hook).rests_until - clock()).total_seconds())
        clock.moment = hook.rests_until
    assert (
        rests[0] == 5 * BATCH
        and rests == sorted(rests)
        and rests[-1] == LONGEST_REST.total_seconds()
    )


# --- Addresses ----------------------------------------------------------------------------------------------------


def test_a_private_address_is_refused_when_it_is_sent_to(hook, receiver, clock, sent, settings):
    """It was allowed when the webhook was made; what counts is what is allowed now."""
    settings.OUTBOUND_ALLOWED_HOSTS = []
    delivery = tell()
    run(hook, clock)
    assert receiver.seen == [] and "may not be reached" in fresh(delivery).last_error


def test_a_name_that_turns_to_a_private_address_is_refused(
    in_acme, receiver, clock, sent, monkeypatch, settings
):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    hook = make_webhook(f"http://rebound.example.com:{receiver.port}/hook")
    monkeypatch.setattr(
        "webhooks.delivering.attempts.post_json", partial(post_json, resolver=lambda host, port: ["127.0.0.1"])
    )  # fmt: skip
    delivery = tell()
    run(hook, clock)
    assert receiver.seen == [] and "private or reserved address" in fresh(delivery).last_error


# --- Claims -------------------------------------------------------------------------------------------------------


def test_of_two_workers_one_delivers(hook, receiver, clock, sent):
    tell()
    receiver.routes["/hook"] = lambda handler: (handler.send_response(200), handler.end_headers())
    Webhook.objects.claim(hook.pk, now=clock())
    assert run(hook, clock) is None and receiver.seen == []
    clock.turn(seconds=31)
    run(hook, clock)
    assert len(receiver.seen) == 1


def test_a_worker_that_died_on_the_way_leaves_a_delivery_that_comes_again_under_its_id(
    hook, receiver, clock, sent, monkeypatch
):
    delivery = tell()

    def die(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("webhooks.delivering.batch.record_attempt", die)
    with pytest.raises(KeyboardInterrupt):
        run(hook, clock)
    monkeypatch.undo()
    assert (fresh(delivery).status, delivery.attempts) == ("pending", 1)
    clock.turn(seconds=20)
    assert run(hook, clock) is None and len(receiver.seen) == 1, "it may still be alive"
    clock.turn(seconds=11)
    run(hook, clock)
    assert fresh(delivery).status == "delivered"
    assert [headers["webhook-id"] for _, _, headers, _ in receiver.seen] == [str(delivery.pk)] * 2
    assert list(Attempt.objects.values_list("number", flat=True)) == [2], (
        "the first one shows as missing"
    )


def test_a_delivery_whose_every_attempt_was_interrupted_ends(hook, receiver, clock, sent):
    delivery = tell()
    Delivery.objects.update(attempts_left=0, attempts=MAX_ATTEMPTS)
    run(hook, clock)
    assert (
        fresh(delivery).status == "failed"
        and "interrupted" in delivery.last_error
        and not receiver.seen
    )


def test_a_worker_that_was_thought_dead_does_not_overwrite_what_its_successor_found(
    hook, clock, sent
):
    delivery = tell()
    parcel = pack_delivery(hook, delivery, (SECRET,), clock())
    run(hook, clock)
    record_attempt(
        delivery, parcel, EndpointAnswer(500, "The endpoint answered with status 500."), clock()
    )
    assert Delivery.objects.get(pk=delivery.pk).status == "delivered"


def test_a_webhook_that_is_deleted_while_it_is_being_told_is_no_error(hook, receiver, clock, sent):
    tell()
    delivery = Delivery.objects.get()
    parcel = pack_delivery(hook, delivery, (SECRET,), clock())
    hook.delete()
    record_attempt(delivery, parcel, EndpointAnswer(200, ""), clock())
    assert not Attempt.objects.exists() and deliver_batch(delivery.webhook_id, clock=clock) is None


def test_a_webhook_without_a_secret_is_told_without_a_signature(hook, receiver, clock, sent):
    Webhook.objects.update(encrypted_secret="")
    tell()
    run(hook, clock)
    assert not [name for name in receiver.seen[0][2] if "signature" in name]


def test_a_batch_costs_the_same_queries_however_much_waits(
    hook, clock, sent, django_assert_max_num_queries
):
    for number in range(20):
        tell(number=number)
    with django_assert_max_num_queries(12 + 4 * BATCH):
        run(hook, clock)
