"""Routes of `/v1` that belong to this app."""

from __future__ import annotations

from django.urls import path

from webhooks import views

_ONE = "webhooks/<str:webhook_id>"
_DELIVERY = f"{_ONE}/deliveries/<str:delivery_id>"

urlpatterns = [
    path("webhooks", views.WebhookList.as_view()),
    path(_ONE, views.WebhookDetail.as_view()),
    path(f"{_ONE}/test", views.WebhookTest.as_view()),
    path(f"{_ONE}/rotate-secret", views.SecretRotation.as_view()),
    path(f"{_ONE}/redeliver-failed", views.FailedRedelivery.as_view()),
    path(f"{_ONE}/deliveries", views.DeliveryList.as_view()),
    path(_DELIVERY, views.DeliveryDetail.as_view()),
    path(f"{_DELIVERY}/redeliver", views.Redelivery.as_view()),
]
