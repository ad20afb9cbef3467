"""Admin pages of gates and of the drafts that wait behind them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib.admin import register
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from bots.configurations import fingerprint, snapshot
from bots.drafts.changing import discard_draft
from bots.models import BotDraft, BotProfile, QualityGate
from bots.versions.keeping import versions_of
from bots.versions.telling import FieldChange, compare_configurations, tell_versions
from conversations.evaluating.admin import list_figures, name_figure, show_figure
from conversations.gates.passing import (
    Passing,
    check_live,
    explain,
    judge_draft,
    list_measures,
    list_runs,
    name_changed,
    order_draft_run,
    publish,
)
from conversations.models import EvaluationRun, GoldenQuestion
from conversations.tasks import queue_run
from conversations.trying import admin as trying_admin
from tenants.admin_site.meanwhile import GuardedModelForm
from tenants.admin_site.model_admin import (
    LookOnlyAdmin,
    ProductAdmin,
    may_manage,
    posted,
)
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user
from tenants.people.roles import NOUNS

_SHOWN_VERSIONS: Final = 10
_SHOWN_RUNS: Final = 6


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
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


def list_changes(draft: BotDraft) -> list[FieldChange]:
    """What a draft changes, in the words of the bot's form."""
    published = snapshot(draft.bot_profile)
    return compare_configurations(published, {**published, **draft.changes})


@register(BotDraft, site=tenant_site)
class BotDraftAdmin(LookOnlyAdmin):
    nothing_yet = _(
        "Where a bot has a gate, a change of how it answers waits here until it is published."
    )
    list_display = ("bot_profile", "shown_fields", "made_by", "updated_at")
    list_select_related = ("bot_profile",)
    search_fields = ("bot_profile__name",)
    actions_detail = ("measure", "publish", "discard")

    def get_urls(self) -> list[Any]:
        page = path(
            "of/<uuid:bot_id>/", self.admin_site.admin_view(self.show_bot), name="bot_publishing"
        )
        return [*trying_admin.list_urls(self.admin_site), page, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """A draft is looked at beside what is live, on its bot's page."""
        if request.method == "POST":
            raise PermissionDenied
        draft: BotDraft = self.require_object(request, object_id)
        return self.show_bot(request, draft.bot_profile_id)

    def show_bot(self, request: HttpRequest, bot_id: UUID) -> HttpResponse:
        """What of a bot is live, what waits, what its gate said, and what was before."""
        bot = BotProfile.objects.filter(pk=bot_id).first()
        if bot is None:
            raise Http404
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "bot": bot,
            "title": gettext("%(bot)s: publishing and history") % {"bot": bot},
            "has_change_permission": False,  # nothing is saved here
            "may_change": self.has_manage_permission(request), **describe_publishing(bot),
            "sees_runs": acting_user(request).may(NOUNS["evaluation runs"].read),
        }  # fmt: skip
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/publishing.html", context)

    def has_manage_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "bots")

    @display(description=_("changes"))
    def shown_fields(self, draft: BotDraft) -> str:
        return ", ".join(each.label for each in list_changes(draft))[:90]

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
            intro=_tell_standing(judge_draft(draft.bot_profile)),
            submit=gettext("Publish"),
            form=ReasonForm(posted(request)),
            obj=draft,
        )

    def _publish(self, draft: BotDraft, data: dict[str, Any]) -> HttpResponse:
        publish(draft.bot_profile, data["reason"])
        return HttpResponseRedirect(publishing_url(draft.bot_profile_id))

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
        return HttpResponseRedirect(publishing_url(draft.bot_profile_id))


def publishing_url(bot_id: UUID) -> str:
    return reverse("admin:bot_publishing", args=[bot_id])


def _tell_standing(passing: Passing) -> str:
    return explain(passing) or gettext("Passed: it can be published.")


def describe_publishing(bot: BotProfile) -> dict[str, Any]:
    """What the page shows of a bot: live, draft, gate, golden runs, versions."""
    gate = QualityGate.objects.filter(bot_profile_id=bot.pk).first()
    draft = BotDraft.objects.filter(bot_profile_id=bot.pk).select_related("bot_profile").first()
    versions = list(versions_of(bot)[:_SHOWN_VERSIONS])
    told = tell_versions(versions)
    live_hash = fingerprint(snapshot(bot))
    runs = list_runs(bot, _SHOWN_RUNS)
    return {
        "gate": gate, "draft": draft, **(_describe_draft(draft, gate, runs) if draft else {}),
        "golden_count": GoldenQuestion.objects.active().filter(bot_profile_id=bot.pk).count(),
        "runs": [
            {"run": run, "figures": list_figures(run.figures)[:4], "is_live": run.configuration_hash == live_hash}
            for run in runs
        ],
        "versions": [
            {"version": each, "changes": told[each.pk], "is_live": each is versions[0]} for each in versions
        ],
        "live": versions[0] if versions else None, **(_describe_check(bot) if gate else {}),
    }  # fmt: skip


def _describe_check(bot: BotProfile) -> dict[str, Any]:
    """Whether what is live is still what was measured: knowledge, scopes and the like count at once."""
    check = check_live(bot)
    return {"checked": check.run, "changed_since": name_changed(check)}


def _describe_draft(
    draft: BotDraft, gate: QualityGate | None, runs: list[EvaluationRun]
) -> dict[str, Any]:
    passing = judge_draft(draft.bot_profile)
    return {
        "field_changes": list_changes(draft), "passing": passing, "standing": _tell_standing(passing),
        "may_publish": gate is None or passing.is_passed,
        "measuring": next((run for run in runs if run.is_draft and not run.is_over), None),
        "measures": [
            {
                "name": gettext("Questions that got worse") if each.figure == "worse" else name_figure(each.figure),
                "wanted": _show_measure(each.figure, each.wanted), "got": _show_measure(each.figure, each.got),
                "is_reached": each.is_reached,
            }
            for each in list_measures(gate, passing)
        ],
        "worse": [each for failure in passing.failures for each in failure.questions],
    }  # fmt: skip


def _show_measure(figure: str, value: float | None) -> str:
    return str(int(value or 0)) if figure == "worse" else show_figure(figure, value)
