"""The audit log in both admins: filtered, searched, and as a file."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import register
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.contrib.filters.admin.text_filters import TextFilter
from unfold.decorators import display

from minirag.lib.telling.shown import show_number
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import LookOnlyAdmin
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.audit import record
from tenants.context import current_tenant
from tenants.log.finding import CONTENT_TYPES, Wanted, say
from tenants.log.paging import MOST_COUNTED, BoundedPaginator
from tenants.log.sending import send_file
from tenants.models import AuditEvent
from tenants.sessions.browsers import name_browser


class _ByText(TextFilter):
    """A filter that one types into, as `Wanted` understands it."""

    def wanted(self, value: str) -> Wanted:
        return Wanted()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").replace("\0", "").strip()[:255]
        return self.wanted(value).narrow(queryset) if value else queryset


class ByAction(_ByText):
    title, parameter_name = _("what, such as source.*"), "action"

    def wanted(self, value: str) -> Wanted:
        return Wanted(action=value)


class ByActor(_ByText):
    title, parameter_name = _("who: e-mail"), "actor"

    def wanted(self, value: str) -> Wanted:
        return Wanted(actor=value)


class ByThing(_ByText):
    title, parameter_name = _("on which thing: id or name"), "thing"

    def wanted(self, value: str) -> Wanted:
        return Wanted(thing=value)


@register(AuditEvent, site=platform_site)
@register(AuditEvent, site=tenant_site)
class AuditEventAdmin(LookOnlyAdmin):
    """Every write by API, admin or command; in a tenant's admin its own, for those who manage it."""

    search_fields = ("action", "actor")
    search_help_text = _("Words of the line: act, actor, name, address, id")
    list_filter = (ByAction, ByActor, ByThing, "outcome", ("created_at", RangeDateTimeFilter))
    list_filter_submit = True
    paginator = BoundedPaginator
    list_before_template = "admin/audit_export.html"
    ordering = ("-created_at", "-id")

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.export)
        return [
            path("export/<slug:form>/", page, name="tenants_auditevent_export"), *super().get_urls()
        ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        events, tenant = super().get_queryset(request), current_tenant()
        return events if tenant is None else events.of_tenant(tenant)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list; where it is longer than one can page through, it says what leads to the rest."""
        changelist = super().get_changelist_instance(request)
        if not changelist.multi_page:  # Django left the paginator aside, and has read nothing yet
            changelist.result_list = changelist.paginator.page(1).object_list
        if changelist.paginator.is_cut:
            told = gettext(
                "The newest %(count)s lines are listed: filter for older ones, or export the list."
            )
            self.message_user(request, told % {"count": show_number(MOST_COUNTED)})
        return changelist

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        text = search_term.strip()[:200]
        return (say(queryset, text) if text else queryset), False

    def export(self, request: HttpRequest, form: str) -> HttpResponse | StreamingHttpResponse:
        """The list at hand as a file, whole: all of its pages."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if form not in CONTENT_TYPES:
            raise Http404
        if (proof := ask_for_proof(request)) is not None:
            return proof
        shown: ChangeList = super().get_changelist_instance(request)
        record("audit_log.exported", detail={"format": form})
        return send_file(shown.get_queryset(request), form)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        home = () if current_tenant() else ("tenant_slug",)
        return (
            "created_at",
            "action",
            "shown_outcome",
            *home,
            "shown_actor",
            "shown_what",
        )

    @display(
        description=_("outcome"), ordering="outcome",
        label={"done": "success", "refused": "warning", "failed": "danger"},
    )  # fmt: skip
    def shown_outcome(self, event: AuditEvent) -> tuple[str, str]:
        return event.outcome, event.get_outcome_display()

    @display(description=_("on what"))
    def shown_what(self, event: AuditEvent) -> str:
        told = (event.detail.get(key) for key in ("name", "user", "domain"))
        return str(next(filter(None, told), "–"))[:90]

    @display(description=_("actor"), header=True, ordering="actor")
    def shown_actor(self, event: AuditEvent) -> list[str]:
        """Who it was, and from where."""
        agent = str(event.detail.get("agent") or "")
        told = (str(event.detail.get("address") or ""), name_browser(agent) if agent else "")
        return [event.actor or "–", " · ".join(filter(None, told))]
