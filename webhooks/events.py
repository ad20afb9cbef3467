"""`emit`: the one way an event enters the outbox."""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from minirag.lib.jobs.job import RESEND_AFTER
from tenants.due import DueKind, make_due
from webhooks.delivering.pruning import prune_after
from webhooks.event_types import EventType
from webhooks.models import Delivery, Webhook
from webhooks.tasks import queue_webhooks


def emit(event_type: EventType, payload: dict[str, Any]) -> None:
    """Write one Delivery for each active webhook subscribed to `event_type`, in the caller's transaction.

    `payload` is the JSON body of the wire contract, without an envelope; its ids are strings. Nothing is sent here:
    once the transaction has committed a worker is told, and where that fails the sweeper finds the rows.
    """
    webhook_ids = _find_subscribed(event_type)
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


def _find_subscribed(event_type: EventType) -> list[UUID]:
    """Return the ids of the webhooks to tell, which cannot be deleted until the caller's transaction ends.

    Django has no FOR KEY SHARE; without it a webhook that is deleted at this moment would fail the chat turn.
    """
    sql = f"SELECT id FROM {Webhook._meta.db_table} WHERE is_active AND events @> %s::jsonb FOR KEY SHARE"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps([event_type.value])])
        return [row[0] for row in cursor.fetchall()]
