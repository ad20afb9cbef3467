"""Webhooks and the outbox of events on their way to them."""

from __future__ import annotations

import uuid

from django.db import models


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


SUBSCRIBABLE = tuple(sorted(each.value for each in EventType if each is not EventType.TEST_PING))


class Webhook(models.Model):
    """A subscription: events of these types are posted to this address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    url = models.CharField(max_length=2048)
    events = models.JSONField(default=list)
    description = models.CharField(max_length=500, blank=True, default="")
    encrypted_secret = models.TextField(blank=True, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.url


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"


class Delivery(models.Model):
    """One event on its way to one webhook, written in the transaction that caused it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event_type = models.CharField(max_length=64)
    payload = models.JSONField()
    status = models.CharField(max_length=10, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(auto_now_add=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["next_attempt_at"], name="delivery_due", condition=models.Q(status="pending")),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.status}"
