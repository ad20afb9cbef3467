"""`/v1/webhooks`: subscriptions, and what became of their deliveries."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from minirag.lib.database import OUTBOUND
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import PlainPageQuery, paginate, plain_response, render_page
from minirag.lib.http_in.rest import (
    ApiView,
    naive_utc,
    no_content,
    parse_uuid,
    read_body,
    read_query,
)
from tenants.audit import record
from tenants.permissions import HasTenant, permit
from webhooks.models import Delivery, Webhook
from webhooks.replies import (
    DeliveryInFullReply,
    DeliveryPageReply,
    DeliveryReply,
    RedeliveriesReply,
    RotatedSecretReply,
    WebhookReply,
    WebhookTestReply,
    WebhookWithSecretReply,
)
from webhooks.serializers import (
    DeliveryQuery,
    NewWebhook,
    RedeliveryQuery,
    RotationQuery,
    WebhookChanges,
    render_delivery,
    render_delivery_in_full,
    render_webhook,
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

    def find(self, webhook_id: str) -> Webhook:
        return find_webhook(parse_uuid(webhook_id, "webhook_id"))

    def find_delivery(self, webhook_id: str, delivery_id: str) -> Delivery:
        delivery_key = parse_uuid(delivery_id, "delivery_id")
        return find_delivery(parse_uuid(webhook_id, "webhook_id"), delivery_key)


class WebhookList(WebhookView):
    @describe("List webhooks", query=PlainPageQuery, answers={200: list[WebhookReply]})
    def get(self, request: Request) -> Response:
        page = paginate(Webhook.objects.all(), read_query(PlainPageQuery, request))
        return plain_response(request, page, [render_webhook(webhook) for webhook in page.items])

    @describe(
        "Create a webhook", body=NewWebhook, answers={201: WebhookWithSecretReply}, errors=_REFUSED,
        description="Without a `secret` one is made. It is shown in this answer only.",
        example={"url": "https://hooks.example.com/minirag", "events": ["chat.message", "source.failed"]},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        body = read_body(NewWebhook, request)
        with transaction.atomic():
            webhook, secret = create_webhook(
                url=body.url,
                events=body.events,
                description=body.description,
                secret=body.secret or "",
            )
            record("webhook.created", request=request, detail={"webhook_id": str(webhook.pk)})
        return Response({**render_webhook(webhook), "secret": secret}, status=201)


class WebhookDetail(WebhookView):
    @describe("Show a webhook", answers={200: WebhookReply})
    def get(self, request: Request, webhook_id: str) -> Response:
        return Response(render_webhook(self.find(webhook_id)))

    @describe(
        "Change, pause or resume a webhook", body=WebhookChanges, answers={200: WebhookReply}, errors=_REFUSED,
        description="`is_active` pauses it, or has it go on with the deliveries that were held.",
        example={"is_active": False},
    )  # fmt: skip
    def patch(self, request: Request, webhook_id: str) -> Response:
        webhook, body = self.find(webhook_id), read_body(WebhookChanges, request)
        changes = body.model_dump(exclude_unset=True)
        detail = {"webhook_id": str(webhook.pk), "fields": sorted(changes)}
        with transaction.atomic():
            webhook = update_webhook(webhook, changes)
            record("webhook.changed", request=request, detail=detail)
        return Response(render_webhook(webhook))

    @describe("Delete a webhook", answers={204: None}, description="For good, with its deliveries.")
    def delete(self, request: Request, webhook_id: str) -> HttpResponse:
        pk = parse_uuid(webhook_id, "webhook_id")
        with transaction.atomic():
            delete_webhook(pk)
            record("webhook.deleted", request=request, detail={"webhook_id": str(pk)})
        return no_content()


class WebhookTest(WebhookView):
    thread_pool = OUTBOUND  # the receiver may take its ten seconds

    @describe(
        "Send a test", answers={200: WebhookTestReply},
        description="Posts a `test.ping` at once and waits for the answer, at most 10 seconds. Always 200.",
    )  # fmt: skip
    def post(self, request: Request, webhook_id: str) -> Response:
        delivery, answer = send_test(self.find(webhook_id))
        return Response(
            {
                "success": answer.has_arrived,
                "status_code": answer.status_code,
                "error": answer.error or None,
                "delivery_id": str(delivery.pk),
            }
        )


class SecretRotation(WebhookView):
    @describe(
        "Change the secret", query=RotationQuery, answers={200: RotatedSecretReply},
        description="The new secret is shown in this answer only. Until the overlap ends, the old one signs as well.",
    )  # fmt: skip
    def post(self, request: Request, webhook_id: str) -> Response:
        webhook, query = self.find(webhook_id), read_query(RotationQuery, request)
        with transaction.atomic():
            secret = rotate_secret(webhook, overlap=timedelta(hours=query.overlap_hours))
            record(
                "webhook.secret_rotated", request=request, detail={"webhook_id": str(webhook.pk)}
            )
        until = naive_utc(webhook.previous_secret_until)
        return Response(
            {**render_webhook(webhook), "secret": secret, "previous_secret_until": until}
        )


class DeliveryList(WebhookView):
    @describe(
        "List deliveries",
        query=DeliveryQuery,
        answers={200: DeliveryPageReply},
        description="Newest first.",
    )
    def get(self, request: Request, webhook_id: str) -> Response:
        webhook, query = self.find(webhook_id), read_query(DeliveryQuery, request)
        deliveries = Delivery.objects.filter(webhook=webhook).defer("body")
        if query.status:
            deliveries = deliveries.filter(status=query.status)
        if query.event_type:
            deliveries = deliveries.filter(event_type=query.event_type)
        page = paginate(deliveries, query)
        return Response(render_page(page, [render_delivery(delivery) for delivery in page.items]))


class DeliveryDetail(WebhookView):
    @describe("Show a delivery with every attempt", answers={200: DeliveryInFullReply})
    def get(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        return Response(render_delivery_in_full(self.find_delivery(webhook_id, delivery_id)))


class Redelivery(WebhookView):
    @describe(
        "Send a delivery again", answers={202: DeliveryReply}, errors=_PAUSED,
        description="Whatever became of it, with all its retries, and under the same id.",
    )  # fmt: skip
    def post(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        delivery = redeliver(self.find_delivery(webhook_id, delivery_id))
        return Response(render_delivery(delivery), status=202)


class FailedRedelivery(WebhookView):
    @describe(
        "Send failed deliveries again", query=RedeliveryQuery, answers={202: RedeliveriesReply}, errors=_PAUSED,
        description="The oldest first, at most `limit` of them; `has_more` says that some are left.",
    )  # fmt: skip
    def post(self, request: Request, webhook_id: str) -> Response:
        webhook, query = self.find(webhook_id), read_query(RedeliveryQuery, request)
        count, has_more = redeliver_failed(
            webhook, event_type=query.event_type, since=query.since, limit=query.limit
        )
        return Response({"requeued": count, "has_more": has_more}, status=202)
