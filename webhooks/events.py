"""`emit`: the one way an event enters the outbox."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from minirag.lib.jobs.job import RESEND_AFTER
from minirag.lib.rows import FixedStatement
from tenants.due import DueKind, make_due
from webhooks.delivering.pruning import prune_after
from webhooks.event_types import EventType
from webhooks.models import Delivery, Webhook
from webhooks.tasks import queue_webhooks

# Django has no FOR KEY SHARE; without it a webhook that is deleted at this moment would fail the chat turn.
_SUBSCRIBED = FixedStatement(
    f"SELECT id FROM {Webhook._meta.db_table} WHERE is_active AND events @> %s::jsonb FOR KEY SHARE"  # noqa: S608
)


def emit(event_type: EventType, payload: dict[str, Any]) -> None:
    """Write one Delivery for each active webhook subscribed to `event_type`, in the caller's transaction.

    `payload` is the JSON body of the wire contract, without an envelope; its ids are strings. Nothing is sent here:
    once the transaction has committed a worker is told, and where that fails the sweeper finds the rows.
    """
    asked, event = subscribed_to(event_type)
    webhook_ids = [webhook_id for (webhook_id,) in asked.fetch(event)]
    if not webhook_ids:
        return
    body = json.dumps(payload)  # with its spaces and escapes the very bytes that MiniRAG 1.0 sent
    Delivery.objects.bulk_create(
        Delivery(webhook_id=webhook_id, event_type=event_type.value, body=body)
        for webhook_id in webhook_ids
    )
    # Should the message get lost, or this process die before it is sent.
    make_due(
        {
            DueKind.DELIVERIES: timezone.now() + RESEND_AFTER,
            DueKind.OLD_DELIVERIES: prune_after(timezone.now()),
        }
    )
    transaction.on_commit(partial(queue_webhooks, webhook_ids))


def subscribed_to(event_type: EventType) -> tuple[FixedStatement, str]:
    """What `emit` asks for an event: the webhooks to tell, which cannot be deleted until the transaction ends."""
    return _SUBSCRIBED, json.dumps([event_type.value])
