"""What the webhook endpoints read and write."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool

from minirag.lib.http_in.pagination import PageQuery
from minirag.lib.http_in.rest import Body, naive_utc
from minirag.lib.moments import Moment
from tenants.context import require_tenant
from webhooks.models import Attempt, Delivery, DeliveryStatus, EventType, Webhook

Url = Annotated[str, Field(max_length=2048)]
Events = Annotated[list[str], Field(max_length=100)]
Description = Annotated[str, Field(max_length=500)]


class NewWebhook(Body):
    url: Url
    events: Events
    description: Description = ""
    secret: Annotated[str, Field(max_length=256)] | None = None


class WebhookChanges(Body):
    """Only `model_fields_set` counts; the defaults are never used."""

    url: Url = ""
    events: Events = []
    description: Description = ""
    is_active: StrictBool = True


class RotationQuery(Body):
    overlap_hours: Annotated[
        int, Field(ge=0, le=168, description="How long the old secret signs as well.")
    ] = 24


class DeliveryQuery(PageQuery):
    status: DeliveryStatus | None = None
    event_type: EventType | None = None


class RedeliveryQuery(Body):
    event_type: EventType | None = None
    since: Annotated[Moment | None, Field(description="ISO 8601; UTC if no zone is given.")] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000


def render_webhook(webhook: Webhook) -> dict[str, Any]:
    """The contract's keys, and how the webhook does."""
    return {
        "id": str(webhook.pk),
        "tenant_id": str(require_tenant().pk),
        "url": webhook.url,
        "events": webhook.events,
        "is_active": webhook.is_active,
        "description": webhook.description,
        "has_secret": webhook.has_secret,
        "paused_at": naive_utc(webhook.paused_at),
        "paused_reason": webhook.paused_reason or None,
        "failing_since": naive_utc(webhook.failing_since),
        "created_at": naive_utc(webhook.created_at),
        "updated_at": naive_utc(webhook.updated_at),
    }


def render_delivery(delivery: Delivery) -> dict[str, Any]:
    is_pending = delivery.status == DeliveryStatus.PENDING
    return {
        "id": str(delivery.pk),
        "webhook_id": str(delivery.webhook_id),
        "event_type": delivery.event_type,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "next_attempt_at": naive_utc(delivery.next_attempt_at) if is_pending else None,
        "delivered_at": naive_utc(delivery.delivered_at),
        "last_status_code": delivery.last_status_code,
        "last_error": delivery.last_error or None,
        "created_at": naive_utc(delivery.created_at),
    }


def render_delivery_in_full(delivery: Delivery) -> dict[str, Any]:
    attempts = [render_attempt(attempt) for attempt in delivery.log.all()]
    return {**render_delivery(delivery), "request_body": delivery.body, "log": attempts}


def render_attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "started_at": naive_utc(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "request_headers": attempt.request_headers,
        "status_code": attempt.status_code,
        "response_body": attempt.response_body,
        "error": attempt.error or None,
    }
