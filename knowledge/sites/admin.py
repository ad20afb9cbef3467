"""Admin pages of looks at sites, with what is different and the decision where one waits, and of the pages found."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import register
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from knowledge.models import PageState, SitePage, SiteSync, SourceType, SyncState
from knowledge.models.audience import AS_ITS_SOURCE, tell_groups
from knowledge.progress.telling import tell_progress
from knowledge.sites.deciding import approve_sync, reject_sync
from minirag.lib.telling.kept_sentences import retell
from minirag.lib.telling.shown import show_number
from tenants.admin_site.model_admin import LookOnlyAdmin, may_manage
from tenants.admin_site.sites import tenant_site

_SYNC_COLOURS = {
    SyncState.RUNNING: "info", SyncState.WAITING: "warning", SyncState.DONE: "success", SyncState.FAILED: "danger",
    SyncState.REJECTED: "info", SyncState.SUPERSEDED: "info", SyncState.CANCELLED: "info",
}  # fmt: skip
_PAGE_COLOURS = {
    PageState.WAITING: "info", PageState.READ: "success", PageState.GONE: "warning", PageState.FAILED: "danger",
    PageState.DUPLICATE: "info", PageState.LEFT_OUT: "info",
}  # fmt: skip
_SHOWN_CHANGES = 200


_CHANGES = (gettext_noop("added"), gettext_noop("changed"), gettext_noop("gone"))


@register(SiteSync, site=tenant_site)
class SiteSyncAdmin(LookOnlyAdmin):
    list_display = (
        "source", "shown_state", "shown_progress", "added", "changed", "gone", "missing", "failed", "unchanged",
        "started_at",
    )  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("source",)
    search_fields = ("source__name", "error_message")
    date_hierarchy = "started_at"
    nothing_yet = _("A site is looked at when its source is ingested, and by its schedule.")
    actions_detail = ("approve", "reject")
    fields = (
        ("source", "state"), "shown_problem", ("shown_progress", "shown_size"), ("added", "changed", "gone"),
        ("failed", "unchanged"), "missing", "pages_left_over", ("started_at", "ended_at"), "page_link", "shown_changes",
    )  # fmt: skip
    readonly_fields = (
        "shown_problem",
        "shown_progress",
        "shown_size",
        "page_link",
        "shown_changes",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[SiteSync]:
        found = super().get_queryset(request).filter(source__deleted_at__isnull=True)
        return found.defer("robots", "source__content")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "source__id__exact" or super().lookup_allowed(lookup, value, request)

    def is_offered(self, act: str, row: SiteSync) -> bool:
        return row.state == SyncState.WAITING

    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "sources")

    @display(description=_("state"), ordering="state", label=_SYNC_COLOURS)
    def shown_state(self, sync: SiteSync) -> tuple[str, str]:
        return sync.state, sync.get_state_display()

    @display(description=_("progress"))
    def shown_progress(self, sync: SiteSync) -> str:
        said = {"done": show_number(sync.pages_done), "total": show_number(sync.pages_total)}
        if sync.source.source_type == SourceType.SITE:
            looked_at = gettext("%(done)s of %(total)s pages") % said
        else:
            looked_at = gettext("%(done)s of %(total)s files") % said
        if sync.progress and sync.progress["stage"] in ("embedding", "indexing"):
            return f"{looked_at}; {tell_progress(sync.source)}"
        return looked_at

    @display(description=_("what is the matter"))
    def shown_problem(self, sync: SiteSync) -> str:
        return retell(sync.error_message) or gettext("Nothing.")

    @display(description=_("fetched"))
    def shown_size(self, sync: SiteSync) -> str:
        return filesizeformat(sync.bytes_fetched)

    @display(description=_("pages"))
    def page_link(self, sync: SiteSync) -> str:
        url = reverse("admin:knowledge_sitepage_changelist")
        return format_html(
            '<a class="mr-link" href="{}?sync__id__exact={}">{}</a>',
            url,
            sync.pk,
            gettext("its pages"),
        )

    @display(description=_("differences"))
    def shown_changes(self, sync: SiteSync) -> SafeString | str:
        rows = (
            (row["change"], gettext(row["change"]), row["url"], retell(row["reason"]))
            for row in sync.changes[:_SHOWN_CHANGES]
        )
        row = '<li><span class="mr-tag mr-tag-{}">{}</span><span>{}</span><span class="mr-quiet">{}</span></li>'
        shown = format_html_join("", row, rows)
        more = len(sync.changes) - _SHOWN_CHANGES
        rest = gettext("and %(count)s more") % {"count": show_number(more)} if more > 0 else ""
        return (
            format_html(
                '<ul class="mr-rows">{}</ul>{}',
                shown,
                rest,
            )
            if shown
            else gettext("None.")
        )

    @action(description=_("Approve"), permissions=["decide"], icon="check")
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sync = self.require_object(request, object_id)
        return self.ask(
            request,
            lambda data: self._decide(request, sync, approve_sync),
            obj=sync,
            danger=True,
            submit=gettext("Approve"),
            title=gettext("Take over what was found?"),
            intro=gettext("%(error_message)s What is missing answers no more then.")
            % {"error_message": retell(sync.error_message)},
        )

    @action(description=_("Reject"), permissions=["decide"], icon="close")
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sync = self.require_object(request, object_id)
        return self.ask(
            request,
            lambda data: self._decide(request, sync, reject_sync),
            obj=sync,
            submit=gettext("Reject"),
            title=gettext("Leave all as it is?"),
            intro=gettext("The next look at the site begins anew."),
        )

    def _decide(self, request: HttpRequest, sync: SiteSync, decide: Any) -> None:
        decided = decide(sync.source_id, sync.pk)
        self.message_user(
            request,
            gettext("The sync is queued.")
            if decided.is_approved
            else gettext("The sync is rejected."),
            messages.SUCCESS,
        )


@register(SitePage, site=tenant_site)
class SitePageAdmin(LookOnlyAdmin):
    nothing_yet = _(
        "The pages of web sites and the files of connectors stand here, once one has been looked at."
    )
    list_display = (
        "url",
        "found_by",
        "shown_state",
        "shown_reason",
        "answers",
        "shown_readers",
        "language",
        "depth",
    )
    list_filter = ("state", "answers", "is_list", "language")
    list_select_related = ("sync__source",)
    search_fields = ("url", "title", "reason")
    fields = (
        "url", "title", ("state", "code"), "reason", ("answers", "times_missing"), "shown_readers",
        ("language", "depth"),
        ("is_list", "sync"),
    )  # fmt: skip

    readonly_fields = ("shown_readers",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SitePage]:
        found = super().get_queryset(request).filter(sync__source__deleted_at__isnull=True)
        return found.defer("body", "sync__robots", "sync__changes", "sync__source__content")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        known = ("sync__id__exact", "sync__source__id__exact")
        return lookup in known or super().lookup_allowed(lookup, value, request)

    @display(description=_("found by"), header=True, ordering="sync__source__name")
    def found_by(self, page: SitePage) -> list[str]:
        sync = page.sync
        return [
            sync.source.name,
            f"{sync.started_at:%Y-%m-%d %H:%M}, {sync.get_state_display().lower()}",
        ]

    @display(description=_("state"), ordering="state", label=_PAGE_COLOURS)
    def shown_state(self, page: SitePage) -> tuple[str, str]:
        return page.state, page.get_state_display()

    @display(description=_("for"))
    def shown_readers(self, page: SitePage) -> str:
        return "–" if page.is_list else tell_groups(page.groups, everybody=AS_ITS_SOURCE)

    @display(description=_("reason"))
    def shown_reason(self, page: SitePage) -> str:
        return retell(page.reason)[:120] or "–"
