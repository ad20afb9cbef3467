"""The platform's list of tenants: what each does, costs and holds, as it is kept; and all of them over time."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display

from minirag.lib.telling.shown import show_number
from tenants.admin_site.model_admin import ProductAdmin, format_age
from tenants.models import Tenant, TenantDay, TenantFigures

_DAYS: Final = 30
_SHOWN: Final = 20


def figures_of(tenant: Tenant) -> TenantFigures | None:
    """What is kept of a tenant; None before it was measured first."""
    return getattr(tenant, "figures", None)


def sum_days(days: int = _DAYS) -> list[dict[str, Any]]:
    """Turns, failures and cost of all tenants together, by day, the oldest first."""
    first = timezone.now().date() - timedelta(days=days - 1)
    rows: Any = TenantDay.objects.filter(day__gte=first).values("day").order_by("day")
    return list(rows.annotate(turns=Sum("turns"), failed=Sum("failed"), cost_usd=Sum("cost_usd")))


def list_largest() -> QuerySet[TenantFigures]:
    """The tenants that did most in the last 30 days."""
    return TenantFigures.objects.select_related("tenant").order_by("-turns", "tenant__slug")[
        :_SHOWN
    ]


class ShownFigures(ProductAdmin):
    @display(description=gettext_lazy("turns, 30 days"), ordering="figures__turns")
    def shown_turns(self, tenant: Tenant) -> str:
        kept = figures_of(tenant)
        return show_number(kept.turns) if kept else "–"

    @display(description=gettext_lazy("failed"), ordering="figures__failed")
    def shown_failed(self, tenant: Tenant) -> str:
        kept = figures_of(tenant)
        return show_number(kept.failed) if kept else "–"

    @display(description=gettext_lazy("cost, 30 days"), ordering="figures__cost_usd")
    def shown_cost(self, tenant: Tenant) -> str:
        kept = figures_of(tenant)
        return f"${show_number(kept.cost_usd, 2)}" if kept else "–"

    @display(description=gettext_lazy("size"), ordering="figures__bytes")
    def shown_size(self, tenant: Tenant) -> str:
        kept = figures_of(tenant)
        return filesizeformat(kept.bytes) if kept else "–"

    @display(description=gettext_lazy("last activity"), ordering="figures__last_activity")
    def shown_activity(self, tenant: Tenant) -> str:
        kept = figures_of(tenant)
        return format_age(kept.last_activity) if kept else "–"

    @action(description=gettext_lazy("Figures of all"), icon="monitoring", url_path="figures")
    def figures_page(self, request: HttpRequest) -> HttpResponse:
        days = sum_days()
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("Figures of all tenants"),
            "days": list(reversed(days)), "chart": json.dumps(_chart(days)), "largest": list_largest(),
        }  # fmt: skip
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/platform_figures.html", context)


def _chart(days: list[dict[str, Any]]) -> dict[str, Any]:
    """What Chart.js draws; the page has the same as a table."""
    return {
        "labels": [row["day"].isoformat() for row in days],
        "datasets": [
            {"label": _("Turns"), "data": [row["turns"] for row in days]},
            {"label": _("Failed"), "data": [row["failed"] for row in days]},
        ],
    }
