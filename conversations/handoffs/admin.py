"""The admin page of handoff rules: when visitors of a bot get a person."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import register
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from bots.versions.keeping import keeping
from conversations.handoffs.forms import HandoffRulesForm
from conversations.handoffs.hours import write_hours
from conversations.models import HandoffRules
from tenants.admin_site.model_admin import ProductAdmin
from tenants.admin_site.sites import tenant_site
from tenants.plans.models import Feature


@register(HandoffRules, site=tenant_site)
class HandoffRulesAdmin(ProductAdmin):
    form = HandoffRulesForm
    feature = Feature.HANDOFFS
    nothing_yet = _(
        "Give a bot rules, and its visitors can ask for a person, who finds them in the inbox."
    )
    fixed_once_saved = ("bot_profile",)
    list_display = (
        "bot_profile", "is_offered", "on_wish", "on_declined_twice", "on_disliked", "shown_hours",
    )  # fmt: skip
    autocomplete_fields = ("bot_profile",)
    list_select_related = ("bot_profile",)
    search_fields = ("bot_profile__name",)
    fieldsets = (
        (None, {"fields": ("bot_profile", "is_offered")}),
        (_("Call a person for"), {"fields": ("on_wish", "on_declined_twice", "on_disliked")}),
        (_("Business hours"), {"fields": ("hours", "takes_messages")}),
    )

    def save_model(self, request: HttpRequest, obj: HandoffRules, form: Any, change: bool) -> None:
        with keeping(obj.bot_profile):
            super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: HandoffRules) -> None:
        with keeping(obj.bot_profile):
            super().delete_model(request, obj)

    @display(description=_("hours"))
    def shown_hours(self, rules: HandoffRules) -> str:
        return write_hours(rules.hours).replace("\n", "; ")[:90] or gettext("always")
