"""The platform's pages of plans."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import register
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from tenants.admin_site.meanwhile import GuardedModelForm
from tenants.admin_site.model_admin import ProductAdmin
from tenants.admin_site.sites import platform_site
from tenants.models import Tenant
from tenants.plans.models import Feature, Plan


class PlanForm(GuardedModelForm):
    features = forms.MultipleChoiceField(
        label=gettext_lazy("features"), required=False, choices=Feature.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy("What is not ticked is refused, with the name of the plan and the way out."),
    )  # fmt: skip

    class Meta:
        model = Plan
        fields = (
            "key", "name", "description", "features", "most_bots", "most_people", "most_sources", "messages_per_month",
            "tokens_per_month", "cost_usd_per_month", "stored_bytes",
        )  # fmt: skip


@register(Plan, site=platform_site)
class PlanAdmin(ProductAdmin):
    nothing_yet = gettext_lazy(
        "A plan is a named set of features and bounds. Without one a tenant has everything, unbounded."
    )
    form = PlanForm
    list_display = ("name", "key", "shown_tenants", "shown_features", "most_bots", "most_people")
    search_fields = ("key", "name")
    fixed_once_saved = ("key",)
    fieldsets = (
        (None, {"fields": (("name", "key"), "description", "features")}),
        (
            gettext_lazy("At most"),
            {
                "fields": (
                    ("most_bots", "most_people", "most_sources"),
                    ("messages_per_month", "tokens_per_month"),
                    ("cost_usd_per_month", "stored_bytes"),
                ),
                "description": gettext_lazy(
                    "Empty is no bound. The last four become quotas of each tenant, within a minute."
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        having = Tenant.objects.filter(plan=OuterRef("key")).order_by().values("plan")
        counted = Subquery(having.annotate(n=Count("pk")).values("n"), output_field=IntegerField())
        return super().get_queryset(request).annotate(tenant_count=Coalesce(counted, 0))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_free = obj is None or not Tenant.objects.filter(plan=obj.pk).exists()
        return is_free and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        return {}  # a plan that somebody has is not deleted, also not with others

    @display(description=gettext_lazy("tenants"), ordering="tenant_count")
    def shown_tenants(self, plan: Any) -> int:
        return int(plan.tenant_count)

    @display(description=gettext_lazy("features"))
    def shown_features(self, plan: Plan) -> str:
        return _("%(count)s of %(all)s") % {"count": len(plan.features), "all": len(Feature)}
