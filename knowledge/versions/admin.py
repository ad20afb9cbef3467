"""The admin page of versions: what a document said before, and what became of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import register
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from knowledge.documents.changing import read_content
from knowledge.edits.changing import restore_version
from knowledge.models import ContentOrigin, DocumentVersion
from knowledge.versions.finding import read_version
from minirag.lib.comparing.texts import compare_texts
from tenants.admin_site.model_admin import LookOnlyAdmin, may_manage
from tenants.admin_site.sites import tenant_site

_ORIGIN_COLOURS = {
    ContentOrigin.INGESTION: "info", ContentOrigin.EDIT: "warning", ContentOrigin.RESTORE: "warning",
    ContentOrigin.UNDO: "info",
}  # fmt: skip


@register(DocumentVersion, site=tenant_site)
class DocumentVersionAdmin(LookOnlyAdmin):
    list_display = (
        "shown_title", "number", "shown_origin", "content_by", "content_at", "replaced_at", "char_count",
    )  # fmt: skip
    list_filter = ("content_from", "language")
    list_select_related = ("document",)
    search_fields = ("title", "url", "content_by", "document__title", "document__source__name")
    date_hierarchy = "replaced_at"
    ordering = ("-replaced_at", "-number")
    nothing_yet = _("When a document's text changes, the one before is kept here for a time.")
    actions_detail = ("bring_back",)
    change_form_after_template = "admin/document_comparison.html"
    fields = (
        ("document", "number"), ("content_from", "content_by"), ("content_at", "replaced_at"),
        ("title", "url"), ("language", "char_count", "chunk_count"), "metadata",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[DocumentVersion]:
        found = super().get_queryset(request).filter(document__source__deleted_at__isnull=True)
        return found.defer("body")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "document__id__exact" or super().lookup_allowed(lookup, value, request)

    def facts_beside(self, request: HttpRequest, obj: DocumentVersion) -> dict[str, Any]:
        text = read_version(obj)
        return {
            "comparison": compare_texts(text, read_content(obj.document)),
            "comparison_title": gettext("What became of it"),
            "before_name": gettext("version %(number)s") % {"number": obj.number},
            "after_name": gettext("what answers now"),
            "whole_text": text,
        }

    def has_edit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "documents")

    @action(description=_("Bring back"), permissions=["edit"], icon="restore")
    def bring_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = self.require_object(request, object_id)
        return self.ask(
            request,
            lambda data: self._bring_back(request, version),
            obj=version,
            submit=gettext("Bring back"),
            title=gettext("Have %(document)s say again what version %(number)s said?")
            % {"document": version.document, "number": version.number},
            intro=gettext(
                "It answers as an edit of the text, which stays when the source is read again. What answers now "
                "stays among the versions."
            ),
        )

    def _bring_back(self, request: HttpRequest, version: DocumentVersion) -> HttpResponse:
        restore_version(version.document_id, version.pk)
        told = gettext("It answers as soon as a worker has put it in.")
        self.message_user(request, told, messages.SUCCESS)
        url = reverse("admin:knowledge_document_change", args=[version.document_id])
        return HttpResponseRedirect(url)

    @display(description=_("document"), ordering="title")
    def shown_title(self, version: DocumentVersion) -> str:
        return (version.title or str(version.document_id))[:90]

    @display(description=_("came from"), ordering="content_from", label=_ORIGIN_COLOURS)
    def shown_origin(self, version: DocumentVersion) -> tuple[str, str]:
        return version.content_from, version.get_content_from_display()
