"""Admin pages of sources, with what became of them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import register
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import get_script_prefix, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from bots.models import BotProfile
from knowledge.bulk.admin import AddingPages
from knowledge.datasets import admin as dataset_admin  # noqa: F401 - registers the page of datasets
from knowledge.models import DocumentEdit, Source, SourceFile, SourceStatus, SourceType
from knowledge.models.states import SYNCED
from knowledge.progress.telling import count_chunks, count_documents, tell_progress
from knowledge.progress.watching import write_source_ticket
from knowledge.sources.changing import (
    delete_source,
    update_source,
)
from knowledge.sources.forms.acting import SourceActs
from knowledge.sources.forms.cleaning import CLEANING_FIELDS
from knowledge.sources.forms.layout import CONDITIONAL_FIELDS, CONFIGURED, lay_out, lay_out_new
from knowledge.sources.forms.making import make_source
from knowledge.sources.forms.preview import preview_form
from knowledge.sources.forms.schedule import tell_moment
from knowledge.sources.forms.source import NewSourceForm, SourceForm
from knowledge.tasks import queue_ingestion
from knowledge.tree.admin import TreePages
from tenants.admin_site.model_admin import format_age, may_manage, once_per_row
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user

_STATUS_COLOURS = {
    SourceStatus.READY: "success", SourceStatus.ERROR: "danger", SourceStatus.PROCESSING: "info",
    SourceStatus.PENDING: "warning",
}  # fmt: skip


@register(Source, site=tenant_site)
class SourceAdmin(AddingPages, TreePages, SourceActs):
    nothing_yet = _(
        "A source is what bots answer from: a text, files, a page, a whole site or a folder elsewhere."
    )
    list_display = (
        "name_and_origin", "home", "source_type", "shown_status", "shown_progress", "is_active",
        "document_count", "chunk_count", "shown_age",
    )  # fmt: skip

    class Media:
        css = {"all": ("minirag/knowledge.css",)}
        js = (Script("minirag/progress.js", defer=True), Script("minirag/adding.js", defer=True))

    list_filter = (
        "status",
        "source_type",
        "is_active",
        ("bot_profile", AutocompleteSelectFilter),
    )
    list_select_related = ("bot_profile", "dataset")
    search_fields = ("name", "description", "error_message", "external_id")
    autocomplete_fields = ("bot_profile",)
    date_hierarchy = "created_at"
    actions = ("ingest_chosen", "cancel_chosen", "deactivate_chosen", "activate_chosen")
    actions_detail = ("ingest", "replace", "cancel")
    conditional_fields = CONDITIONAL_FIELDS
    change_form_after_template = "admin/preview_button.html"
    readonly_fields = (
        "bot_profile", "dataset", "external_id", "source_type", "live_status", "live_progress", "shown_file",
        "document_count", "chunk_count", "language", "failed_searches", "last_refreshed_at", "shown_next",
        "created_at", "knowledge_links",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        return super().get_queryset(request).filter(deleted_at__isnull=True).defer("content")

    def get_form(
        self, request: HttpRequest, obj: Source | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        return super().get_form(
            request, obj, change, form=SourceForm if obj else NewSourceForm, **kwargs
        )

    def get_readonly_fields(
        self, request: HttpRequest, obj: Source | None = None
    ) -> tuple[str, ...]:
        return () if obj is None else self.readonly_fields

    def get_fieldsets(self, request: HttpRequest, obj: Source | None = None) -> Any:
        if obj is None:
            return lay_out_new()
        return lay_out(obj, may_change=self.has_change_permission(request, obj))

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(require_POST(self.preview))
        return [path("preview/", page, name="knowledge_source_preview"), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        can_be = obj is None or obj.source_type in SYNCED
        context["may_preview"] = may_manage(request, "sources") and can_be
        context["previewed_types"] = sorted(SYNCED)
        if obj is not None:
            obj.watch_ticket = write_source_ticket(acting_user(request), obj.pk)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def preview(self, request: HttpRequest) -> HttpResponse:
        """Show what a site or a connector would give, from the form as it is filled in."""
        if not may_manage(request, "sources"):
            raise PermissionDenied
        chosen = request.GET.get("source")
        source = self.require_object(request, chosen) if chosen else None
        return preview_form(self, request, source)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial = super().get_changeform_initial_data(request)
        lone = None if "shared_dataset" in initial else BotProfile.objects.lone()
        return {**({"bot_profile": lone.pk} if lone else {}), **initial}

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        if change:
            self._save_changes(request, obj, form)
            return
        made = make_source(form.cleaned_data)
        obj.pk = made.pk
        obj.refresh_from_db()
        many = len(form.cleaned_data.get("files", ()))
        told = gettext("The source is queued; this page shows how far it is.")
        if many > 1:
            told = gettext("%(count)d sources are queued; this page shows how far the first is.")
            told %= {"count": many}
        self.message_user(request, told, messages.INFO)
        for refused in form.cleaned_data.get("refused", ()):
            self.message_user(request, refused, messages.WARNING)

    def _save_changes(self, request: HttpRequest, obj: Source, form: SourceForm) -> None:
        """Save only what was changed: the worker writes to the same row at the same time."""
        changes = {
            name: form.cleaned_data[name]
            for name in form.changed_data
            if name not in (*CONFIGURED, *CLEANING_FIELDS)
        }
        if "url" in form.changed_data and obj.source_type == SourceType.URL:
            changes["config"] = {**obj.config, "url": form.cleaned_data["url"]}
        has_form = obj.source_type in (SourceType.NYXCORE, *SYNCED)
        if has_form and set(CONFIGURED) & set(form.changed_data):
            changes["config"] = form.cleaned_data["config"]
        if form.has_other_rules:
            changes["config"] = form.with_rules(changes.get("config", obj.config))
        if not changes:
            return
        source = update_source(obj.pk, changes)
        if {"content", "config"} & set(changes):
            queue_ingestion(source)
            self.message_user(
                request,
                gettext("What it says has changed: it is being ingested again."),
                messages.INFO,
            )

    def delete_model(self, request: HttpRequest, obj: Source) -> None:
        delete_source(obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        for source in queryset:
            delete_source(source.pk)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Sum up instead of listing: a source has thousands of chunks, and deleting only marks the source."""
        lines = [
            f"{s}: {count_documents(s.document_count)}, {count_chunks(s.chunk_count)}" for s in objs
        ]
        return lines, {str(self.opts.verbose_name_plural): len(lines)}, set(), []

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "dataset__id__exact" or super().lookup_allowed(lookup, value, request)

    @display(description=_("bot"), ordering="bot_profile__name")
    def home(self, source: Source) -> str:
        return (
            gettext("Shared: %(dataset)s") % {"dataset": source.dataset}
            if source.dataset.is_shared
            else str(source.bot_profile)
        )

    @display(description=_("source"), header=True, ordering="name")
    def name_and_origin(self, source: Source) -> list[str]:
        origin = str(
            source.config.get("url") or source.config.get("original_filename") or source.description
        )
        return [str(source), origin[:80] if origin != source.name else source.description[:80]]

    @display(description=_("status"), ordering="status", label=_STATUS_COLOURS)
    def shown_status(self, source: Source) -> tuple[str, str]:
        return source.status, source.get_status_display()

    @display(description=_("progress"))
    def shown_progress(self, source: Source) -> str:
        return tell_progress(source)

    @display(description=_("status"))
    def live_status(self, source: Source) -> SafeString:
        return format_html("<span data-status>{}</span>", source.get_status_display())

    @display(description=_("progress"))
    @once_per_row
    def live_progress(self, source: Source) -> SafeString:
        """The same, which the page's script keeps up to date by the ticket that is in it."""
        return format_html(
            '<span data-progress="{}" data-socket="{}ws/sources/" data-ticket="{}" role="status">{}</span>',
            source.pk, get_script_prefix(), getattr(source, "watch_ticket", ""), tell_progress(source),
        )  # fmt: skip

    @display(description=_("ingested"), ordering="last_refreshed_at")
    def shown_age(self, source: Source) -> str:
        return format_age(source.last_refreshed_at)

    @display(description=_("next look"))
    def shown_next(self, source: Source) -> str:
        return tell_moment(source.next_refresh_at)

    @display(description=_("file"))
    @once_per_row
    def shown_file(self, source: Source) -> str:
        file = SourceFile.objects.filter(source=source).defer("data").first()
        size = source.config.get("file_size")
        return f"{file.name} ({filesizeformat(size)})" if file and size else "–"

    @display(description=_("knowledge"))
    @once_per_row
    def knowledge_links(self, source: Source) -> str:
        names = {"document": gettext("its documents"), "chunk": gettext("its chunks")}
        if source.source_type in SYNCED or source.syncs.exists():
            names["sitesync"] = gettext("its syncs")
        links = [
            (f"{reverse(f'admin:knowledge_{name}_changelist')}?", source.pk, shown)
            for name, shown in names.items()
        ]
        conflicts = DocumentEdit.objects.in_conflict().filter(document__source=source).count()
        if conflicts:
            documents = reverse("admin:knowledge_document_changelist")
            shown = ngettext(
                "%(count)s edited document is in conflict with it",
                "%(count)s edited documents are in conflict with it",
                conflicts,
            ) % {"count": conflicts}
            links.append((f"{documents}?edited=conflict&", source.pk, shown))
        template = '<a class="mr-link" href="{}source__id__exact={}">{}</a> &nbsp; '
        return format_html_join("", template, links)
