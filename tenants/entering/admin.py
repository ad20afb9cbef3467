"""The platform's list of operators' stays in tenants: who is where, why, and until when."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import register
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display

from minirag.lib.telling.shown import show_moment
from tenants.admin_site.model_admin import LookOnlyAdmin
from tenants.admin_site.sites import platform_site
from tenants.calls.permissions import acting_user
from tenants.entering.models import OperatorEntry
from tenants.entering.staying import leave


@register(OperatorEntry, site=platform_site)
class OperatorEntryAdmin(LookOnlyAdmin):
    nothing_yet = gettext_lazy("Nobody has entered a tenant yet.")
    list_display = (
        "shown_who",
        "tenant",
        "role",
        "reason",
        "shown_state",
        "created_at",
        "shown_end",
    )
    list_filter = ("role",)
    list_select_related = ("user", "tenant")
    search_fields = ("user__email", "tenant__slug", "tenant__name", "reason")
    date_hierarchy = "created_at"
    actions_detail = ("end_stay",)
    fields = (("user", "tenant"), ("role", "told_state"), "reason", ("created_at", "until"), "ended_at")  # fmt: skip
    readonly_fields = ("told_state",)

    @display(description=gettext_lazy("who"), ordering="user__email")
    def shown_who(self, entry: OperatorEntry) -> str:
        return entry.user.email

    @display(description=gettext_lazy("state"), label={"in": "warning", "out": "info"})
    def shown_state(self, entry: OperatorEntry) -> tuple[str, str]:
        return ("in", _("is in")) if entry.is_alive else ("out", _("has left"))

    @display(description=gettext_lazy("state"))
    def told_state(self, entry: OperatorEntry) -> str:
        return self.shown_state(entry)[1]

    @display(description=gettext_lazy("until"), ordering="until")
    def shown_end(self, entry: OperatorEntry) -> str:
        return show_moment(entry.ends_at)

    def is_offered(self, act: str, row: OperatorEntry) -> bool:
        return row.is_alive

    @action(description=gettext_lazy("End it"), icon="logout", url_path="end")
    def end_stay(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        entry = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            leave(entry, actor=acting_user(request))

        return self.ask(
            request, act, title=_("End this stay?"), submit=_("End it"), obj=entry,
            intro=_("The operator is out with the next request."),
        )  # fmt: skip
