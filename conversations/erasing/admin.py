"""The acts that delete chats, on their page."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldBooleanSwitchWidget

from conversations.erasing.deleting import delete_chat, find_chats_of, forget_visitor
from conversations.erasing.keeping import KeptWords, find_kept
from conversations.models import Chat
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import LookOnlyAdmin, may_manage, posted

_WHAT_ELSE: Final = _(
    "Exported files that may hold them go, too. What they cost stays counted; golden questions and curated answers "
    "that people made of them stay."
)


class ForgettingForm(forms.Form):
    """What holds the visitor's words beside their chats, to be chosen."""

    def __init__(self, kept: KeptWords, data: Any) -> None:
        super().__init__(data)
        if kept.golden_questions or kept.evaluation_results:
            golden = gettext(
                "golden questions that were made of them (%(count)s), and results of runs (%(results)s)"
            )
            self.fields["golden_questions"] = self._offer(
                golden % {"count": kept.golden_questions, "results": kept.evaluation_results}
            )
        if kept.curated_answers:
            curated = gettext(
                "curated answers to a question that was asked in these very words (%(count)s)"
            )
            self.fields["curated_answers"] = self._offer(curated % {"count": kept.curated_answers})

    def _offer(self, what: str) -> forms.BooleanField:
        return forms.BooleanField(
            label=gettext("Delete as well: %(what)s") % {"what": what}, required=False, widget=UnfoldBooleanSwitchWidget
        )  # fmt: skip


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
            intro=ngettext(
                "Its message is gone for good, with what was noted of it. %(_what_else)s",
                "Its %(count)s messages are gone for good, with what was noted of them. %(_what_else)s",
                count,
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
        chats = find_chats_of(who.get("visitor_id", ""), who.get("subject", ""))
        kept = find_kept(chats).sum_up()

        def act(data: dict[str, Any]) -> HttpResponse:
            done = forget_visitor(
                who.get("visitor_id", ""), who.get("subject", ""), golden=data.get("golden_questions", False),
                curated=data.get("curated_answers", False),
            )  # fmt: skip
            self.message_user(
                request,
                ngettext("%(count)s chat is deleted.", "%(count)s chats are deleted.", done.deleted)
                % {"count": done.deleted},
                messages.SUCCESS,
            )
            return HttpResponseRedirect(self.list_url())

        count = chats.count()
        told = ngettext(
            "There is one. It is gone for good. Exported files that may hold it go, too. What it cost stays counted.",
            "There are %(count)s. They are gone for good. Exported files that may hold them go, too. What they cost "
            "stays counted.",
            count,
        )
        return self.ask(
            request, act, title=gettext("Delete all chats of this visitor?"), submit=gettext("Delete"), danger=True,
            obj=chat, intro=told % {"count": count}, form=ForgettingForm(kept, posted(request)),
        )  # fmt: skip
