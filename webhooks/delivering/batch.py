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
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from minirag.lib.jobs.job import ClaimLost
from webhooks.delivering.attempts import EndpointAnswer, Parcel, conceal, pack, send
from webhooks.delivering.pausing import pause_failing
from webhooks.models import (
    MAX_ATTEMPTS,
    Attempt,
    Delivery,
    Webhook,
)

logger = structlog.get_logger(__name__)

BATCH = 8
RETRY_AFTER_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 28_800)
"""From one attempt to the next, each up to a tenth longer: about 24 hours in all."""

Clock = Callable[[], datetime]


def deliver_batch(webhook_id: UUID, *, clock: Clock = timezone.now) -> datetime | None:
    """Send what is due, unless somebody else does so already; returns when there is more to do, or None."""
    mine = Webhook.objects.filter(pk=webhook_id)
    webhook = mine.filter(is_active=True).claim(webhook_id, now=clock())
    if webhook is None:
        # Perhaps it was paused while the event was on its way into the outbox.
        Delivery.objects.filter(webhook=webhook_id).hold()
        return None
    own = Delivery.objects.filter(webhook=webhook)
    answers = _send_all(webhook, own.take(clock(), Webhook.STALE_AFTER, BATCH), clock)
    _release(webhook, answers, clock())
    return mine.next_delivery(clock())  # after the release, or a new event would be missed


def _send_all(
    webhook: Webhook, deliveries: Sequence[Delivery], clock: Clock
) -> list[EndpointAnswer]:
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


def record_attempt(
    delivery: Delivery, parcel: Parcel, answer: EndpointAnswer, now: datetime
) -> None:
    """Log the attempt, and move the delivery on unless somebody else has claimed it in the meantime."""
    with transaction.atomic():
        if (
            not _move_on(delivery, answer, now)
            and not Delivery.objects.filter(pk=delivery.pk).exists()
        ):
            return  # its webhook was deleted
        Attempt.objects.create(
            delivery=delivery, number=delivery.attempts, request_headers=conceal(parcel.headers),
            status_code=answer.status_code, response_body=answer.response_body, error=answer.error,
            duration_ms=answer.duration_ms, started_at=parcel.started_at,
        )  # fmt: skip


def _move_on(delivery: Delivery, answer: EndpointAnswer, now: datetime) -> bool:
    told = {"last_status_code": answer.status_code, "last_error": answer.error}
    if answer.has_arrived:
        return delivery.arrive(now, **told)
    if answer.is_gone or not delivery.attempts_left:
        return delivery.give_up(**told)
    step = RETRY_AFTER_SECONDS[MAX_ATTEMPTS - 1 - delivery.attempts_left]
    seconds = max(step * random.uniform(1, 1.1), answer.retry_after_seconds)  # noqa: S311 - spreads load, no secret
    return delivery.try_again(now + timedelta(seconds=seconds), **told)


def _release(webhook: Webhook, answers: Sequence[EndpointAnswer], now: datetime) -> None:
    """Give the webhook back and note how the endpoint does; after failures it rests, or is paused for good."""
    with suppress(ClaimLost):
        if not answers:
            webhook.finish()
        elif any(answer.has_arrived for answer in answers):
            webhook.succeed()
        else:
            webhook.rest(len(answers), now)
    if gone := next((answer for answer in answers if answer.is_gone), None):
        pause_failing(webhook, gone.error, now)
    elif answers and not any(answer.has_arrived for answer in answers):
        pause_failing(webhook, answers[-1].error, now, if_hopeless=True)
