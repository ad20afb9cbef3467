"""The admin's way to add knowledge: the form of a new source, and behind it one call for each file that is dropped."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from knowledge.bulk.scanning import as_text
from knowledge.models import Source
from knowledge.sources.forms.making import make_source, put_in_folder
from knowledge.sources.upserts import Upserted
from minirag.lib.errors import ProductError
from minirag.lib.http_in.doors import ADMIN_UPLOAD_DOOR, door
from minirag.lib.telling.kept_sentences import retell
from tenants.admin_site.model_admin import ProductAdmin, may_manage

LONGEST_PATH = 4096


class DroppedFile(forms.Form):
    """Where a dropped file lies in the folder that was dropped; a file of its own lies nowhere."""

    path = forms.CharField(required=False, max_length=LONGEST_PATH, strip=False)

    def clean_path(self) -> str:
        parts = [part for part in self.cleaned_data["path"].split("/") if part not in ("", ".", "..")]  # fmt: skip
        return as_text("/".join(parts)) if len(parts) > 1 else ""


class AddingPages(ProductAdmin):
    """What the page that adds sources needs besides Django's."""

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(require_POST(self.take_file))
        return [
            path("upload/", door(ADMIN_UPLOAD_DOOR)(page), name="knowledge_source_upload"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        extra = {"title": _("Add knowledge"), "may_drop": True, **(extra_context or {})}
        return super().add_view(request, form_url, extra)

    def response_add(
        self, request: HttpRequest, obj: Source, post_url_continue: Any = None
    ) -> HttpResponse:
        """Where another is added, it goes to where this one went unless one chooses otherwise."""
        response = super().response_add(request, obj, post_url_continue)
        if "_addanother" not in request.POST:
            return response
        home = {"bot_profile": str(obj.bot_profile_id)}
        if obj.dataset.is_shared:
            home = {"shared_dataset": str(obj.dataset_id)}
        return HttpResponseRedirect(f"{request.path}?{urlencode(home)}")

    def take_file(self, request: HttpRequest) -> HttpResponse:
        """Make a source of one file, with what the form says beside it, and say in a sentence what became of it."""
        if not may_manage(request, "sources"):
            raise PermissionDenied
        data = request.POST.copy()
        data["source_type"] = "upload"
        form = self.get_form(request, None)(data, request.FILES)
        dropped = DroppedFile(request.POST)
        if len(request.FILES.getlist("file")) != 1 or not dropped.is_valid():
            return _refuse(_("Send one file, and where it lies."))
        if not form.is_valid():
            return _refuse(" ".join(text for texts in form.errors.values() for text in texts))
        try:
            source, outcome = _take(form.cleaned_data, dropped.cleaned_data["path"])
        except ProductError as error:
            return _refuse(retell(error.detail))
        told = {
            Upserted.CREATED: _("Taken; it is being read."),
            Upserted.CHANGED: _("Taken in place of what was there; it is being read."),
            Upserted.UNCHANGED: _("It is there already, and has not changed."),
        }
        url = reverse("admin:knowledge_source_change", args=[source.pk])
        return JsonResponse({"told": told[outcome], "url": url, "is_refused": False})


def _take(data: dict[str, Any], place: str) -> tuple[Source, Upserted]:
    return put_in_folder(data, place) if place else (make_source(data), Upserted.CREATED)


def _refuse(told: str) -> JsonResponse:
    return JsonResponse({"told": told, "url": "", "is_refused": True})
