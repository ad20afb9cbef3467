"""Deliver what waits for a webhook: claim it, send it, record what came of it, and decide when to come back.

One worker at a time works for a webhook, on a lease, and sends a few deliveries side by side: so a slow endpoint takes
one worker for ten seconds and no more, however much waits for it. A delivery is claimed by moving its next attempt
behind the lease and counting the attempt, in a transaction that commits before anything is sent. A worker that dies on
the way therefore leaves a row that comes up again by itself, with the same id, and one attempt less to go.

Nothing promises an order: what fails is overtaken by what comes after it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Min, Q
from django.utils import timezone

from webhooks.attempts import Answer, Parcel, conceal, pack, send
from webhooks.models import Attempt, Delivery, DeliveryStatus, Webhook
from webhooks.pausing import hold_deliveries, pause_failing

logger = structlog.get_logger(__name__)

BATCH = 8
LEASE = timedelta(seconds=30)  # three times what an attempt may take
RETRY_AFTER_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 28_800)
"""From one attempt to the next, each up to a tenth longer: about 24 hours in all."""
MAX_ATTEMPTS = len(RETRY_AFTER_SECONDS) + 1
REST_SECONDS, LONGEST_REST_SECONDS = 5, 300
"""How long an endpoint is left alone after a batch of which nothing arrived: so much for each failure in a row."""

Clock = Callable[[], datetime]


def deliver_batch(webhook_id: UUID, *, clock: Clock = timezone.now) -> datetime | None:
    """Send what is due, unless somebody else does so already; returns when there is more to do, or None."""
    webhook = _claim_webhook(webhook_id, clock())
    if webhook is None:
        return None
    lease = webhook.busy_until
    deliveries = _claim_deliveries(webhook, clock())
    answers = _send_all(webhook, deliveries, clock)
    _release(webhook, lease, answers, clock())
    return _next_due(webhook_id)


def _claim_webhook(webhook_id: UUID, now: datetime) -> Webhook | None:
    mine = Webhook.objects.filter(pk=webhook_id)
    is_free = Q(busy_until__isnull=True) | Q(busy_until__lte=now)
    if mine.filter(is_free, is_active=True).update(busy_until=now + LEASE, queued_at=None):
        return mine.first()
    if mine.filter(is_active=False).exists():
        hold_deliveries(webhook_id)  # it was paused while the event was on its way into the outbox
    return None


def _claim_deliveries(webhook: Webhook, now: datetime) -> list[Delivery]:
    due = Delivery.objects.filter(
        webhook=webhook, status=DeliveryStatus.PENDING, next_attempt_at__lte=now
    )
    with transaction.atomic():
        # A row whose last attempt took the worker with it.
        due.filter(attempts_left=0).update(
            status=DeliveryStatus.FAILED, last_error="The last attempt was interrupted."
        )
        rows = due.select_for_update(skip_locked=True).order_by("next_attempt_at", "id")[:BATCH]
        claimed = {row.pk: row for row in rows}
        Delivery.objects.filter(pk__in=claimed).update(
            next_attempt_at=now + LEASE,
            attempts=F("attempts") + 1,
            attempts_left=F("attempts_left") - 1,
        )
    for row in claimed.values():
        row.attempts, row.attempts_left = row.attempts + 1, row.attempts_left - 1
    return list(claimed.values())


def _send_all(webhook: Webhook, deliveries: Sequence[Delivery], clock: Clock) -> list[Answer]:
    """Send side by side, and record each answer as it comes. Only this thread touches the database."""
    if not deliveries:
        return []
    secrets, answers = current_secrets(webhook, clock()), []
    with ThreadPoolExecutor(len(deliveries), thread_name_prefix="webhook") as threads:
        sent = {}
        for each in deliveries:
            parcel = pack_delivery(webhook, each, secrets, clock())
            sent[threads.submit(send, parcel)] = (each, parcel)
        for future in as_completed(sent):
            delivery, parcel = sent[future]
            answers.append(future.result())
            record_attempt(delivery, parcel, answers[-1], clock())
    return answers


def current_secrets(webhook: Webhook, now: datetime) -> tuple[str, ...]:
    """The secret and, until its overlap ends, the one before; none for a webhook that has none."""
    secret = webhook.reveal_secret()
    overlaps = webhook.previous_secret_until is not None and webhook.previous_secret_until > now
    previous = webhook.reveal_previous_secret() if overlaps else ""
    return tuple(each for each in (secret, previous) if each)


def pack_delivery(
    webhook: Webhook, delivery: Delivery, secrets: tuple[str, ...], now: datetime
) -> Parcel:
    return pack(
        delivery.pk, url=webhook.url, event_type=delivery.event_type, body=delivery.body.encode(),
        secrets=secrets, now=now,
    )  # fmt: skip


def record_attempt(delivery: Delivery, parcel: Parcel, answer: Answer, now: datetime) -> None:
    """Log the attempt, and move the delivery on unless somebody else has claimed it in the meantime."""
    changes = {
        "last_status_code": answer.status_code, "last_error": answer.error, **_decide(delivery, answer, now)
    }  # fmt: skip
    with transaction.atomic():
        own = Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts)
        if not own.update(**changes) and not Delivery.objects.filter(pk=delivery.pk).exists():
            return  # its webhook was deleted
        Attempt.objects.create(
            delivery=delivery, number=delivery.attempts, request_headers=conceal(parcel.headers),
            status_code=answer.status_code, response_body=answer.response_body, error=answer.error,
            duration_ms=answer.duration_ms, started_at=parcel.started_at,
        )  # fmt: skip
    for name, value in changes.items():
        setattr(delivery, name, value)


def _decide(delivery: Delivery, answer: Answer, now: datetime) -> dict[str, object]:
    if answer.has_arrived:
        return {"status": DeliveryStatus.DELIVERED, "delivered_at": now, "attempts_left": 0}
    if answer.is_gone or not delivery.attempts_left:
        return {"status": DeliveryStatus.FAILED, "attempts_left": 0}
    step = RETRY_AFTER_SECONDS[MAX_ATTEMPTS - 1 - delivery.attempts_left]
    seconds = max(step * random.uniform(1, 1.1), answer.retry_after_seconds)  # noqa: S311 - spreads load, no secret
    return {"next_attempt_at": now + timedelta(seconds=seconds)}


def _release(
    webhook: Webhook, lease: datetime | None, answers: Sequence[Answer], now: datetime
) -> None:
    """End the lease and note how the endpoint does; after failures it rests, or is paused for good."""
    own = Webhook.objects.filter(pk=webhook.pk, busy_until=lease)
    if not answers:
        own.update(busy_until=None, queued_at=None)
    elif any(answer.has_arrived for answer in answers):
        own.update(busy_until=None, queued_at=None, failing_since=None, failures_in_a_row=0)
    else:
        failures = webhook.failures_in_a_row + len(answers)
        rest = timedelta(seconds=min(LONGEST_REST_SECONDS, REST_SECONDS * failures))
        since = webhook.failing_since or now
        own.update(
            busy_until=now + rest, queued_at=None, failing_since=since, failures_in_a_row=failures
        )
        webhook.failing_since, webhook.failures_in_a_row = since, failures
    if gone := next((answer for answer in answers if answer.is_gone), None):
        pause_failing(webhook, gone.error, now)
    elif answers and not any(answer.has_arrived for answer in answers):
        pause_failing(webhook, answers[-1].error, now, if_hopeless=True)


def _next_due(webhook_id: UUID) -> datetime | None:
    """When this webhook has something to do next: after the release, or a new event would be missed."""
    webhook = Webhook.objects.filter(pk=webhook_id, is_active=True).only("busy_until").first()
    waiting = Delivery.objects.filter(webhook_id=webhook_id, status=DeliveryStatus.PENDING)
    due: datetime | None = waiting.aggregate(due=Min("next_attempt_at"))["due"]
    if webhook is None or due is None:
        return None
    return max(due, webhook.busy_until) if webhook.busy_until else due
