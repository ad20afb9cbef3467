"""Admin pages of webhooks and of the events on their way to them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin import register
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from minirag.lib.http import OutboundError, check_url
from tenants.model_admin import LookOnlyAdmin, ProductAdmin
from tenants.sites import tenant_site
from webhooks.models import SUBSCRIBABLE, Delivery, DeliveryStatus, EventType, Webhook

_STATUS_COLOURS = {
    DeliveryStatus.PENDING: "info", DeliveryStatus.DELIVERED: "success", DeliveryStatus.FAILED: "danger"
}


class WebhookForm(forms.ModelForm):
    events = forms.MultipleChoiceField(
        choices=[(name, EventType(name).label) for name in SUBSCRIBABLE], widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = Webhook
        fields = ("url", "description", "events", "is_active")
        widgets = {"url": UnfoldAdminTextInputWidget(), "description": UnfoldAdminTextInputWidget()}

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            check_url(url, allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS))
        except OutboundError as error:
            raise ValidationError(error.detail) from None
        return url


@register(Webhook, site=tenant_site)
class WebhookAdmin(ProductAdmin):
    form = WebhookForm
    list_display = ("url", "is_active", "shown_events", "waiting", "failed", "created_at")
    list_filter = ("is_active",)
    search_fields = ("url", "description")
    readonly_fields = ("created_at",)
    fields = ("url", "description", "events", "is_active", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        return super().get_queryset(request).annotate(
            waiting_count=Count("deliveries", filter=Q(deliveries__status=DeliveryStatus.PENDING)),
            failed_count=Count("deliveries", filter=Q(deliveries__status=DeliveryStatus.FAILED)),
        )

    @display(description="events")
    def shown_events(self, webhook: Webhook) -> str:
        return ", ".join(webhook.events)

    @display(description="waiting", ordering="waiting_count")
    def waiting(self, webhook: Any) -> int:
        return int(webhook.waiting_count)

    @display(description="failed", ordering="failed_count")
    def failed(self, webhook: Any) -> int:
        return int(webhook.failed_count)


@register(Delivery, site=tenant_site)
class DeliveryAdmin(LookOnlyAdmin):
    list_display = ("created_at", "event_type", "webhook", "shown_status", "attempts", "next_attempt_at")
    list_filter = ("status", "event_type")
    list_select_related = ("webhook",)
    search_fields = ("event_type", "webhook__url")
    date_hierarchy = "created_at"

    @display(description="status", label=_STATUS_COLOURS, ordering="status")
    def shown_status(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.status, delivery.get_status_display()
