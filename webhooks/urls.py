"""Routes of `/v1` that belong to this app."""

from __future__ import annotations

from django.urls import path

from webhooks import api

_ONE = "webhooks/<str:webhook_id>"
_DELIVERY = f"{_ONE}/deliveries/<str:delivery_id>"

urlpatterns = [
    path("webhooks", api.WebhookList.as_view()),
    path(_ONE, api.WebhookDetail.as_view()),
    path(f"{_ONE}/test", api.WebhookTest.as_view()),
    path(f"{_ONE}/rotate-secret", api.SecretRotation.as_view()),
    path(f"{_ONE}/redeliver-failed", api.FailedRedelivery.as_view()),
    path(f"{_ONE}/deliveries", api.DeliveryList.as_view()),
    path(_DELIVERY, api.DeliveryDetail.as_view()),
    path(f"{_DELIVERY}/redeliver", api.Redelivery.as_view()),
]
