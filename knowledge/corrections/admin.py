"""The admin page of what people have said of chunks: corrected, switched off, added, pinned, and conflicts."""

from __future__ import annotations

from textwrap import shorten
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import SimpleListFilter, register
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from knowledge.corrections.changing import (
    change_chunk,
    decide,
    undo_correction,
)
from knowledge.corrections.finding import FoundChunk, find_chunk, find_correction
from knowledge.corrections.forms import ChunkForm
from knowledge.models import (
    CONFLICTS,
    Correction,
    CorrectionState,
    Decision,
    Document,
)
from minirag.lib.comparing.texts import compare_texts
from tenants.admin_site.meanwhile import holding
from tenants.admin_site.model_admin import (
    LookOnlyAdmin,
    may_manage,
    posted,
)
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user

_STATE_COLOURS = {
    CorrectionState.LIVE: "success", CorrectionState.CHANGED: "danger", CorrectionState.VANISHED: "danger",
    CorrectionState.RESTING: "info",
}  # fmt: skip


class CorrectingAdmin(LookOnlyAdmin):
    """Pages whose acts change what answers: of corrections, and of chunks (knowledge.documents.admin)."""

    def has_correct_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "documents")

    def ask_for_text(self, request: HttpRequest, chunk_id: UUID) -> HttpResponse:
        """The form for a chunk's text and marks."""
        with holding(request, find_chunk(chunk_id).own_id):
            form = ChunkForm.of(find_chunk(chunk_id), posted(request))

            def act(data: dict[str, Any]) -> HttpResponse:
                found = change_chunk(chunk_id, form.changes(), author=acting_user(request).email)
                self.message_user(
                    request, gettext("It counts with the next question."), messages.SUCCESS
                )
                return HttpResponseRedirect(self.way_back(request, found))

            return self.ask(
                request,
                act,
                title=gettext("Correct this chunk"),
                submit=gettext("Save"),
                form=form,
                intro=gettext(
                    "It stays so when its source is read again. Where the source has changed the text, you are "
                    "asked."
                ),
            )

    def way_back(self, request: HttpRequest, found: FoundChunk) -> str:
        """Where one goes on who came from the reader, else the page of what was said."""
        if "reader" in request.GET:
            return reverse("admin:knowledge_document_of", args=[found.id])
        return self.page_of(found.id, found.correction)

    def page_of(self, chunk_id: UUID, correction: Correction | None) -> str:
        if correction is not None:
            return reverse("admin:knowledge_correction_change", args=[correction.pk])
        return reverse("admin:knowledge_chunk_change", args=[chunk_id])


class WaitsFilter(SimpleListFilter):
    title, parameter_name = "decision", "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", gettext("Waits for a decision")), ("0", gettext("Nothing to decide"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Correction]
    ) -> QuerySet[Correction]:
        if self.value() == "1":
            return queryset.filter(state__in=CONFLICTS)
        return queryset.exclude(state__in=CONFLICTS) if self.value() == "0" else queryset


@register(Correction, site=tenant_site)
class CorrectionAdmin(CorrectingAdmin):
    list_display = (
        "shown_text", "source", "shown_marks", "shown_state", "author", "updated_at",
    )  # fmt: skip
    list_filter = (WaitsFilter, "state", "is_off", "is_added", "is_pinned", "source__bot_profile")
    list_select_related = ("source",)
    search_fields = (
        "content",
        "anchor_content",
        "anchor_heading",
        "note",
        "source__name",
        "author",
    )
    date_hierarchy = "updated_at"
    ordering = ("-updated_at",)
    nothing_yet = _(
        "What is switched off, corrected, pinned or added among the chunks is listed here."
    )
    actions_detail = ("keep_mine", "take_theirs", "drop", "change_text", "switch_on", "undo")
    change_form_after_template = "admin/document_comparison.html"
    fields = (
        ("state", "shown_marks"), "what_to_do", ("source", "shown_document"), "anchor_heading", "their_text",
        "anchor_content", "content", "note", "author", ("updated_at", "created_at"), "conflict_since", "chunk_link",
    )  # fmt: skip
    readonly_fields = (
        "shown_marks", "what_to_do", "shown_document", "their_text", "updated_at", "created_at",
        "chunk_link",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Correction]:
        found = super().get_queryset(request).filter(source__deleted_at__isnull=True)
        return found.defer("source__content")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in ("source__id__exact", "document_id__exact") or super().lookup_allowed(
            lookup, value, request
        )

    def facts_beside(self, request: HttpRequest, obj: Correction) -> dict[str, Any]:
        theirs = obj.their_content or obj.anchor_content
        if obj.content is None or not theirs:
            return {}
        name = (
            gettext("what the source says now")
            if obj.their_content
            else gettext("what the source said")
        )
        return compare_sides(name, theirs, gettext("the corrected text"), obj.content)

    def is_offered(self, act: str, row: Correction) -> bool:
        if act in ("keep_mine", "take_theirs"):
            return row.is_conflict
        return {"drop": row.state == CorrectionState.CHANGED, "switch_on": row.is_off}.get(
            act, True
        )

    @display(description=_("text"), header=True)
    def shown_text(self, correction: Correction) -> list[str]:
        return [
            correction.anchor_heading[:90] or "–",
            shorten(str(correction), 140, placeholder=" …"),
        ]

    @display(description=_("what was said"))
    def shown_marks(self, correction: Correction) -> str:
        return describe_marks(correction)

    @display(description=_("state"), ordering="state", label=_STATE_COLOURS)
    def shown_state(self, correction: Correction) -> tuple[str, str]:
        return correction.state, correction.get_state_display()

    @display(description=_("what to do"))
    def what_to_do(self, correction: Correction) -> str:
        return str(_WHAT_TO_DO[CorrectionState(correction.state)])

    @display(description=_("what the source says now"))
    def their_text(self, correction: Correction) -> str:
        return correction.their_content or "–"

    @display(description=_("document"))
    def shown_document(self, correction: Correction) -> str:
        document = Document.objects.filter(pk=correction.document_id).first()
        if document is None:
            return gettext("gone")
        url = reverse("admin:knowledge_document_change", args=[document.pk])
        return format_html('<a class="mr-link" href="{}">{}</a>', url, document)

    @display(description=_("chunk"))
    def chunk_link(self, correction: Correction) -> str:
        if correction.chunk_id is None:
            return gettext("None answers.")
        url = reverse("admin:knowledge_chunk_change", args=[correction.chunk_id])
        return format_html(
            '<a class="mr-link" href="{}">{}</a>', url, gettext("the chunk that answers")
        )

    @action(description=_("Keep mine"), permissions=["correct"], icon="check")
    def keep_mine(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(
            request,
            object_id,
            Decision.KEEP_MINE,
            gettext("Keep what was corrected?"),
            gettext(
                "It holds for what the source says now. Where the source says nothing of the kind any more, a "
                "corrected text goes on as one of your own, and what was switched off waits until the source says it "
                "again."
            ),
        )

    @action(description=_("Take the source's"), permissions=["correct"], icon="sync")
    def take_theirs(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(
            request,
            object_id,
            Decision.TAKE_THEIRS,
            gettext("Take what the source says?"),
            gettext(
                "The correction is dropped: what the source says now answers with the next question."
            ),
        )

    @action(description=_("Neither answers"), permissions=["correct"], icon="visibility_off")
    def drop(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(
            request, object_id, Decision.DROP, gettext("Have neither answer?"),
            gettext("The corrected text is dropped, and what the source says now is switched off."),
        )  # fmt: skip

    def _decide(
        self, request: HttpRequest, object_id: str, decision: Decision, title: str, intro: str
    ) -> HttpResponse:
        correction = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> HttpResponse:
            left = decide(correction.pk, decision, author=acting_user(request).email)
            self.message_user(
                request, gettext("Decided: it counts with the next question."), messages.SUCCESS
            )
            return HttpResponseRedirect(self.change_url(left) if left else self.list_url())

        return self.ask(
            request, act, obj=correction, title=title, intro=intro, submit=decision.label,
            danger=decision != Decision.KEEP_MINE,
        )  # fmt: skip

    @action(description=_("Change"), permissions=["correct"], icon="edit")
    def change_text(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask_for_text(request, self.require_object(request, object_id).pk)

    @action(description=_("Switch on"), permissions=["correct"], icon="visibility")
    def switch_on(self, request: HttpRequest, object_id: str) -> HttpResponse:
        correction = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> HttpResponse:
            found = change_chunk(
                correction.pk, {"is_off": False}, author=acting_user(request).email
            )
            self.message_user(request, gettext("It answers again."), messages.SUCCESS)
            return HttpResponseRedirect(self.page_of(found.id, found.correction))

        return self.ask(
            request, act, obj=correction, title=gettext("Switch this chunk on?"), submit=gettext("Switch on"),
            intro=gettext("It answers with the next question."),
        )  # fmt: skip

    @action(description=_("Undo"), permissions=["correct"], icon="undo")
    def undo(self, request: HttpRequest, object_id: str) -> HttpResponse:
        correction = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> HttpResponse:
            undo_correction(find_correction(correction.pk))
            self.message_user(request, gettext("It is undone."), messages.SUCCESS)
            return HttpResponseRedirect(self.list_url())

        return self.ask(
            request,
            act,
            obj=correction,
            title=gettext("Undo all that was said of this chunk?"),
            submit=gettext("Undo"),
            danger=True,
            intro=gettext("The added text is gone for good.")
            if correction.is_added
            else gettext(
                "The source's own text answers with the next question, if the source still says it."
            ),
        )


_WHAT_TO_DO = {
    CorrectionState.LIVE: _("Nothing: it is in force, and stays so when the source is read again."),
    CorrectionState.CHANGED: _(
        "The source says something else now in this place, and that does not answer until you "
        "decide: keep yours, take the source's, or have neither answer."
    ),
    CorrectionState.VANISHED: _(
        "The source does not say this any more, so nobody is answered from it. Keep yours as a "
        "text of your own, or take it that it is gone. If the source says it again, it is in force again by itself."
    ),
    CorrectionState.RESTING: _(
        "Nothing: the source says it rightly itself, or not at all. If the original text comes "
        "back, this is in force again by itself."
    ),
}


def describe_marks(correction: Correction) -> str:
    """What a person has said of a chunk, in a few words."""
    marks = {
        gettext("added by hand"): correction.is_added,
        gettext("corrected"): correction.content is not None and not correction.is_added,
        gettext("switched off"): correction.is_off,
        gettext("pinned"): correction.is_pinned,
    }
    return ", ".join(name for name, is_set in marks.items() if is_set) or "–"


def compare_sides(before_name: str, before: str, after_name: str, after: str) -> dict[str, Any]:
    """What `admin/document_comparison.html` shows of two texts."""
    return {
        "comparison": compare_texts(before, after), "comparison_title": gettext("What was corrected"),
        "before_name": before_name, "after_name": after_name,
    }  # fmt: skip
