"""Admin pages of what model calls used, and of prices."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import register
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from bots.models import Outcome, PriceOverride, UsageEvent
from bots.usage.month import summarise_month
from minirag.lib.telling.shown import show_number
from tenants.admin_site.model_admin import LookOnlyAdmin, ProductAdmin
from tenants.admin_site.sites import tenant_site

_OUTCOME_COLOURS = {
    Outcome.ANSWERED: "success", Outcome.REFUSED: "warning", Outcome.STOPPED: "warning", Outcome.FAILED: "danger",
    Outcome.PENDING: "info",
}  # fmt: skip


@register(UsageEvent, site=tenant_site)
class UsageEventAdmin(LookOnlyAdmin):
    nothing_yet = _(
        "Each call of a model stands here with its tokens, cost and times, from the first question on."
    )
    list_display = (
        "created_at", "shown_bot", "kind", "model", "shown_outcome", "shown_tokens", "shown_cost", "shown_time",
    )  # fmt: skip
    list_filter = ("kind", "outcome", ("bot_profile", AutocompleteSelectFilter))
    list_select_related = ("bot_profile",)
    search_fields = ("model", "bot_profile__name")
    date_hierarchy = "created_at"
    list_before_template = "admin/usage_summary.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {**(extra_context or {}), "summary": summarise_month()}
        )

    @display(description=_("bot"), ordering="bot_profile__name")
    def shown_bot(self, event: UsageEvent) -> str:
        return str(event.bot_profile or "–")

    @display(description=_("tokens in + out"), ordering="total_tokens")
    def shown_tokens(self, event: UsageEvent) -> str:
        return f"{show_number(event.prompt_tokens)} + {show_number(event.completion_tokens)}"

    @display(description=_("cost"), ordering="cost_usd")
    def shown_cost(self, event: UsageEvent) -> str:
        return f"${show_number(event.cost_usd, 6)}" if event.cost_usd else "–"

    @display(description=_("first token / all"), ordering="duration_ms")
    def shown_time(self, event: UsageEvent) -> str:
        times = [
            f"{show_number(ms)} ms"
            for ms in (event.time_to_first_token_ms, event.duration_ms)
            if ms is not None
        ]
        return " / ".join(times) or "–"

    @display(description=_("outcome"), label=_OUTCOME_COLOURS, ordering="outcome")
    def shown_outcome(self, event: UsageEvent) -> tuple[str, str]:
        return event.outcome, event.get_outcome_display()


@register(PriceOverride, site=tenant_site)
class PriceOverrideAdmin(ProductAdmin):
    """Prices of the tenant's own: they count for calls from now on, and nothing is priced again."""

    nothing_yet = _("Models cost what their providers list; a price of your own counts instead.")
    list_display = ("model", "prompt_cost_per_1m", "completion_cost_per_1m", "updated_at")
    search_fields = ("model",)
    fields = (
        "model",
        ("prompt_cost_per_1m", "completion_cost_per_1m"),
        ("created_at", "updated_at"),
    )
    readonly_fields = ("created_at", "updated_at")
