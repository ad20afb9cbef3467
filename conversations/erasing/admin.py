"""The acts that delete chats, on their page."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from conversations.erasing.deleting import delete_chat, delete_chats_of_visitor, find_chats_of
from conversations.models import Chat
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import LookOnlyAdmin, may_manage

_WHAT_ELSE: Final = _(
    "Exported files that may hold them go, too. What they cost stays counted; golden questions and curated answers "
    "that people made of them stay."
)


class ErasingActs(LookOnlyAdmin):
    """A chat's page, from which it can be deleted, alone or with all others of its visitor."""

    actions_detail = ("delete_chat", "delete_visitor")

    def has_erase_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "chats")

    def is_offered(self, act: str, row: Any) -> bool:
        return act != "delete_visitor" or bool(row.visitor_id or row.subject)

    @action(description=_("Delete"), icon="delete", url_path="delete_chat", permissions=["erase"])
    def delete_chat(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        chat: Chat = self.require_object(request, object_id)
        count = chat.message_count

        def act(data: dict[str, Any]) -> HttpResponse:
            delete_chat(chat)
            self.message_user(request, gettext("The chat is deleted."), messages.SUCCESS)
            return HttpResponseRedirect(self.list_url())

        return self.ask(
            request,
            act,
            title=gettext("Delete this chat?"),
            submit=gettext("Delete"),
            danger=True,
            obj=chat,
            intro=gettext(
                "Its %(count)s messages are gone for good, with what was noted of them. %(_what_else)s"
            )
            % {"count": count, "_what_else": _WHAT_ELSE},
        )

    @action(
        description=_("Forget visitor"), icon="person_remove", url_path="delete_visitor", permissions=["erase"]
    )  # fmt: skip
    def delete_visitor(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        chat: Chat = self.require_object(request, object_id)
        if (proof := ask_for_proof(request)) is not None:
            return proof
        who = {"subject": chat.subject} if chat.subject else {"visitor_id": chat.visitor_id}
        count = find_chats_of(who.get("visitor_id", ""), who.get("subject", "")).count()

        def act(data: dict[str, Any]) -> HttpResponse:
            deleted = delete_chats_of_visitor(who.get("visitor_id", ""), who.get("subject", ""))
            self.message_user(
                request,
                gettext("%(deleted)s chats are deleted.") % {"deleted": deleted},
                messages.SUCCESS,
            )
            return HttpResponseRedirect(self.list_url())

        return self.ask(
            request,
            act,
            title=gettext("Delete all chats of this visitor?"),
            submit=gettext("Delete"),
            danger=True,
            obj=chat,
            intro=gettext("There are %(count)s. They are gone for good. %(_what_else)s")
            % {"count": count, "_what_else": _WHAT_ELSE},
        )
