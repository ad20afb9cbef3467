"""Notes and tags on a chat's page: what it shows, and what it is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from conversations.annotating.changing import add_note, delete_note, list_tags, set_tags
from conversations.models import Chat
from conversations.models.annotations import LONGEST_NOTE
from minirag.lib.errors import ProductError
from tenants.admin_site.model_admin import LookOnlyAdmin, may_manage
from tenants.calls.permissions import acting_user


class AnnotatingActs(LookOnlyAdmin):
    """A chat's page with what people wrote beside it."""

    def get_urls(self) -> list[Any]:
        acts: dict[str, Callable[..., HttpResponse]] = {"note": self.write_note, "tags": self.write_tags}  # fmt: skip
        made = [
            path(
                f"<path:object_id>/{name}/", self.admin_site.admin_view(require_POST(act)),
                name=f"conversations_chat_{name}",
            )
            for name, act in acts.items()
        ]  # fmt: skip
        gone = path(
            "<path:object_id>/note/<uuid:note_id>/delete/", self.admin_site.admin_view(require_POST(self.remove_note)),
            name="conversations_chat_note_delete",
        )  # fmt: skip
        return [gone, *made, *super().get_urls()]

    def describe_notes(self, request: HttpRequest, chat: Chat) -> dict[str, Any]:
        return {
            "notes": list(chat.notes.all()), "tags": list(chat.tags.all()), "all_tags": list_tags(most=100),
            "may_note": may_manage(request, "chat notes"), "longest_note": LONGEST_NOTE,
        }  # fmt: skip

    def write_note(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = request.POST.get("note", "")
        return self._annotate(request, object_id, lambda chat: add_note(chat, text, acting_user(request)))  # fmt: skip

    def remove_note(self, request: HttpRequest, object_id: str, note_id: UUID) -> HttpResponse:
        return self._annotate(request, object_id, lambda chat: delete_note(chat, note_id))

    def write_tags(self, request: HttpRequest, object_id: str) -> HttpResponse:
        names = [name for name in request.POST.get("tags", "").split(",") if name.strip()]
        return self._annotate(request, object_id, lambda chat: set_tags(chat, names, acting_user(request)))  # fmt: skip

    def _annotate(
        self, request: HttpRequest, object_id: str, act: Callable[[Chat], object]
    ) -> HttpResponse:
        chat = self.require_object(request, object_id)
        if not may_manage(request, "chat notes"):
            raise PermissionDenied
        try:
            act(chat)
        except ProductError as error:
            self.message_user(request, error.detail, messages.WARNING)
        else:
            self.message_user(request, _("Saved."), messages.SUCCESS)
        return HttpResponseRedirect(f"{self.change_url(chat)}#notes")
