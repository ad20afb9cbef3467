"""The admin's page on which a document is read, searched and corrected where it stands."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from knowledge.corrections.changing import change_chunk
from knowledge.models import Document
from knowledge.reader.reading import PAGE, ReaderPage, find_place, read_page
from minirag.lib.errors import NotFound, ProductError
from tenants.admin_site.model_admin import LookOnlyAdmin, may_manage
from tenants.calls.permissions import acting_user

_ACTS: Final[dict[str, tuple[dict[str, bool], Any]]] = {
    "off": ({"is_off": True}, gettext_lazy("It answers no more.")),
    "on": ({"is_off": False}, gettext_lazy("It answers again.")),
    "pin": ({"is_pinned": True}, gettext_lazy("It is pinned.")),
    "unpin": ({"is_pinned": False}, gettext_lazy("It is pinned no more.")),
}


class ReaderForm(forms.Form):
    q = forms.CharField(required=False, max_length=255)
    offset = forms.IntegerField(required=False, min_value=0, max_value=1_000_000)


class ChunkActForm(forms.Form):
    act = forms.ChoiceField(choices=[(name, name) for name in _ACTS])
    chunk = forms.UUIDField()
    q = forms.CharField(required=False, max_length=255)
    offset = forms.IntegerField(required=False, min_value=0, max_value=1_000_000)


class ReaderPages(LookOnlyAdmin):
    """The pages of the reader, below those of documents."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        act = require_POST(self.act_on_chunk)
        return [
            path("of/<uuid:chunk_id>/", view(require_safe(self.show_chunk)), name="knowledge_document_of"),
            path("<path:object_id>/read/", view(require_safe(self.read)), name="knowledge_document_read"),
            path("<path:object_id>/read/act/", view(act), name="knowledge_document_read_act"),
            *super().get_urls(),
        ]  # fmt: skip

    def show_chunk(self, request: HttpRequest, chunk_id: UUID) -> HttpResponse:
        """Open the reader where a chunk stands, such as one that an answer has cited."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            document_id, offset, own_id = find_place(chunk_id)
        except NotFound:
            told = _("This passage is not there any more: its source says something else now.")
            self.message_user(request, told, messages.WARNING)
            return HttpResponseRedirect(self.list_url())
        if not Document.objects.filter(pk=document_id).exists():
            told = _("The document of this passage is not there any more.")
            self.message_user(request, told, messages.WARNING)
            return HttpResponseRedirect(self.list_url())
        return HttpResponseRedirect(write_reader_url(document_id, own_id, offset=offset))

    def read(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show a page of a document's chunks, or of those that a search found in it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        document = self.require_object(request, object_id)
        form = ReaderForm(request.GET)
        if not form.is_valid():
            raise Http404
        text, offset = form.cleaned_data["q"], form.cleaned_data["offset"] or 0
        page = read_page(document, text=text, offset=offset // PAGE * PAGE)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": str(document), "document": document,
            "page": page, "q": text, "may_correct": may_manage(request, "documents"),
            "explain": _explain_url(request, document), **_ways(document, page, text),
        }  # fmt: skip
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/document_reader.html", context)

    def act_on_chunk(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Switch a chunk of this document off or on, or pin it, and go on reading where it stands."""
        if not may_manage(request, "documents"):
            raise PermissionDenied
        document = self.require_object(request, object_id)
        form = ChunkActForm(request.POST)
        if not form.is_valid():
            raise Http404
        said = form.cleaned_data
        changes, told = _ACTS[said["act"]]
        chunk_id = said["chunk"]
        try:
            if find_place(chunk_id)[0] != document.pk:
                raise Http404
            chunk_id = change_chunk(chunk_id, changes, author=acting_user(request).email).id
            self.message_user(request, str(told), messages.SUCCESS)
        except NotFound:
            raise Http404 from None
        except ProductError as error:
            self.message_user(request, error.detail, messages.WARNING)
        url = write_reader_url(document.pk, chunk_id, q=said["q"], offset=said["offset"] or 0)
        return HttpResponseRedirect(url)


def write_reader_url(document_id: UUID, chunk_id: UUID | None = None, **said: Any) -> str:
    """The reader's address, at a chunk where one is named."""
    query = urlencode({name: value for name, value in said.items() if value})
    url = reverse("admin:knowledge_document_read", args=[document_id])
    return f"{url}{'?' if query else ''}{query}{f'#chunk-{chunk_id}' if chunk_id else ''}"


def _ways(document: Document, page: ReaderPage, text: str) -> dict[str, str]:
    """To the pages before and after this one; empty where there is none."""
    offsets = {"before": page.previous_offset, "after": page.next_offset}
    return {
        name: "" if offset is None else write_reader_url(document.pk, q=text, offset=offset)
        for name, offset in offsets.items()
    }


def _explain_url(request: HttpRequest, document: Document) -> str:
    """Where one asks why a passage was not found, for who may."""
    if not acting_user(request).has_perm("conversations.view_chat"):
        return ""
    bot = document.source.bot_profile_id
    return f"{reverse('admin:conversations_chat_explain')}?{urlencode({'bot': str(bot or '')})}"
