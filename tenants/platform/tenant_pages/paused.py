"""A tenant's page of the platform: its maintenance."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from tenants.admin_site.model_admin import ProductAdmin, posted
from tenants.calls.permissions import acting_user
from tenants.models import Tenant
from tenants.platform.maintenance import begin_maintenance, end_maintenance, pause_of, pause_of_all

_MINUTES = [
    (15, gettext_lazy("15 minutes")),
    (60, gettext_lazy("1 hour")),
    (240, gettext_lazy("4 hours")),
    (1440, gettext_lazy("1 day")),
]


class MaintenanceForm(forms.Form):
    message = forms.CharField(
        label=gettext_lazy("Message"), max_length=500, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Visitors, people in the admin and programs read it."),
    )  # fmt: skip
    minutes = forms.TypedChoiceField(
        label=gettext_lazy("For how long"), choices=_MINUTES, coerce=int, initial=60,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip


class PausedTenants(ProductAdmin):
    def is_offered(self, act: str, row: Any) -> bool:
        is_paused = pause_of(row) is not None
        return {"pause": not is_paused, "resume": is_paused}.get(act, super().is_offered(act, row))

    def get_actions_list(self, request: HttpRequest) -> list[Any]:
        """The end of the maintenance of all is offered while there is one."""
        found = super().get_actions_list(request)
        is_paused = pause_of_all() is not None
        return [each for each in found if is_paused or each.method.__name__ != "resume_all"]

    @display(description=gettext_lazy("maintenance"))
    def shown_pause(self, tenant: Tenant) -> str:
        pause = pause_of(tenant)
        return pause.told() if pause else "–"

    @action(description=gettext_lazy("Maintenance"), icon="construction")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tenant = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            begin_maintenance(tenant, actor=acting_user(request).email, **data)

        return self.ask(
            request, act, title=_("Put %(tenant)s into maintenance?") % {"tenant": tenant},
            intro=_("Writes and questions are refused with the message; everything can be read. Operators work on."),
            submit=_("Begin"), obj=tenant, form=MaintenanceForm(posted(request)),
        )  # fmt: skip

    @action(
        description=gettext_lazy("Maintenance of all"), icon="construction", url_path="pause-all"
    )
    def pause_all(self, request: HttpRequest) -> HttpResponse:
        def act(data: dict[str, Any]) -> None:
            begin_maintenance(None, actor=acting_user(request).email, **data)

        return self.ask(
            request, act, title=_("Put all tenants into maintenance?"), submit=_("Begin"), danger=True,
            intro=_("Writes and questions are refused with the message; everything can be read. Operators work on."),
            form=MaintenanceForm(posted(request)), needs_proof=True,
        )  # fmt: skip

    @action(
        description=gettext_lazy("End the maintenance of all"),
        icon="check_circle",
        url_path="resume-all",
    )
    def resume_all(self, request: HttpRequest) -> HttpResponse:
        def act(data: dict[str, Any]) -> None:
            end_maintenance(None, actor=acting_user(request).email)

        return self.ask(
            request, act, title=_("End the maintenance of all tenants?"), submit=_("End it"),
            intro=_("A tenant's own maintenance goes on."),
        )  # fmt: skip

    @action(description=gettext_lazy("End maintenance"), icon="check_circle")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tenant = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            end_maintenance(tenant, actor=acting_user(request).email)

        title = _("End the maintenance of %(tenant)s?") % {"tenant": tenant}
        return self.ask(request, act, title=title, submit=_("End it"), obj=tenant)
