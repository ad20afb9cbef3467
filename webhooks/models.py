"""Webhooks, the outbox of events on their way to them, and the log of every attempt."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import models, transaction
from django.db.models.functions import Least
from django.utils import timezone

from minirag.lib.jobs.clock import is_recent, lies_ahead
from minirag.lib.jobs.job import RESEND_AFTER, Job, JobQuerySet
from minirag.lib.rows import QuickRow
from minirag.lib.security.crypto import decrypt, encrypt, rotate
from tenants.context import TenantRow, current_schema
from tenants.due import DueKind, make_due
from webhooks.event_types import EventType

_SEALED = ("encrypted_secret", "encrypted_previous_secret")

LONGEST_OVERLAP_HOURS: Final = 168
REST_SECONDS, LONGEST_REST = 5, timedelta(minutes=5)
"""How long an endpoint is left alone after a batch of which nothing arrived: so much for each failure in a row."""

MAX_ATTEMPTS: Final = 11
LONGEST_WAIT: Final = timedelta(hours=10)  # more than between any two attempts


class WebhookQuerySet(JobQuerySet["Webhook"]):
    def call(self) -> int:
        """Have a worker deliver what waits for them, once for each message that is on its way; returns how many.

        The caller sends the message.
        """
        now = timezone.now()
        sent = is_recent("queued_at", now, RESEND_AFTER)
        return self.filter(~sent, is_active=True).put_in_queue()

    def wake(self, at: datetime, now: datetime) -> int:
        """Note that a message comes at that moment, unless one comes before; returns for how many, to be sent."""
        return self.exclude(lies_ahead("wake_at", now, at)).update(wake_at=at)

    def owed(self, now: datetime) -> WebhookQuerySet:
        """Return those that have something due and nobody who delivers it: retries, lost messages, dead workers."""
        waiting = Delivery.objects.waiting().filter(webhook=models.OuterRef("pk"))
        due = models.Exists(waiting.filter(Delivery.is_due(now)))
        return self.filter(self.model.is_free(now), due, is_active=True)

    def next_delivery(self, now: datetime) -> datetime | None:
        """When one of them has something to deliver next, and no worker has it; None if nothing waits."""
        waiting = Delivery.objects.waiting().filter(webhook__in=self.filter(is_active=True))
        due = models.When(Delivery.is_due(now), then=Least("next_attempt_at", models.Value(now)))
        found = waiting.order_by().values("webhook").annotate(
            first=models.Min(models.Case(due, default="next_attempt_at")), rests=models.Max("webhook__rests_until"),
            beaten=models.Max("webhook__heartbeat_at"), queued=models.Max("webhook__queued_at"),
        )  # fmt: skip
        # No later than what is written now would say, as in `is_free`.
        moments = []
        for row in found:
            rested = row["rests"] and min(row["rests"], now + LONGEST_REST)
            busy = row["beaten"] and min(row["beaten"], now) + self.model.STALE_AFTER
            sent = row["queued"] and min(row["queued"], now) + RESEND_AFTER
            moments.append(max(each for each in (row["first"], rested, busy, sent) if each))
        return min(moments, default=None)


class Webhook(TenantRow, Job):
    """A subscription: events of these types are posted to this address.

    One that is not active is paused: nothing new is recorded for it, and what waits is held until it goes on. As a job
    it is the delivering of what waits: one worker at a time has it, for as long as a batch of requests may take.
    """

    STALE_AFTER = timedelta(seconds=30)  # three times what an attempt may take
    TAKES_LONG = False

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    url = models.CharField("URL", max_length=2048)
    events = models.JSONField(default=list)
    description = models.CharField(max_length=500, blank=True, default="")
    encrypted_secret = models.TextField(blank=True, editable=False)
    encrypted_previous_secret = models.TextField(blank=True, default="", editable=False)
    previous_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    is_active = models.BooleanField(default=True)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_reason = models.CharField(max_length=500, blank=True, default="", editable=False)
    # How the endpoint does: since when and how often in a row it has failed, nothing if the last attempt succeeded.
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    failures_in_a_row = models.PositiveIntegerField(default=0, editable=False)
    # After failures nobody delivers for a while; and a later message may be set.
    rests_until = models.DateTimeField(null=True, blank=True, editable=False)
    wake_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.url

    @classmethod
    def is_free(cls, now: datetime) -> models.Q:
        return super().is_free(now) & ~lies_ahead("rests_until", now, now + LONGEST_REST)

    @classmethod
    def touch(cls, now: datetime) -> dict[str, Any]:
        return {}  # people read `updated_at` as when the subscription was changed

    @classmethod
    def remind(cls, at: datetime) -> None:
        make_due({DueKind.DELIVERIES: at})

    def succeed(self) -> None:
        """End a batch some of which arrived. Raises ClaimLost."""
        self.finish(rests_until=None, failing_since=None, failures_in_a_row=0)

    def rest(self, failures: int, now: datetime) -> None:
        """End a batch none of which arrived: the endpoint is left alone for a while. Raises ClaimLost."""
        in_a_row, since = self.failures_in_a_row + failures, self.failing_since or now
        self.finish(
            rests_until=now + min(LONGEST_REST, timedelta(seconds=REST_SECONDS * in_a_row)),
            failing_since=since,
            failures_in_a_row=in_a_row,
        )
        self.failing_since, self.failures_in_a_row = since, in_a_row

    def pause(self, reason: str, now: datetime) -> bool:
        """Tell it nothing any more, and hold what waits; returns whether it was active until now."""
        active = self._rows().filter(is_active=True)
        if not active.update(
            is_active=False, paused_at=now, paused_reason=reason[:500], updated_at=now
        ):
            return False
        Delivery.objects.filter(webhook=self).hold()
        return True

    def resume(self, now: datetime) -> bool:
        """Go on, with what was held first and a clean slate; returns whether it was paused until now."""
        paused = self._rows().filter(is_active=False)
        if not paused.update(
            is_active=True, paused_at=None, paused_reason="", failing_since=None, failures_in_a_row=0,
            rests_until=None, claim_id=None, heartbeat_at=None, queued_at=None, wake_at=None, updated_at=now,
        ):  # fmt: skip
            return False
        Delivery.objects.filter(webhook=self).release(now)
        return True

    def forget_failures(self) -> list[str]:
        """Start with a clean slate, as for another address; the caller saves the columns that this returns."""
        self.failing_since, self.failures_in_a_row = None, 0
        return ["failing_since", "failures_in_a_row"]

    @property
    def has_secret(self) -> bool:
        return bool(self.encrypted_secret)

    def set_secret(self, secret: str) -> None:
        """Seal the secret for this row; the caller saves."""
        self.encrypted_secret = encrypt(secret, context=self._secret_context())

    def reveal_secret(self) -> str:
        """The secret in clear, "" for a webhook that has none."""
        return (
            decrypt(self.encrypted_secret, context=self._secret_context())
            if self.encrypted_secret
            else ""
        )

    def reveal_previous_secret(self) -> str:
        sealed = self.encrypted_previous_secret
        return decrypt(sealed, context=self._secret_context()) if sealed else ""

    @classmethod
    def sealed_rows(cls) -> models.QuerySet[Webhook]:
        """The rows with a secret in them, for `manage.py rotate_keys`."""
        empty = models.Q(encrypted_secret="", encrypted_previous_secret="")
        return cls.objects.exclude(empty).only("pk", *_SEALED)

    def reseal(self) -> dict[str, Any]:
        """Return the columns whose secret is not under the first key, resealed. Raises DecryptionFailed."""
        old = {name: value for name in _SEALED if (value := getattr(self, name))}
        new = {name: rotate(value, self._secret_context()) for name, value in old.items()}
        return {name: value for name, value in new.items() if value != old[name]}

    def _secret_context(self) -> str:
        return f"{current_schema()}/webhook:{self.pk}/secret"


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    HELD = "held", "Held: its webhook is paused"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting(self) -> DeliveryQuerySet:
        return self.filter(status=DeliveryStatus.PENDING)

    def take(self, now: datetime, lease: timedelta, limit: int) -> list[Delivery]:
        """Count an attempt of what is due and return it; a worker that dies leaves rows that are due after `lease`."""
        due = self.waiting().filter(self.model.is_due(now))
        with transaction.atomic():
            free = due.select_for_update(skip_locked=True)
            # A row whose last attempt took the worker with it.
            lost = list(free.filter(attempts_left=0).values_list("pk", flat=True))
            told = {"last_error": "The last attempt was interrupted."}
            self.model.objects.filter(pk__in=lost).update(status=DeliveryStatus.FAILED, **told)
            rest = free.filter(attempts_left__gt=0).order_by("next_attempt_at", "id")
            taken = list(rest[:limit])
            self.model.objects.filter(pk__in=[row.pk for row in taken]).update(
                next_attempt_at=now + lease,
                attempts=models.F("attempts") + 1,
                attempts_left=models.F("attempts_left") - 1,
            )
        for row in taken:
            row.attempts, row.attempts_left = row.attempts + 1, row.attempts_left - 1
        return taken

    def hold(self) -> int:
        """Put aside what waits for paused webhooks, where the sweeper does not look."""
        paused = Webhook.objects.filter(is_active=False)
        return self.waiting().filter(webhook__in=paused).update(status=DeliveryStatus.HELD)

    def release(self, now: datetime) -> int:
        """Let wait again what was held."""
        make_due({DueKind.DELIVERIES: now + RESEND_AFTER})
        held = self.filter(status=DeliveryStatus.HELD)
        return held.update(status=DeliveryStatus.PENDING, next_attempt_at=now)

    def start_test(self, webhook: Webhook, body: str) -> Delivery:
        """Write down a test that is sent at once, and never again by itself."""
        return self.create(
            webhook=webhook, event_type=EventType.TEST_PING, body=body, status=DeliveryStatus.FAILED, attempts=1,
            attempts_left=0, last_error="The test has not ended.",
        )  # fmt: skip

    def put_back(self) -> int:
        """Have them sent again, whatever became of them."""
        now = timezone.now()
        make_due({DueKind.DELIVERIES: now + RESEND_AFTER})
        return self.update(
            status=DeliveryStatus.PENDING, attempts_left=MAX_ATTEMPTS, next_attempt_at=now, delivered_at=None
        )  # fmt: skip


class Delivery(QuickRow, models.Model):
    """One event on its way to one webhook, written in the transaction that caused it.

    Its id is the message's id on the wire, the same at every attempt, so that a receiver can tell a repeat.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", db_index=False)
    event_type = models.CharField(max_length=64, choices=EventType)
    body = models.TextField(
        help_text="The JSON as it is sent, byte for byte."
    )  # jsonb would reorder its keys
    status = models.CharField(max_length=10, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    attempts_left = models.PositiveSmallIntegerField(default=MAX_ATTEMPTS)
    next_attempt_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    last_status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["webhook", "next_attempt_at"],
                name="delivery_due",
                condition=models.Q(status="pending"),
            ),
            models.Index(fields=["webhook", "-created_at", "-id"], name="delivery_by_webhook"),
            models.Index(fields=["created_at"], name="delivery_by_time"),
            models.Index(  # the few that may hold a visitor's words
                fields=["created_at"],
                name="delivery_of_feedback",
                condition=models.Q(event_type="feedback.given"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.status}"

    @classmethod
    def is_due(cls, now: datetime) -> models.Q:
        """What is to be sent by now."""
        untried = models.Q(attempts=0) & lies_ahead("next_attempt_at", now, now + RESEND_AFTER)
        tried = models.Q(attempts__gt=0) & lies_ahead("next_attempt_at", now, now + LONGEST_WAIT)
        return ~(untried | tried)

    def arrive(self, now: datetime, **facts: Any) -> bool:
        return self._end_attempt(
            status=DeliveryStatus.DELIVERED, delivered_at=now, attempts_left=0, **facts
        )

    def give_up(self, **facts: Any) -> bool:
        return self._end_attempt(status=DeliveryStatus.FAILED, attempts_left=0, **facts)

    def try_again(self, at: datetime, **facts: Any) -> bool:
        make_due({DueKind.DELIVERIES: at})
        return self._end_attempt(next_attempt_at=at, **facts)

    def _end_attempt(self, **changes: Any) -> bool:
        """Write what became of the attempt; False if somebody else has claimed it in the meantime."""
        for name, value in changes.items():
            setattr(self, name, value)
        own = Delivery.objects.filter(pk=self.pk, attempts=self.attempts)
        return bool(own.update(**changes))

    @property
    def due_at(self) -> datetime | None:
        """When it is tried next; None for one that does not wait."""
        return self.next_attempt_at if self.status == DeliveryStatus.PENDING else None

    @property
    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads(self.body)
        return payload


class Attempt(models.Model):
    """One request for a delivery and what came back. A number that is missing is a worker that died on the way."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log")
    number = models.PositiveSmallIntegerField()
    request_headers = models.JSONField(default=dict)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    response_body = models.TextField(blank=True, help_text="Its first 2 kB.")
    error = models.CharField(max_length=500, blank=True)
    duration_ms = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()

    class Meta:
        ordering = ["delivery", "number", "id"]

    def __str__(self) -> str:
        return f"attempt {self.number}"
