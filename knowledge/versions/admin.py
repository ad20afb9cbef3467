"""The admin page of versions: what a document said before, and what became of it."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import register
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from knowledge.documents.changing import read_content
from knowledge.models import ContentOrigin, DocumentVersion
from knowledge.versions.comparing import compare_texts
from knowledge.versions.finding import read_version
from tenants.admin_site.model_admin import LookOnlyAdmin
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
    nothing_yet = "When a document's text changes, the one before is kept here for a time."
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
            "comparison_title": "What became of it",
            "before_name": f"version {obj.number}",
            "after_name": "what answers now",
            "whole_text": text,
        }

    @display(description="document", ordering="title")
    def shown_title(self, version: DocumentVersion) -> str:
        return (version.title or str(version.document_id))[:90]

    @display(description="came from", ordering="content_from", label=_ORIGIN_COLOURS)
    def shown_origin(self, version: DocumentVersion) -> tuple[str, str]:
        return version.content_from, version.get_content_from_display()
