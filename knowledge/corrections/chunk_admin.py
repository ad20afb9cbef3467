"""The admin page of chunks, which people find by their words, correct, switch off and pin."""

from __future__ import annotations

from textwrap import shorten
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import SimpleListFilter, register
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from knowledge.corrections.admin import CorrectingAdmin, compare_sides, describe_marks
from knowledge.corrections.changing import add_chunk, change_chunk
from knowledge.corrections.finding import find_chunk, listed_corrections
from knowledge.corrections.forms import AddedChunkForm
from knowledge.corrections.searching import search_chunks
from knowledge.models import Chunk, Correction, Document
from minirag.lib.errors import NotFound
from tenants.admin_site.model_admin import once_per_row, posted
from tenants.admin_site.searching import search_field
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user


class CorrectedFilter(SimpleListFilter):
    title, parameter_name = "corrected", "corrected"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("1", gettext("Corrected or added by hand")),
            ("0", gettext("As its source says it")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Chunk]) -> QuerySet[Chunk]:
        said = Exists(Correction.objects.filter(chunk_id=OuterRef("pk"), content__isnull=False))
        if self.value() not in ("0", "1"):
            return queryset
        return queryset.filter(said if self.value() == "1" else ~said)


@register(Chunk, site=tenant_site)
class ChunkAdmin(CorrectingAdmin):
    list_display = (
        "shown_content", "document", "source", "shown_pin", "ordinal", "page", "place", "token_count",
    )  # fmt: skip
    list_filter = ("is_pinned", CorrectedFilter, "source__bot_profile")
    list_select_related = ("document", "source")
    search_fields = ("content",)  # by `get_search_results`
    search_help_text = _("All words, in any form; “in quotation marks” as they stand there")
    ordering = ("source", "document", "ordinal")
    actions_list = ("add_by_hand",)
    actions_detail = ("correct", "switch_off", "pin")
    change_form_after_template = "admin/document_comparison.html"
    fields = (
        "heading", "content", ("document", "source"), ("ordinal", "token_count"), ("page", "place"), "is_pinned",
        "said", "id",
    )  # fmt: skip
    readonly_fields = ("said",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Chunk]:
        return super().get_queryset(request).filter(source__deleted_at__isnull=True)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in ("source__id__exact", "document__id__exact") or super().lookup_allowed(
            lookup, value, request
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Chunk], search_term: str
    ) -> tuple[QuerySet[Chunk], bool]:
        text = search_term.strip()[:255]
        return (search_chunks(queryset, text) if text else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Where a citation or a trace names a chunk that was corrected since, show what became of it."""
        if not self.get_queryset(request).filter(pk=object_id).exists():
            try:
                found = find_chunk(UUID(object_id))
            except (NotFound, ValueError):
                pass
            else:
                if self.has_view_permission(request):
                    return HttpResponseRedirect(self.page_of(found.id, found.correction))
        return super().change_view(request, object_id, form_url, extra_context)

    def facts_beside(self, request: HttpRequest, obj: Chunk) -> dict[str, Any]:
        found = find_chunk(obj.pk)
        if found.correction is None or found.correction.content is None:
            return {}
        return compare_sides(
            gettext("its source"), found.original, gettext("what answers"), found.content
        )

    def is_offered(self, act: str, row: Chunk) -> bool:
        return act != "pin" or not row.is_pinned

    @display(description=_("chunk"), header=True)
    def shown_content(self, chunk: Chunk) -> list[str]:
        return [chunk.heading[:90] or "–", shorten(chunk.content, 140, placeholder=" …")]

    @display(description=_("pinned"), ordering="is_pinned", label=True)
    def shown_pin(self, chunk: Chunk) -> str | None:
        return gettext("pinned") if chunk.is_pinned else None

    @display(description=_("said of it"))
    @once_per_row
    def said(self, chunk: Chunk) -> str:
        correction = listed_corrections().filter(chunk_id=chunk.pk).first()
        if correction is None:
            return gettext("Nothing: it is as its source says it.")
        url = reverse("admin:knowledge_correction_change", args=[correction.pk])
        return format_html(
            '<a class="mr-link" href="{}">{}</a>, {}, {}', url, describe_marks(correction),
            correction.author or gettext("somebody"), f"{correction.updated_at:%Y-%m-%d %H:%M}",
        )  # fmt: skip

    @action(description=_("Correct"), permissions=["correct"], icon="edit")
    def correct(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask_for_text(request, self.require_object(request, object_id).pk)

    @action(description=_("Switch off"), permissions=["correct"], icon="visibility_off")
    def switch_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        chunk = self.require_object(request, object_id)
        return self.ask(
            request,
            lambda data: self._mark(request, chunk, gettext("It answers no more."), is_off=True),
            obj=chunk,
            title=gettext("Switch this chunk off?"),
            submit=gettext("Switch off"),
            danger=True,
            intro=gettext(
                "Nobody is answered from it, from the next question on, also when its source is read again. It can "
                "be switched on among the corrections."
            ),
        )

    @action(description=_("Pin"), permissions=["correct"], icon="push_pin")
    def pin(self, request: HttpRequest, object_id: str) -> HttpResponse:
        chunk = self.require_object(request, object_id)
        return self.ask(
            request,
            lambda data: self._mark(request, chunk, gettext("It is pinned."), is_pinned=True),
            obj=chunk,
            title=gettext("Pin this chunk?"),
            submit=gettext("Pin"),
            intro=gettext(
                "It wins over passages that say the same of other figures, and comes before those that fit about as "
                "well. When its source says something else, it is pinned no more and you are told."
            ),
        )

    def _mark(self, request: HttpRequest, chunk: Chunk, told: str, **changes: bool) -> HttpResponse:
        found = change_chunk(chunk.pk, changes, author=acting_user(request).email)
        self.message_user(request, told, messages.SUCCESS)
        return HttpResponseRedirect(self.page_of(found.id, found.correction))

    @action(
        description=_("Add a chunk"), permissions=["correct"], icon="add", url_path="add-by-hand"
    )
    def add_by_hand(self, request: HttpRequest) -> HttpResponse:
        documents = Document.objects.filter(source__deleted_at__isnull=True, error_code="")
        form = AddedChunkForm(posted(request), initial={"document": request.GET.get("document")})
        form.fields = {
            "document": search_field(Chunk, "document", self.admin_site, documents, label=gettext("Document")),
            **form.fields,
        }  # fmt: skip

        def act(data: dict[str, Any]) -> HttpResponse:
            fields = {name: value for name, value in data.items() if name != "document"}
            found = add_chunk(
                document_id=data["document"].pk,
                source_id=None,
                author=acting_user(request).email,
                **fields,
            )
            self.message_user(
                request,
                gettext("It is added, and counts with the next question."),
                messages.SUCCESS,
            )
            return HttpResponseRedirect(self.way_back(request, found))

        return self.ask(
            request, act, title=gettext("Add a chunk"), submit=gettext("Add"), form=form,
            intro=gettext("It belongs to its document, and stays whatever the document's source says later."),
        )  # fmt: skip
