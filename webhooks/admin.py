"""Admin pages of webhooks and of the events on their way to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import register
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from minirag.lib.http_out.client import OutboundError
from minirag.lib.telling.kept_sentences import retell
from minirag.lib.telling.shown import show_moment
from tenants.admin_site.meanwhile import GuardedModelForm
from tenants.admin_site.model_admin import (
    LookOnlyAdmin,
    ProductAdmin,
    may_manage,
    posted,
)
from tenants.admin_site.rows import told
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user
from tenants.people.roles import May
from tenants.plans.models import Feature
from webhooks.event_types import SUBSCRIBABLE, EventType
from webhooks.models import (
    LONGEST_OVERLAP_HOURS,
    Delivery,
    DeliveryStatus,
    Webhook,
)
from webhooks.subscriptions import (
    create_webhook,
    delete_webhook,
    redeliver,
    redeliver_failed,
    rotate_secret,
    send_test,
    update_webhook,
    vet_address,
)

_STATUS_COLOURS = {
    DeliveryStatus.PENDING: "info", DeliveryStatus.HELD: "warning", DeliveryStatus.DELIVERED: "success",
    DeliveryStatus.FAILED: "danger",
}  # fmt: skip
_SHOWN_DELIVERIES = 20


class WebhookForm(GuardedModelForm):
    events = forms.MultipleChoiceField(label=_("Events"),
        choices=[(name, _(EventType(name).label)) for name in SUBSCRIBABLE], required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )  # fmt: skip

    class Meta:
        model = Webhook
        fields: tuple[str, ...] = ("url", "description", "events", "is_active")
        widgets = {
            "url": UnfoldAdminTextInputWidget(), "description": UnfoldAdminTextInputWidget(),
            "is_active": UnfoldBooleanSwitchWidget(),
        }  # fmt: skip

    def clean_url(self) -> str:
        try:
            return vet_address(self.cleaned_data["url"])
        except OutboundError as error:
            raise ValidationError(retell(error.detail)) from None


class NewWebhookForm(WebhookForm):
    class Meta(WebhookForm.Meta):
        fields = ("url", "description", "events")


class RotationForm(forms.Form):
    overlap_hours = forms.IntegerField(
        label=_("Hours for which the old secret signs as well"), min_value=0, max_value=LONGEST_OVERLAP_HOURS,
        initial=24, widget=UnfoldAdminIntegerFieldWidget,
    )  # fmt: skip


@register(Webhook, site=tenant_site)
class WebhookAdmin(ProductAdmin):
    nothing_yet = _("A webhook tells another system at once what happens here.")
    form = WebhookForm
    feature = Feature.WEBHOOKS
    needs_proof = True
    list_display = ("url", "shown_state", "shown_events", "waiting", "failed", "created_at")
    list_filter = ("is_active",)
    ordering = ("-created_at", "-id")  # said here, for a query that counts forgets the model's
    search_fields = ("url", "description", "paused_reason")
    readonly_fields = ("created_at", "updated_at")
    fields = ("url", "description", "events", "is_active", ("created_at", "updated_at"))
    actions_detail = ("test", "rotate", "redeliver_failed")
    change_form_before_template = "admin/webhook_state.html"
    change_form_after_template = "admin/webhook_deliveries.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        waiting = Q(deliveries__status__in=(DeliveryStatus.PENDING, DeliveryStatus.HELD))
        return super().get_queryset(request).annotate(
            waiting_count=Count("deliveries", filter=waiting),
            failed_count=Count("deliveries", filter=Q(deliveries__status=DeliveryStatus.FAILED)),
        )  # fmt: skip

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Sum up instead of listing: a webhook may have very many deliveries."""
        return (
            [
                gettext("%(url)s and the log of its deliveries") % {"url": webhook.url}
                for webhook in objs
            ],
            {str(self.opts.verbose_name_plural): len(objs)},
            set(),
            [],
        )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Make a webhook and show its secret, once."""
        if not self.has_add_permission(request):
            raise PermissionDenied

        def make(data: dict[str, Any]) -> HttpResponse:
            webhook, secret = create_webhook(**data)
            self.log_addition(request, webhook, [{"added": {}}])
            return self._show_secret(request, webhook, secret, gettext("The webhook is ready"))

        form = NewWebhookForm(posted(request))
        return self.ask(
            request,
            make,
            title=gettext("Add a webhook"),
            submit=gettext("Make the webhook"),
            form=form,
            needs_proof=True,
        )

    def facts_beside(self, request: HttpRequest, obj: Webhook) -> dict[str, Any]:
        latest = obj.deliveries.defer("body")[:_SHOWN_DELIVERIES]
        url = reverse("admin:webhooks_delivery_changelist") + f"?webhook__id__exact={obj.pk}"
        return {"webhook": obj, "latest_deliveries": latest, "deliveries_url": url}

    def save_model(
        self, request: HttpRequest, obj: Webhook, form: WebhookForm, change: bool
    ) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        update_webhook(Webhook.objects.get(pk=obj.pk), changes)

    def delete_model(self, request: HttpRequest, obj: Webhook) -> None:
        delete_webhook(obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            self.delete_model(request, webhook)

    @display(
        description=_("state"),
        label={"active": "success", "failing": "warning", "paused": "danger"},
    )
    def shown_state(self, webhook: Webhook) -> tuple[str, str]:
        if not webhook.is_active:
            return "paused", gettext("paused")
        if webhook.failing_since:
            return "failing", gettext("failing")
        return "active", gettext("active")

    @display(description=_("events"))
    def shown_events(self, webhook: Webhook) -> str:
        return ", ".join(webhook.events) or gettext("none")

    @display(description=_("waiting"), ordering="waiting_count")
    def waiting(self, webhook: Any) -> int:
        return int(webhook.waiting_count)

    @display(description=_("failed"), ordering="failed_count")
    def failed(self, webhook: Any) -> int:
        return int(webhook.failed_count)

    @action(description=_("Send a test"), permissions=["change"], icon="send")
    def test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        webhook = self.require_object(request, object_id)
        intro = gettext(
            "A test.ping is posted at once. It may take ten seconds until the endpoint has answered."
        )
        return self.ask(
            request,
            lambda data: self._test(request, webhook),
            title=gettext("Send a test to %(webhook)s?") % {"webhook": webhook},
            intro=intro,
            submit=gettext("Send"),
            obj=webhook,
        )

    def _test(self, request: HttpRequest, webhook: Webhook) -> None:
        _, answer = send_test(webhook)
        if answer.has_arrived:
            self.message_user(
                request,
                gettext("The endpoint answered with status %(status_code)s.")
                % {"status_code": answer.status_code},
                messages.SUCCESS,
            )
        else:
            self.message_user(request, answer.error, messages.ERROR)

    @action(description=_("Change the secret"), permissions=["change"], icon="key")
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        webhook = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> HttpResponse:
            secret = rotate_secret(webhook, overlap=timedelta(hours=data["overlap_hours"]))
            self.log_change(request, webhook, "The secret was changed.")
            return self._show_secret(request, webhook, secret, gettext("The new secret"))

        return self.ask(
            request,
            act,
            title=gettext("Change the secret of %(webhook)s?") % {"webhook": webhook},
            submit=gettext("Change the secret"),
            obj=webhook,
            form=RotationForm(posted(request)),
            needs_proof=True,
        )

    @action(description=_("Send failed again"), permissions=["change"], icon="replay")
    def redeliver_failed(self, request: HttpRequest, object_id: str) -> HttpResponse:
        webhook = self.require_object(request, object_id)
        intro = gettext(
            "The oldest thousand deliveries that were given up are sent again, each under its old id."
        )
        return self.ask(
            request, lambda data: self._redeliver_failed(request, webhook), title=gettext("Send what failed again?"),
            intro=intro, submit=gettext("Send again"), obj=webhook,
        )  # fmt: skip

    def _redeliver_failed(self, request: HttpRequest, webhook: Webhook) -> None:
        count, has_more = redeliver_failed(webhook)
        told = gettext("%(count)s are queued.") % {"count": count}
        if has_more:
            told = f"{told} {gettext('There are more.')}"
        self.message_user(request, told, messages.SUCCESS)

    def _show_secret(
        self, request: HttpRequest, webhook: Webhook, secret: str, title: str
    ) -> HttpResponse:
        return self.show_secret_once(
            request, secret, title=title, what=gettext("secret of the webhook"), next_url=self.change_url(webhook),
            next_label=gettext("Go to the webhook"),
        )  # fmt: skip


def _may_read_words(request: HttpRequest) -> bool:
    """Whether what visitors have said may be seen, as in the body of an event of theirs."""
    return acting_user(request).may(May.READ_CHATS)


@register(Delivery, site=tenant_site)
class DeliveryAdmin(LookOnlyAdmin):
    nothing_yet = _(
        "What webhooks were told stands here, each with its attempts, and can be sent again."
    )
    list_display = (
        "created_at", "event_type", "webhook", "shown_status", "attempts", "shown_last", "next_attempt",
    )  # fmt: skip
    list_filter = ("status", "event_type", ("webhook", AutocompleteSelectFilter))
    list_select_related = ("webhook",)
    search_fields = ("id", "webhook__url", "last_error")
    date_hierarchy = "created_at"
    fields = (
        ("webhook", "event_type"), ("status", "told_error"), ("created_at", "delivered_at"),
        ("attempts", "next_attempt"), "id", "body",
    )  # fmt: skip
    readonly_fields = ("next_attempt", "id", "told_error")
    told_error = told("last_error", _("last error"))
    actions = ("redeliver_chosen",)
    actions_detail = ("redeliver",)
    change_form_after_template = "admin/delivery_attempts.html"

    def get_fields(self, request: HttpRequest, obj: Delivery | None = None) -> Any:
        if _may_read_words(request):
            return self.fields
        return tuple(each for each in self.fields if each != "body")

    def facts_beside(self, request: HttpRequest, obj: Delivery) -> dict[str, Any]:
        # A receiver may say again what it was sent.
        return {"delivery_log": obj.log.all() if _may_read_words(request) else obj.log.none()}

    def has_redeliver_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "webhooks")

    @display(description=_("status"), label=_STATUS_COLOURS, ordering="status")
    def shown_status(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.status, delivery.get_status_display()

    @display(description=_("last answer"))
    def shown_last(self, delivery: Delivery) -> str:
        said = [str(delivery.last_status_code or ""), retell(delivery.last_error)]
        return " · ".join(filter(None, said)) or "–"

    @display(description=_("next attempt"), ordering="next_attempt_at")
    def next_attempt(self, delivery: Delivery) -> str:
        is_due = delivery.status == DeliveryStatus.PENDING
        return show_moment(delivery.next_attempt_at if is_due else None)

    @action(
        description=_("Send again"), permissions=["redeliver"], icon="replay", variant=ActionVariant.PRIMARY
    )  # fmt: skip
    def redeliver(self, request: HttpRequest, object_id: str) -> HttpResponse:
        delivery = self.require_object(request, object_id)
        intro = gettext(
            "It goes out under the same id, so a receiver that has it already can tell."
        )
        return self.ask(
            request,
            lambda data: self._redeliver(request, delivery),
            title=gettext("Send this delivery again?"),
            intro=intro,
            submit=gettext("Send again"),
            obj=delivery,
        )

    def _redeliver(self, request: HttpRequest, delivery: Delivery) -> None:
        redeliver(delivery)
        self.message_user(request, gettext("It is queued."), messages.SUCCESS)

    @action(description=_("Send again"), permissions=["redeliver"])
    def redeliver_chosen(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        self.act_on_each(
            request, chosen.select_related("webhook"), redeliver, gettext("%(count)s are queued.")
        )
