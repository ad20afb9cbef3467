"""Webhooks and their deliveries on the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool

from minirag.lib import moments
from minirag.lib.http_in.nouns import EmptyIsNull, Moment, Noun, RelatedRows, Shown
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.http_in.rest import Body
from webhooks.event_types import EventType
from webhooks.models import LONGEST_OVERLAP_HOURS, DeliveryStatus, Webhook


class WebhookSchema(Noun, of=Webhook):
    """The contract's keys, and how the webhook does."""

    id: Shown[UUID]
    tenant_id: Shown[UUID]
    url: Annotated[str, Field(examples=["https://hooks.example.com/minirag"])]
    events: Annotated[list[str], Field(examples=[["chat.message", "source.failed"]])]
    is_active: Shown[
        Annotated[
            bool, Field(description="False for one that is paused, by hand or for its failures.")
        ]
    ]
    description: str
    has_secret: Shown[bool]
    paused_at: Shown[Moment | None]
    paused_reason: Shown[Annotated[str | None, EmptyIsNull]]
    failing_since: Shown[
        Annotated[Moment | None, Field(description="Since when every attempt has failed.")]
    ]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


Events = Annotated[list[str], Field(max_length=100)]


class NewWebhook(WebhookSchema, reads="new"):
    events: Events
    secret: Annotated[str, Field(max_length=256)] | None = None


class WebhookChanges(WebhookSchema, reads="changes"):
    """Only what is sent changes."""

    events: Events
    is_active: StrictBool


class WebhookWithSecretSchema(WebhookSchema):
    secret: Annotated[str, Field(description="Shown this once.")]


class RotationQuery(Body):
    overlap_hours: Annotated[
        int,
        Field(ge=0, le=LONGEST_OVERLAP_HOURS, description="How long the old secret signs as well."),
    ] = 24


class RotatedSecretSchema(WebhookWithSecretSchema):
    previous_secret_until: Annotated[
        Moment | None, Field(description="Until then the old secret signs as well.")
    ]


class WebhookTestSchema(Noun):
    success: bool
    status_code: Annotated[int | None, Field(description="None if no answer came.", examples=[200])]
    error: Annotated[str | None, EmptyIsNull]
    delivery_id: UUID


class DeliverySchema(Noun):
    id: Annotated[
        UUID, Field(description="`X-MiniRAG-Delivery` and `webhook-id`, the same at every attempt.")
    ]
    webhook_id: UUID
    event_type: EventType
    status: DeliveryStatus
    attempts: int
    next_attempt_at: Annotated[Moment | None, Field(validation_alias="due_at")]
    delivered_at: Moment | None
    last_status_code: int | None
    last_error: Annotated[str | None, EmptyIsNull]
    created_at: Moment


class DeliveryPageSchema(PagedSchema[DeliverySchema]):
    """Deliveries, without what they say."""


class AttemptSchema(Noun):
    number: Annotated[int, Field(description="One that is missing was interrupted.", examples=[1])]
    started_at: Moment
    duration_ms: int
    request_headers: Annotated[dict[str, str], Field(description="Signatures are cut short.")]
    status_code: Annotated[int | None, Field(examples=[200])]
    response_body: Annotated[str, Field(description="Its first 2 kB.")]
    error: Annotated[str | None, EmptyIsNull]


class DeliveryInFullSchema(DeliverySchema):
    request_body: Annotated[
        str, Field(validation_alias="body", description="As it is sent, byte for byte.")
    ]
    log: Annotated[list[AttemptSchema], RelatedRows]


class DeliveryQuery(PageQuery):
    status: DeliveryStatus | None = None
    event_type: EventType | None = None


class RedeliveryQuery(Body):
    event_type: EventType | None = None
    since: Annotated[
        moments.Moment | None, Field(description="ISO 8601; UTC if no zone is given.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000


class RedeliveriesSchema(Noun):
    requeued: int
    has_more: bool
