"""What the webhook endpoints answer, for the API's description."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from minirag.lib.http_in.openapi import Moment, Reply
from webhooks.models import DeliveryStatus, EventType


class WebhookReply(Reply):
    id: UUID
    tenant_id: UUID
    url: Annotated[str, Field(examples=["https://hooks.example.com/minirag"])]
    events: Annotated[list[str], Field(examples=[["chat.message", "source.failed"]])]
    is_active: Annotated[
        bool, Field(description="False for one that is paused, by hand or for its failures.")
    ]
    description: str
    has_secret: bool
    paused_at: Moment | None
    paused_reason: str | None
    failing_since: Annotated[
        Moment | None, Field(description="Since when every attempt has failed.")
    ]
    created_at: Moment
    updated_at: Moment


class WebhookWithSecretReply(WebhookReply):
    secret: Annotated[str, Field(description="Shown this once.")]


class RotatedSecretReply(WebhookWithSecretReply):
    previous_secret_until: Annotated[
        Moment | None, Field(description="Until then the old secret signs as well.")
    ]


class WebhookTestReply(Reply):
    success: bool
    status_code: Annotated[int | None, Field(description="None if no answer came.", examples=[200])]
    error: str | None
    delivery_id: UUID


class DeliveryReply(Reply):
    id: Annotated[
        UUID, Field(description="`X-MiniRAG-Delivery` and `webhook-id`, the same at every attempt.")
    ]
    webhook_id: UUID
    event_type: EventType
    status: DeliveryStatus
    attempts: int
    next_attempt_at: Moment | None
    delivered_at: Moment | None
    last_status_code: int | None
    last_error: str | None
    created_at: Moment


class DeliveryPageReply(Reply):
    items: list[DeliveryReply]
    next_cursor: str | None


class AttemptReply(Reply):
    number: Annotated[int, Field(description="One that is missing was interrupted.", examples=[1])]
    started_at: Moment
    duration_ms: int
    request_headers: Annotated[dict[str, str], Field(description="Signatures are cut short.")]
    status_code: Annotated[int | None, Field(examples=[200])]
    response_body: Annotated[str, Field(description="Its first 2 kB.")]
    error: str | None


class DeliveryInFullReply(DeliveryReply):
    request_body: Annotated[str, Field(description="As it is sent, byte for byte.")]
    log: list[AttemptReply]


class RedeliveriesReply(Reply):
    requeued: int
    has_more: bool
