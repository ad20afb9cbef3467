"""The page of retention: what is set, how many chats would go, and a question before they do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from conversations.models import Chat
from conversations.models.retention import LONGEST_KEPT_DAYS, RetentionAct
from conversations.retention.keeping import count_due, find_retention, set_retention
from minirag.lib.telling.shown import show_number
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import LookOnlyAdmin, may_manage, posted


class RetentionForm(forms.Form):
    days = forms.IntegerField(
        label=gettext_lazy("Keep chats for so many days"), required=False, min_value=1, max_value=LONGEST_KEPT_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("Counted from what was last said. Empty: for good."),
    )  # fmt: skip
    act = forms.ChoiceField(
        label=gettext_lazy("And then"), choices=RetentionAct.choices, initial=RetentionAct.DELETE,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    takes_golden = forms.BooleanField(
        label=gettext_lazy("Golden questions that were made of them go, too"), required=False,
        widget=UnfoldBooleanSwitchWidget,
    )  # fmt: skip


class RetentionActs(LookOnlyAdmin):
    """The page stands beside the list of chats."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.show_retention)
        return [path("retention/", view, name="conversations_chat_retention"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = {"may_retain": may_manage(request, "the tenant's settings")}
        return super().changelist_view(request, {**(extra_context or {}), **may})

    def show_retention(self, request: HttpRequest) -> HttpResponse:
        """The first POST says how many chats would go, the second one, which has seen that, saves."""
        if not may_manage(request, "the tenant's settings"):
            raise PermissionDenied
        if (proof := ask_for_proof(request)) is not None:
            return proof
        kept = find_retention()
        names = ("days", "act", "takes_golden")
        initial = {} if kept is None else {name: getattr(kept, name) for name in names}
        form = RetentionForm(posted(request), initial=initial)
        count = None
        if request.method == "POST" and form.is_valid():
            days = form.cleaned_data["days"]
            count = count_due(days, form.cleaned_data["act"]) if days else 0
            if not count or request.POST.get("seen") == str(count):
                set_retention(form.cleaned_data)
                self.message_user(request, _("Saved."), messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:conversations_chat_retention"))
        context = {
            **self.admin_site.each_context(request), "opts": Chat._meta, "title": _("How long chats are kept"),
            "form": form, "kept": kept, "count": count, "told": None if count is None else tell_count(count),
            "cancel_url": self.list_url(),
        }  # fmt: skip
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/retention.html", context)


def tell_count(count: int) -> str:
    told = ngettext(
        "%(count)s chat is older than that, and goes as soon as you save.",
        "%(count)s chats are older than that, and go as soon as you save.", count,
    )  # fmt: skip
    return told % {"count": show_number(count)}
