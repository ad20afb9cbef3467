"""Admin pages of documents, whose text is edited and decided upon here, whose chunks are in knowledge.corrections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import SimpleListFilter, register
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from knowledge.datasets import admin as dataset_admin  # noqa: F401 - registers the page of datasets
from knowledge.edits.changing import (
    change_document,
    compare_edit,
    keep_mine,
    read_editable,
    take_theirs,
)
from knowledge.formats.sections import MAX_CHARACTERS
from knowledge.models import Chunk, Document, EditStatus
from knowledge.models.audience import AS_ITS_SOURCE, tell_groups
from knowledge.reader.admin import ReaderPages
from minirag.lib.telling.kept_sentences import retell
from tenants.admin_site.meanwhile import GuardedForm, holding
from tenants.admin_site.model_admin import may_manage, posted
from tenants.admin_site.rows import told
from tenants.admin_site.sites import tenant_site

_TEXT_COLOURS = {
    "conflict": "danger", "edited": "info", EditStatus.PENDING: "warning", EditStatus.RUNNING: "warning",
    EditStatus.FAILED: "danger",
}  # fmt: skip


_SEARCHED_WORDS = 3


class EditedFilter(SimpleListFilter):
    title, parameter_name = "text", "edited"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("conflict", gettext("In conflict with its source")),
            ("yes", gettext("Edited by hand")),
            ("no", gettext("As its source says it")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "conflict":
            return queryset.filter(edit__conflict_since__isnull=False)
        is_known = self.value() in ("yes", "no")
        return queryset.filter(edit__isnull=self.value() == "no") if is_known else queryset


class TextForm(GuardedForm):
    content = forms.CharField(
        label=_("Text"), max_length=MAX_CHARACTERS, strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 30, "dir": "auto"}),
        help_text=_("Markdown. What you do not touch keeps its heading, page and citations; a heading of your own "
        "(## Like this) stands under the document's title."),
    )  # fmt: skip


@register(Document, site=tenant_site)
class DocumentAdmin(ReaderPages):
    nothing_yet = _(
        "What sources hold is read, searched and corrected here, once one has been read."
    )
    list_display = (
        "shown_title", "source", "bot", "shown_text", "language", "char_count", "chunk_count", "created_at",
    )  # fmt: skip
    list_filter = (EditedFilter, "language", "source__source_type", "source__bot_profile")
    search_fields = ("title", "url", "source__name")
    search_help_text = _("Title, address, source, or words of the text.")
    date_hierarchy = "created_at"
    actions_detail = ("edit_text", "keep_edit", "take_from_source", "undo_edit")
    change_form_after_template = "admin/document_comparison.html"
    fields = (
        ("title", "source"), ("url", "language"), ("char_count", "chunk_count"), "told_error",
        "text_state", "content_version", "shown_readers", "metadata", "created_at", "chunk_link",
    )  # fmt: skip
    readonly_fields = ("chunk_link", "text_state", "shown_readers", "told_error")
    told_error = told("error_message", _("error message"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        found = super().get_queryset(request).filter(source__deleted_at__isnull=True)
        whole = found.select_related("source__bot_profile", "edit", "restricted_to")
        return whole.defer("edit__mine", "edit__theirs", "source__content")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Document], search_term: str
    ) -> tuple[QuerySet[Document], bool]:
        """What the page's columns say, or the text itself."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        words = search_term.split()[:_SEARCHED_WORDS]
        if words:
            said = Chunk.objects.filter(document=OuterRef("pk"))
            for word in words:
                said = said.filter(content__icontains=word)
            found = queryset.filter(Q(pk__in=found.values("pk")) | Exists(said))
        return found, may_repeat

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "source__dataset__id__exact" or super().lookup_allowed(
            lookup, value, request
        )

    def facts_beside(self, request: HttpRequest, obj: Document) -> dict[str, Any]:
        edit = obj.text_edit
        if edit is None:
            return {}
        return {
            "comparison": compare_edit(edit), "comparison_title": gettext("What was edited"),
            "before_name": gettext("what the source says now"), "after_name": gettext("the edited text"),
        }  # fmt: skip

    def has_edit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "documents")

    def is_offered(self, act: str, row: Document) -> bool:
        edit = row.text_edit
        if act in ("keep_edit", "take_from_source"):
            return edit is not None and edit.conflict_since is not None
        if act == "undo_edit":
            return edit is not None and edit.conflict_since is None and not edit.is_undone
        return True

    @action(description=_("Edit text"), permissions=["edit"], icon="edit")
    def edit_text(self, request: HttpRequest, object_id: str) -> HttpResponse:
        document = self.require_object(request, object_id)
        with holding(request, document.pk):
            form = TextForm(
                posted(request), guards=document.pk, initial={"content": read_editable(document)}
            )
            return self.ask(
                request,
                lambda data: self._edit(request, document, data["content"]),
                obj=document,
                form=form,
                title=gettext("Edit the text of %(document)s") % {"document": document},
                submit=gettext("Save"),
                intro=gettext(
                    "What you write stays when the source is read again. If its own text changes then, both are "
                    "shown here and you decide; until then yours answers."
                ),
            )

    @action(description=_("Undo edit"), permissions=["edit"], icon="undo")
    def undo_edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        document = self.require_object(request, object_id)
        return self.ask(
            request, lambda data: self._edit(request, document, None), obj=document, submit=gettext("Undo edit"),
            title=gettext("Have the source's text answer again?"),
            intro=gettext("The edited text stays among the versions for a time."),
        )  # fmt: skip

    @action(description=_("Keep mine"), permissions=["edit"], icon="check")
    def keep_edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        document = self.require_object(request, object_id)
        return self.ask(
            request, lambda data: self._decide(request, document, keep_mine), obj=document, submit=gettext("Keep mine"),
            title=gettext("Keep the edited text?"),
            intro=gettext("You are asked again when the source says yet something else."),
        )  # fmt: skip

    @action(description=_("Take the source's"), permissions=["edit"], icon="download")
    def take_from_source(self, request: HttpRequest, object_id: str) -> HttpResponse:
        document = self.require_object(request, object_id)
        is_gone = document.text_edit is not None and document.text_edit.is_gone
        told = (
            gettext(
                "The source does not have this document any more: it is deleted, with the edited text and its versions."
            )
            if is_gone
            else gettext("The edited text stays among the versions for a time.")
        )
        return self.ask(
            request, lambda data: self._decide(request, document, take_theirs), obj=document, danger=is_gone,
            submit=gettext("Take the source's"), title=gettext("Have the source's text answer again?"), intro=told,
        )  # fmt: skip

    def _edit(self, request: HttpRequest, document: Document, text: str | None) -> None:
        change_document(document.pk, {"content": text})
        self.message_user(
            request,
            gettext("Saved. It answers as soon as a worker has put it in."),
            messages.SUCCESS,
        )

    def _decide(
        self, request: HttpRequest, document: Document, decide: Callable[[UUID], Document | None]
    ) -> HttpResponse | None:
        left = decide(document.pk)
        self.message_user(request, gettext("Decided."), messages.SUCCESS)
        return None if left is not None else HttpResponseRedirect(self.list_url())

    @display(description=_("text"), label=_TEXT_COLOURS)
    def shown_text(self, document: Document) -> tuple[str, str]:
        edit = document.text_edit
        if edit is None:
            return "", gettext("from its source")
        if edit.conflict_since is not None:
            return "conflict", gettext("in conflict")
        if edit.status != EditStatus.APPLIED:
            return edit.status, edit.get_status_display().lower()
        return "edited", gettext("edited")

    @display(description=_("text"))
    def text_state(self, document: Document) -> str:
        edit = document.text_edit
        if edit is None:
            return gettext("It says what its source says.")
        facts = {
            "kind": edit.get_kind_display(), "who": edit.author,
            "when": f"{edit.edited_at:%Y-%m-%d %H:%M}", "since": f"{edit.conflict_since:%Y-%m-%d %H:%M}"
            if edit.conflict_since else "",
        }  # fmt: skip
        told = [
            gettext("%(kind)s by %(who)s on %(when)s UTC.") % facts
            if edit.author
            else gettext("%(kind)s on %(when)s UTC.") % facts
        ]
        if edit.status != EditStatus.APPLIED:
            told.append(f"{edit.get_status_display()}. {retell(edit.error_message)}".strip())
        if edit.conflict_since is not None:
            told.append(
                gettext("Its source does not have it any more since %(since)s UTC.") % facts
                if edit.is_gone
                else gettext("Its source says something else since %(since)s UTC.") % facts
            )
            told.append(gettext("The edited text answers until you decide."))
        return " ".join(told)

    @display(description=_("document"), ordering="title")
    def shown_title(self, document: Document) -> str:
        return str(document)[:90]

    @display(description=_("for"))
    def shown_readers(self, document: Document) -> str:
        return tell_groups(document.own_groups, everybody=AS_ITS_SOURCE)

    @display(description=_("bot"))
    def bot(self, document: Document) -> str:
        return str(document.source.bot_profile or "–")

    @display(description=_("more"))
    def chunk_link(self, document: Document) -> str:
        names = {"chunk": gettext("its chunks"), "documentversion": gettext("its versions")}
        links = [
            (
                f"{reverse(f'admin:knowledge_{name}_changelist')}?document__id__exact={document.pk}",
                shown,
            )
            for name, shown in names.items()
        ]
        read = (reverse("admin:knowledge_document_read", args=[document.pk]), gettext("Read it"))
        return format_html_join("", '<a class="mr-link" href="{}">{}</a> &nbsp; ', [read, *links])
