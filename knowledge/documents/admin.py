"""Admin pages of documents and chunks, to look at."""

from __future__ import annotations

from django.contrib.admin import register
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from knowledge.datasets import admin as dataset_admin  # noqa: F401 - registers the page of datasets
from knowledge.models import Chunk, Document
from tenants.admin_site.model_admin import LookOnlyAdmin
from tenants.admin_site.sites import tenant_site


@register(Document, site=tenant_site)
class DocumentAdmin(LookOnlyAdmin):
    list_display = (
        "shown_title",
        "source",
        "bot",
        "language",
        "char_count",
        "chunk_count",
        "created_at",
    )
    list_filter = ("language", "source__source_type", "source__bot_profile")
    list_select_related = ("source__bot_profile", "restricted_to")
    search_fields = ("title", "url", "source__name")
    date_hierarchy = "created_at"
    fields = (
        ("title", "source"), ("url", "language"), ("char_count", "chunk_count"), "error_message",
        "shown_readers", "metadata", "created_at", "chunk_link",
    )  # fmt: skip
    readonly_fields = ("chunk_link", "shown_readers")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        return super().get_queryset(request).filter(source__deleted_at__isnull=True)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "source__dataset__id__exact" or super().lookup_allowed(
            lookup, value, request
        )

    @display(description="document", ordering="title")
    def shown_title(self, document: Document) -> str:
        return str(document)[:90]

    @display(description="for")
    def shown_readers(self, document: Document) -> str:
        if document.own_groups is None:
            return "everybody, as far as its source is"
        return ", ".join(document.own_groups) or "nobody but the tenant's own people"

    @display(description="bot")
    def bot(self, document: Document) -> str:
        return document.source.bot_profile.name if document.source.bot_profile else "–"

    @display(description="chunks")
    def chunk_link(self, document: Document) -> str:
        url = reverse("admin:knowledge_chunk_changelist")
        return format_html(
            '<a class="mr-link" href="{}?document__id__exact={}">its chunks</a>', url, document.pk
        )


@register(Chunk, site=tenant_site)
class ChunkAdmin(LookOnlyAdmin):
    list_display = (
        "shown_content",
        "document",
        "source",
        "ordinal",
        "page",
        "place",
        "token_count",
    )
    list_filter = ("source__bot_profile",)
    list_select_related = ("document", "source")
    search_fields = ("content", "heading", "document__title")
    ordering = ("source", "document", "ordinal")
    fields = (
        "heading",
        "content",
        ("document", "source"),
        ("ordinal", "page", "place", "token_count"),
        "id",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Chunk]:
        return super().get_queryset(request).filter(source__deleted_at__isnull=True)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in ("source__id__exact", "document__id__exact") or super().lookup_allowed(
            lookup, value, request
        )

    @display(description="chunk", header=True)
    def shown_content(self, chunk: Chunk) -> list[str]:
        return [chunk.heading[:90] or "–", " ".join(chunk.content.split())[:140]]
