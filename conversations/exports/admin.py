"""The admin page of exports: how far each is, its file, and another try."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import register
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from conversations.exports.api import download
from conversations.exports.jobs import create_job, retry_job
from conversations.exports.models import ExportFormat, ExportJob, ExportStatus
from conversations.exports.tables import ChosenChats, ExportFilters
from conversations.listing.admin import read_address, tell_misunderstood
from conversations.listing.choosing import choose_chats
from conversations.models import Chat
from conversations.tasks import queue_export
from minirag.lib.errors import ProductError
from minirag.lib.http_in.request_ids import current_request_id
from minirag.lib.telling.shown import show_number
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import LookOnlyAdmin, may_manage, posted
from tenants.admin_site.rows import told
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user


class ListExportForm(forms.Form):
    export_type = forms.ChoiceField(
        label=_("A row is"), widget=UnfoldAdminSelectWidget,
        choices=[
            ("chats", _("A chat")), ("messages", _("A message")),
            ("chat_logs", _("A turn, with all that is logged of it")),
        ],
    )  # fmt: skip
    format = forms.ChoiceField(
        label=_("Format"), choices=ExportFormat.choices, initial=ExportFormat.CSV,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip


class ExportingActs(LookOnlyAdmin):
    """The list of chats, which can be exported with the filters in force."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.export_list)
        return [path("export/", view, name="conversations_chat_export"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = {"may_export": may_manage(request, "exports")}
        return super().changelist_view(request, {**(extra_context or {}), **may})

    def export_list(self, request: HttpRequest) -> HttpResponse:
        """Order a file of the chats that the address names, as the list does; what it misunderstands it refuses."""
        if not may_manage(request, "exports"):
            raise PermissionDenied
        try:
            wanted = read_address(request.GET)
            chosen = ChosenChats(**wanted.model_dump(exclude_none=True))
            count = choose_chats(Chat.objects.all(), chosen).count()
        except (ValueError, ProductError) as error:
            self.message_user(request, tell_misunderstood(error), messages.WARNING)
            return HttpResponseRedirect(self.list_url())

        def act(data: dict[str, Any]) -> HttpResponse:
            filters = ExportFilters(chats=chosen)
            user = acting_user(request)
            job = create_job(
                data["export_type"], data["format"], filters, user_id=user.pk, request_id=current_request_id()
            )  # fmt: skip
            queue_export(job)
            self.message_user(
                request,
                gettext("The file is being written. It can be downloaded here."),
                messages.SUCCESS,
            )
            return HttpResponseRedirect(
                reverse("admin:conversations_exportjob_change", args=[job.pk])
            )

        intro = ngettext(
            "%(count)s chat fits the filters of the list. Every download is written into the audit log.",
            "%(count)s chats fit the filters of the list. Every download is written into the audit log.",
            count,
        )
        return self.ask(
            request, act, title=gettext("Export these chats"), submit=gettext("Export"),
            intro=intro % {"count": show_number(count)}, form=ListExportForm(posted(request)),
        )  # fmt: skip


_STATUS_COLOURS = {"pending": "info", "running": "info", "succeeded": "success", "failed": "danger"}


@register(ExportJob, site=tenant_site)
class ExportJobAdmin(LookOnlyAdmin):
    nothing_yet = _("Files of chats stand here, once somebody has exported a list of them.")
    list_display = (
        "__str__",
        "shown_status",
        "shown_rows",
        "shown_size",
        "created_at",
        "expires_at",
    )
    list_filter = ("status", "export_type", "format")
    search_fields = ("request_id", "error_code")
    date_hierarchy = "created_at"
    actions = ("retry_chosen",)
    actions_detail = ("download_file", "retry_export")
    fields = (
        ("export_type", "format"), ("told_status", "told_error"), "filters", ("shown_rows", "shown_size"),
        ("created_at", "started_at"), ("finished_at", "expires_at"), ("user_id", "request_id"),
    )  # fmt: skip
    readonly_fields = ("told_status", "shown_rows", "shown_size", "told_error")
    told_error = told("error_message", _("error message"))

    @display(description=_("status"), ordering="status", label=_STATUS_COLOURS)
    def shown_status(self, job: ExportJob) -> tuple[str, str]:
        expired = job.status == ExportStatus.SUCCEEDED and job.is_expired
        return job.status, gettext("Succeeded, file gone") if expired else job.get_status_display()

    @display(description=_("status"))
    def told_status(self, job: ExportJob) -> str:
        return self.shown_status(job)[1]

    @display(description=_("rows"), ordering="rows_done")
    def shown_rows(self, job: ExportJob) -> str:
        if job.rows_total is None or job.rows_done == job.rows_total:
            return show_number(job.rows_done)
        done, total = show_number(job.rows_done), show_number(job.rows_total)
        return gettext("%(done)s of %(total)s") % {"done": done, "total": total}

    @display(description=_("size"), ordering="size_bytes")
    def shown_size(self, job: ExportJob) -> str:
        return filesizeformat(job.size_bytes)

    def is_offered(self, act: str, row: ExportJob) -> bool:
        has_file = row.status == ExportStatus.SUCCEEDED and not row.is_expired
        states = {"download_file": has_file, "retry_export": row.status == ExportStatus.FAILED}
        return states.get(act, True)

    def has_retry_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "exports")

    @action(description=_("Download"), icon="download", url_path="download")
    def download_file(self, request: HttpRequest, object_id: Any) -> HttpResponseBase:
        job = self.require_object(request, object_id)
        if (proof := ask_for_proof(request)) is not None:
            return proof
        try:
            return download(job)
        except ProductError as error:
            self.message_user(request, error.detail, messages.WARNING)
            return HttpResponseRedirect(self.change_url(job))

    @action(description=_("Retry"), permissions=["retry"], icon="refresh", url_path="retry")
    def retry_export(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        job = self.require_object(request, object_id)
        return self.ask(
            request, lambda data: self._retry(request, job), title=gettext("Retry %(job)s?") % {"job": job},
            intro=gettext("It starts from the beginning."), submit=gettext("Retry"), obj=job,
        )  # fmt: skip

    @action(description=_("Retry"), permissions=["retry"])
    def retry_chosen(self, request: HttpRequest, chosen: QuerySet[ExportJob]) -> None:
        self.act_on_each(
            request,
            chosen,
            lambda job: self._retry(request, job),
            gettext("%(count)s queued again."),
        )

    def _retry(self, request: HttpRequest, job: ExportJob) -> None:
        queue_export(retry_job(job.pk))
        self.log_change(request, job, "Queued again.")
