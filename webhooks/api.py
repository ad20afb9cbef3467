"""`/v1/webhooks`: subscriptions, and what became of their deliveries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from rest_framework.request import Request

from minirag.lib.database import OUTBOUND
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, PlainPageQuery, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit
from webhooks.models import Delivery, Webhook
from webhooks.schemas import (
    DeliveryInFullSchema,
    DeliveryPageSchema,
    DeliveryQuery,
    DeliverySchema,
    NewWebhook,
    RedeliveriesSchema,
    RedeliveryQuery,
    RotatedSecretSchema,
    RotationQuery,
    WebhookChanges,
    WebhookSchema,
    WebhookTestSchema,
    WebhookWithSecretSchema,
)
from webhooks.subscriptions import (
    create_webhook,
    delete_webhook,
    find_delivery,
    find_webhook,
    redeliver,
    redeliver_failed,
    rotate_secret,
    send_test,
    update_webhook,
)

_PAUSED = {409: "The webhook is paused (`webhook_paused`)."}
_REFUSED = {422: "Invalid fields, an unknown event, or an address that may not be reached."}


class WebhookView(ApiView):
    permission_classes = (HasTenant, permit("webhooks"))


class WebhookList(WebhookView):
    @describe("List webhooks", query=PlainPageQuery, answers={200: list[WebhookSchema]})
    def get(self, request: Request, query: PlainPageQuery) -> Page[Webhook]:
        return paginate(Webhook.objects.all(), query)

    @describe(
        "Create a webhook", body=NewWebhook, answers={201: WebhookWithSecretSchema}, errors=_REFUSED,
        description="Without a `secret` one is made. It is shown in this answer only.",
        example={"url": "https://hooks.example.com/minirag", "events": ["chat.message", "source.failed"]},
    )  # fmt: skip
    def post(self, request: Request, body: NewWebhook) -> Joined:
        webhook, secret = create_webhook(
            url=body.url,
            events=body.events,
            description=body.description,
            secret=body.secret or "",
        )
        return Joined(webhook, secret=secret)


class WebhookDetail(WebhookView):
    @describe("Show a webhook", answers={200: WebhookSchema})
    def get(self, request: Request, webhook_id: UUID) -> Webhook:
        return find_webhook(webhook_id)

    @describe(
        "Change, pause or resume a webhook", body=WebhookChanges, answers={200: WebhookSchema}, errors=_REFUSED,
        description="`is_active` pauses it, or has it go on with the deliveries that were held.",
        example={"is_active": False},
    )  # fmt: skip
    def patch(self, request: Request, webhook_id: UUID, body: WebhookChanges) -> Webhook:
        webhook = find_webhook(webhook_id)
        return update_webhook(webhook, body.model_dump(exclude_unset=True))

    @describe("Delete a webhook", answers={204: None}, description="For good, with its deliveries.")
    def delete(self, request: Request, webhook_id: UUID) -> None:
        delete_webhook(webhook_id)


class WebhookTest(WebhookView):
    thread_pool = OUTBOUND  # the receiver may take its ten seconds

    @describe(
        "Send a test", answers={200: WebhookTestSchema},
        description="Posts a `test.ping` at once and waits for the answer, at most 10 seconds. Always 200.",
    )  # fmt: skip
    def post(self, request: Request, webhook_id: UUID) -> Joined:
        delivery, answer = send_test(find_webhook(webhook_id))
        return Joined(answer, success=answer.has_arrived, delivery_id=delivery.pk)


class SecretRotation(WebhookView):
    @describe(
        "Change the secret", query=RotationQuery, answers={200: RotatedSecretSchema},
        description="The new secret is shown in this answer only. Until the overlap ends, the old one signs as well.",
    )  # fmt: skip
    def post(self, request: Request, webhook_id: UUID, query: RotationQuery) -> Joined:
        webhook = find_webhook(webhook_id)
        secret = rotate_secret(webhook, overlap=timedelta(hours=query.overlap_hours))
        return Joined(webhook, secret=secret)


class DeliveryList(WebhookView):
    @describe(
        "List deliveries",
        query=DeliveryQuery,
        answers={200: DeliveryPageSchema},
        description="Newest first.",
    )
    def get(self, request: Request, webhook_id: UUID, query: DeliveryQuery) -> Page[Delivery]:
        deliveries = Delivery.objects.filter(webhook=find_webhook(webhook_id)).defer("body")
        if query.status:
            deliveries = deliveries.filter(status=query.status)
        if query.event_type:
            deliveries = deliveries.filter(event_type=query.event_type)
        return paginate(deliveries, query)


class DeliveryDetail(ApiView):
    # Its body may have what a visitor has said of an answer.
    permission_classes = (HasTenant, permit("webhooks"), permit("chats"))

    @describe("Show a delivery with every attempt", answers={200: DeliveryInFullSchema})
    def get(self, request: Request, webhook_id: UUID, delivery_id: UUID) -> Delivery:
        return find_delivery(webhook_id, delivery_id)


class Redelivery(WebhookView):
    @describe(
        "Send a delivery again", answers={202: DeliverySchema}, errors=_PAUSED,
        description="Whatever became of it, with all its retries, and under the same id.",
    )  # fmt: skip
    def post(self, request: Request, webhook_id: UUID, delivery_id: UUID) -> Delivery:
        return redeliver(find_delivery(webhook_id, delivery_id))


class FailedRedelivery(WebhookView):
    @describe(
        "Send failed deliveries again", query=RedeliveryQuery, answers={202: RedeliveriesSchema}, errors=_PAUSED,
        description="The oldest first, at most `limit` of them; `has_more` says that some are left.",
    )  # fmt: skip
    def post(self, request: Request, webhook_id: UUID, query: RedeliveryQuery) -> dict[str, Any]:
        webhook = find_webhook(webhook_id)
        count, has_more = redeliver_failed(
            webhook, event_type=query.event_type, since=query.since, limit=query.limit
        )
        return {"requeued": count, "has_more": has_more}
