"""Admin pages of gates and of the drafts that wait behind them."""

from __future__ import annotations

import copy
from typing import Any

from django import forms
from django.contrib.admin import register
from django.core.validators import EMPTY_VALUES
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from bots.drafts.changing import discard_draft
from bots.models import BotDraft, BotProfile, QualityGate
from conversations.gates.passing import explain, judge_draft, order_draft_run, publish
from conversations.tasks import queue_run
from conversations.trying import admin as trying_admin
from tenants.admin_site.meanwhile import GuardedModelForm
from tenants.admin_site.model_admin import (
    LookOnlyAdmin,
    ProductAdmin,
    may_manage,
    once_per_row,
    posted,
)
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user


class ReasonForm(forms.Form):
    reason = forms.CharField(
        required=False,
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_(
            "Only where the gate is not passed: why it is published all the same. It is kept in the audit log."
        ),
    )


class GateForm(GuardedModelForm):
    class Meta:
        model = QualityGate
        fields = "__all__"  # the page's own list chooses
        labels = {"least_declined_right": _("Answered or declined as it should be, at least")}
        help_texts = dict.fromkeys(
            ("least_right", "least_declined_right", "least_citation_valid", "least_support"),
            _("A share, such as 0.9 for 90 %. Empty: no matter."),
        )


@register(QualityGate, site=tenant_site)
class QualityGateAdmin(ProductAdmin):
    form = GateForm
    nothing_yet = _(
        "With a gate a bot goes on answering as it does until a change has passed its golden questions."
    )
    fixed_once_saved = ("bot_profile",)
    list_display = (
        "bot_profile", "least_right", "least_declined_right", "least_citation_valid", "least_support", "forbids_worse",
    )  # fmt: skip
    autocomplete_fields = ("bot_profile",)
    list_select_related = ("bot_profile",)
    search_fields = ("bot_profile__name",)
    fields = (
        "bot_profile", ("least_right", "least_declined_right"), ("least_citation_valid", "least_support"),
        "forbids_worse",
    )  # fmt: skip


def list_changes(draft: BotDraft) -> list[tuple[str, str, str]]:
    """What a draft changes, in the words of the bot's form: the field, what it is, and what it is to be."""
    published = draft.bot_profile
    wanted = copy.copy(published)
    columns = [each for each in BotProfile._meta.concrete_fields if each.attname in draft.changes]
    for column in columns:
        setattr(wanted, column.attname, draft.changes[column.attname])
    names = [(capfirst(str(column.verbose_name)), column.name) for column in columns]
    return [(told, _show_value(published, name), _show_value(wanted, name)) for told, name in names]


def _show_value(bot: BotProfile, name: str) -> str:
    named = getattr(bot, f"get_{name}_display", None)
    value = named() if named else getattr(bot, name)
    return "–" if value in EMPTY_VALUES else Truncator(value).chars(200)


@register(BotDraft, site=tenant_site)
class BotDraftAdmin(LookOnlyAdmin):
    nothing_yet = _(
        "Where a bot has a gate, a change of how it answers waits here until it is published."
    )
    list_display = ("bot_profile", "shown_fields", "made_by", "updated_at")
    list_select_related = ("bot_profile",)
    search_fields = ("bot_profile__name",)
    actions_detail = ("measure", "publish", "discard")
    fields = (
        "bot_profile",
        "shown_changes",
        "shown_standing",
        "made_by",
        ("created_at", "updated_at"),
    )
    readonly_fields = ("shown_changes", "shown_standing")

    def get_urls(self) -> list[Any]:
        return [*trying_admin.list_urls(self.admin_site), *super().get_urls()]

    def has_manage_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "bots")

    @display(description=_("changes"))
    def shown_fields(self, draft: BotDraft) -> str:
        return ", ".join(name for name, _, _ in list_changes(draft))[:90]

    @display(description=_("changes"))
    @once_per_row
    def shown_changes(self, draft: BotDraft) -> SafeString:
        return format_html_join("", "<p>{}: {} → <strong>{}</strong></p>", list_changes(draft))

    @display(description=_("gate"))
    @once_per_row
    def shown_standing(self, draft: BotDraft) -> str:
        return explain(judge_draft(draft.bot_profile)) or gettext("Passed: it can be published.")

    @action(description=_("Measure"), icon="play_arrow", url_path="measure", permissions=["manage"])
    def measure(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        draft = self.require_object(request, object_id)
        return self.ask(
            request,
            lambda data: self._measure(request, draft),
            title=gettext("Measure the %(draft)s?") % {"draft": draft},
            intro=gettext(
                "All active golden questions are asked by the draft's configuration. Each counts as a question."
            ),
            submit=gettext("Start"),
            obj=draft,
        )

    def _measure(self, request: HttpRequest, draft: BotDraft) -> HttpResponse:
        run = order_draft_run(draft.bot_profile, made_by=acting_user(request).email)
        queue_run(run)
        return HttpResponseRedirect(
            reverse("admin:conversations_evaluationrun_change", args=[run.pk])
        )

    @action(description=_("Publish"), icon="publish", url_path="publish", permissions=["manage"])
    def publish(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        draft = self.require_object(request, object_id)
        return self.ask(
            request,
            lambda data: self._publish(draft, data),
            title=gettext("Publish the %(draft)s?") % {"draft": draft},
            intro=self.shown_standing(draft),
            submit=gettext("Publish"),
            form=ReasonForm(posted(request)),
            obj=draft,
        )

    def _publish(self, draft: BotDraft, data: dict[str, Any]) -> HttpResponse:
        publish(draft.bot_profile, data["reason"])
        return HttpResponseRedirect(
            reverse("admin:bots_botprofile_change", args=[draft.bot_profile_id])
        )

    @action(description=_("Discard"), icon="delete", url_path="discard", permissions=["manage"])
    def discard(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        draft = self.require_object(request, object_id)
        return self.ask(
            request,
            lambda data: self._discard(draft),
            title=gettext("Discard the %(draft)s?") % {"draft": draft},
            intro=gettext("The bot stays as it is."),
            submit=gettext("Discard"),
            danger=True,
            obj=draft,
        )

    def _discard(self, draft: BotDraft) -> HttpResponse:
        discard_draft(draft.bot_profile)
        return HttpResponseRedirect(self.list_url())
