"""The admin's page "Try and explain": a question in, step by step why it is answered so. Nothing is left behind."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from bots.admin_fields import GroupsField
from bots.configurations import snapshot, with_configuration
from bots.drafts.changing import draft_of
from bots.models import BotProfile
from bots.scopes.models import LONGEST_QUESTION
from bots.versions.keeping import as_of_version
from bots.versions.telling import compare_configurations
from conversations.explaining.comparing import Comparison, compare
from conversations.explaining.explaining import Explanation, Trial, explain
from knowledge.locating.wanted import Wanted
from knowledge.models import Audience
from minirag.lib.database import wait_for_model
from minirag.lib.errors import ProductError
from tenants.admin_site.model_admin import is_writable, posted
from tenants.calls.permissions import require_role
from tenants.models import Right

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST_VALUES = 4000
_OTHERS = ("values", "against", "draft", "version")


class TrialForm(forms.Form):
    bot = forms.ModelChoiceField(
        BotProfile.objects.none(), label=_("Bot"), widget=UnfoldAdminSelectWidget
    )
    question = forms.CharField(
        label=_("Question"),
        max_length=LONGEST_QUESTION,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    groups = GroupsField(
        label=_("As a visitor in these groups"), required=False,
        help_text=_("Divided by commas, such as staff, partners. Empty: as anybody."),
    )  # fmt: skip
    passage = forms.CharField(
        label=_("Why was this passage not found?"), required=False, max_length=2000,
        widget=UnfoldAdminTextInputWidget, help_text=_("Words of the passage, or the id of a chunk."),
    )  # fmt: skip
    values = forms.CharField(
        label=_("Compare with other values"), required=False, max_length=_LONGEST_VALUES,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("One per line, such as passage_count=8 or refusal_mode=open. They are not saved."),
    )  # fmt: skip
    against = forms.ModelChoiceField(
        BotProfile.objects.none(), label=_("Or with another bot"), required=False, widget=UnfoldAdminSelectWidget
    )  # fmt: skip

    draft = forms.BooleanField(
        label=_("Or with its draft"), required=False, widget=UnfoldBooleanSwitchWidget
    )
    version = forms.IntegerField(
        label=_("Or with one of its versions"), required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("The number, as its history has it."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("bot", "against"):
            self.fields[name].queryset = BotProfile.objects.order_by("name", "id")  # type: ignore[attr-defined]

    def clean_values(self) -> dict[str, str]:
        values = {}
        for line in self.cleaned_data["values"].splitlines():
            name, sign, value = line.partition("=")
            if not line.strip():
                continue
            if not sign:
                raise forms.ValidationError(
                    gettext("“%(what)s” is not field=value.") % {"what": line[:50]}
                )
            values[name.strip()] = value.strip()
        return values

    def clean(self) -> dict[str, Any]:
        named = [name for name in _OTHERS if self.cleaned_data.get(name)]
        if len(named) > 1:
            said = gettext(
                "Compare with one thing: other values, another bot, a draft or a version."
            )
            self.add_error(named[-1], said)
        return self.cleaned_data


def show_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """The form, and below it what the question became."""
    said = {
        name: request.GET.get(name, "")
        for name in ("bot", "question", "passage", "draft", "version")
    }
    form = TrialForm(posted(request), initial=said)
    shown: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        try:
            require_role(request.user, Right.CHAT, "models")
            if any(form.cleaned_data[name] for name in ("values", "draft", "version")):
                require_role(request.user, Right.MANAGE, "bots")
            shown = _tell(_try(form.cleaned_data))
        except ProductError as error:
            form.add_error(None, error.detail)
    context = {
        **site.each_context(request),
        "title": gettext("Try and explain"),
        "form": form,
        **shown,
        "may_try": is_writable(),
    }
    request.current_app = site.name
    response = TemplateResponse(request, "admin/explain.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _try(asked: dict[str, Any]) -> Explanation | Comparison:
    passage = asked["passage"].strip()
    wanted = Wanted(UUID(passage)) if _ID.fullmatch(passage) else Wanted(text=passage)
    bot, trial = (
        asked["bot"],
        Trial(asked["question"], wanted=wanted, audience=Audience.of(asked["groups"])),
    )
    if asked["against"]:
        return wait_for_model(compare, bot, asked["against"], trial)
    if other := _find_other(bot, asked):
        return wait_for_model(compare, bot, other, trial)
    return wait_for_model(explain, bot, trial)


def _find_other(bot: BotProfile, asked: dict[str, Any]) -> BotProfile | None:
    """The bot as it is to be compared with, never to be saved. Raises NotFound, BadInput."""
    if asked["draft"]:
        return draft_of(bot)
    if asked["version"]:
        return as_of_version(bot, asked["version"])
    return with_configuration(bot, asked["values"]) if asked["values"] else None


def _tell(found: Explanation | Comparison) -> dict[str, Any]:
    if isinstance(found, Comparison):
        changes = compare_configurations(snapshot(found.first.bot), snapshot(found.second.bot))
        return {"compared": found, "field_changes": changes, "sides": (found.first, found.second)}
    return {"found": found, "sides": (found,)}
