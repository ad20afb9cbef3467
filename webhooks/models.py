"""Webhooks, the outbox of events on their way to them, and the log of every attempt."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any, Final

from django.db import models

from minirag.lib.security.crypto import decrypt, encrypt, rotate
from tenants.context import TenantRow, current_schema


class EventType(models.TextChoices):
    """What can be told; the payload of each is in docs/webhooks.md."""

    SOURCE_INGESTED = "source.ingested", "Source ingested"
    SOURCE_FAILED = "source.failed", "Source failed"
    CHAT_MESSAGE = "chat.message", "Chat message"
    CHAT_REFUSED = "chat.refused", "Chat refused"
    FEEDBACK_GIVEN = "feedback.given", "Feedback given"
    QUOTA_WARNING = "quota.warning", "Quota nearly used up"
    QUOTA_REACHED = "quota.reached", "Quota used up"
    TEST_PING = "test.ping", "Test"  # sent by the test of a webhook alone; nobody subscribes to it


_SEALED = ("encrypted_secret", "encrypted_previous_secret")
SUBSCRIBABLE = tuple(sorted(each.value for each in EventType if each is not EventType.TEST_PING))


LONGEST_OVERLAP_HOURS: Final = 168


class Webhook(TenantRow, models.Model):
    """A subscription: events of these types are posted to this address.

    One that is not active is paused: nothing new is recorded for it, and what waits is held until it goes on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    url = models.CharField(max_length=2048)
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
    # Who works on it: a message is on its way, a worker has it (or it rests after failures), a later message is set.
    queued_at = models.DateTimeField(null=True, blank=True, editable=False)
    busy_until = models.DateTimeField(null=True, blank=True, editable=False)
    wake_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.url

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


class Delivery(models.Model):
    """One event on its way to one webhook, written in the transaction that caused it.

    Its id is the message's id on the wire, the same at every attempt, so that a receiver can tell a repeat.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event_type = models.CharField(max_length=64, choices=EventType)
    body = models.TextField(
        help_text="The JSON as it is sent, byte for byte."
    )  # jsonb would reorder its keys
    status = models.CharField(max_length=10, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    attempts_left = models.PositiveSmallIntegerField(default=11)
    next_attempt_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    last_status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

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
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.status}"

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
