"""`emit`: the one way an event enters the outbox."""

from __future__ import annotations

from typing import Any

from webhooks.models import Delivery, EventType, Webhook


def emit(event_type: EventType, payload: dict[str, Any]) -> None:
    """Write one Delivery for each active webhook subscribed to `event_type`, in the caller's transaction.

    `payload` is the JSON body of the wire contract, without an envelope; its ids are strings.
    """
    subscribed = Webhook.objects.filter(is_active=True, events__contains=[event_type.value]).only("pk")
    Delivery.objects.bulk_create(
        Delivery(webhook=webhook, event_type=event_type.value, payload=payload) for webhook in subscribed
    )
