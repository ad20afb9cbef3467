"""The admin page of evaluation runs: ordered, followed, plotted over time, and compared side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import register
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from bots.models import BotProfile
from conversations.evaluating.comparing import COMPARED, compare_runs
from conversations.evaluating.running import delete_run, order_run, retry_run, stop_run
from conversations.models import EvaluationRun, GoldenQuestion
from conversations.tasks import queue_run
from minirag.lib.errors import ProductError
from minirag.lib.telling.shown import show_number
from tenants.admin_site.model_admin import LookOnlyAdmin, may_manage, posted
from tenants.admin_site.rows import told
from tenants.admin_site.searching import search_field
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user

_COLOURS = {
    "pending": "info", "running": "info", "succeeded": "success", "failed": "danger", "cancelled": "warning",
}  # fmt: skip
_NAMES = {
    "right": _("Right"),
    "declined_right": _("Answered or declined as it should be"),
    "facts": _("Facts that appear"),
    "cites_expected": _("Cites an expected source"),
    "ndcg": _("Order of what was found (nDCG)"),
    "recall": _("Expected sources found"),
    "reciprocal_rank": _("First expected source (reciprocal rank)"),
    "citation_valid": _("Citations valid"),
    "support": _("Cited sentences supported"),
    "judged_right": _("Right, says the judge"),
    "duration_ms_p50": _("Time, median"),
    "duration_ms_p95": _("Time, 95 of 100 within"),
    "cost_usd": _("Cost"),
}
_SHOWN_RESULTS = 500
_PLOTTED = 30


class NewRunForm(forms.Form):
    bot_profile = forms.ModelChoiceField(BotProfile.objects.none(), label=_("Bot"))
    tag = forms.CharField(label=_("Tag"),
        max_length=50, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("Only golden questions with this tag. Empty: all that are active."),
    )  # fmt: skip
    judge_model = forms.CharField(
        label=_("Judge"), max_length=100, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("A chat model that judges each answer besides, by the bot's key. Empty: nobody does."),
    )  # fmt: skip


@register(EvaluationRun, site=tenant_site)
class EvaluationRunAdmin(LookOnlyAdmin):
    list_display = (
        "created_at", "bot_profile", "shown_status", "shown_progress", "shown_right", "shown_declined", "is_draft",
        "tag",
    )  # fmt: skip
    list_filter = ("status", "is_draft", ("bot_profile", AutocompleteSelectFilter))
    list_select_related = ("bot_profile",)
    search_fields = ("made_by", "tag")
    date_hierarchy = "created_at"
    actions = ("compare_two",)
    actions_list = ("order_new",)
    actions_detail = ("cancel", "retry", "remove")
    list_before_template = "admin/evaluation_summary.html"
    change_form_after_template = "admin/evaluation_results.html"
    nothing_yet = _(
        "A run asks a bot its golden questions and says how many it answers right. “New run” starts one."
    )
    fieldsets = (
        (None, {"fields": (
            ("bot_profile", "status"), "told_error", ("shown_progress", "is_draft"), ("tag", "judge_model"),
            ("made_by", "created_at"), ("started_at", "finished_at"),
        )}),
        (_("Configuration"), {"classes": ("collapse",), "fields": ("configuration", "surroundings")}),
    )  # fmt: skip
    readonly_fields = ("shown_progress", "told_error")
    told_error = told("error_message", _("error message"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        facts = self._plot(request)
        return super().changelist_view(request, {**(extra_context or {}), **facts})

    def _plot(self, request: HttpRequest) -> dict[str, Any]:
        """The last runs of one bot: of the one the list is filtered by, else of the one that was measured last."""
        runs = EvaluationRun.objects.succeeded().filter(tag="").select_related("bot_profile")
        last = next((run for run in runs[:1]), None)
        bot_id = _named_bot(request) or (last.bot_profile_id if last else None)
        rows = list(runs.filter(bot_profile_id=bot_id)[:_PLOTTED])
        name = str(rows[0].bot_profile) if rows else ""
        return {"trend": [self._point(run) for run in reversed(rows)], "trend_bot": name}

    def _point(self, run: EvaluationRun) -> dict[str, Any]:
        figures: Mapping[str, Any] = run.figures
        shares = ("right", "declined_right", "citation_valid", "support", "ndcg")
        return {
            **{name: show_figure(name, figures.get(name)) for name in shares},
            "time": show_figure("duration_ms_p50", figures.get("duration_ms_p50")),
            "cost": show_figure("cost_usd", figures.get("cost_usd")),
            "percent": round(100 * (figures.get("right") or 0.0), 1),
            "moment": run.created_at,
            "url": self.change_url(run),
        }

    def facts_beside(self, request: HttpRequest, obj: EvaluationRun) -> dict[str, Any]:
        results = list(obj.results.order_by("is_right", "created_at", "id")[:_SHOWN_RESULTS])
        return {
            "figures": list_figures(obj.figures), "results": results,
            "more": max(0, obj.questions_done - _SHOWN_RESULTS),
        }  # fmt: skip

    def has_manage_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "evaluation runs")

    def is_offered(self, act: str, row: EvaluationRun) -> bool:
        states = {"cancel": not row.is_over, "retry": row.can_go_on}
        return states.get(act, True)

    @display(description=_("status"), ordering="status", label=_COLOURS)
    def shown_status(self, run: EvaluationRun) -> tuple[str, str]:
        return run.status, run.get_status_display()

    @display(description=_("questions"))
    def shown_progress(self, run: EvaluationRun) -> str:
        return f"{run.questions_done} of {run.questions_total}"

    @display(description=_("right"))
    def shown_right(self, run: EvaluationRun) -> str:
        return show_figure("right", run.figures.get("right"))

    @display(description=_("declined right"))
    def shown_declined(self, run: EvaluationRun) -> str:
        return show_figure("declined_right", run.figures.get("declined_right"))

    @action(description=_("New run"), icon="play_arrow", url_path="order", permissions=["manage"])
    def order_new(self, request: HttpRequest) -> HttpResponse:
        form = NewRunForm(
            posted(request),
            initial={"bot_profile": _named_bot(request) or BotProfile.objects.lone()},
        )
        form.fields["bot_profile"] = search_field(
            GoldenQuestion,
            "bot_profile",
            self.admin_site,
            BotProfile.objects.all(),
            label=gettext("Bot"),
        )
        return self.ask(
            request, lambda data: self._order(request, data), title=gettext("Measure a bot"),
            intro=gettext("Each question counts against quotas as a visitor's, and what models cost is metered."),
            submit=gettext("Start"), form=form,
        )  # fmt: skip

    def _order(self, request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
        email = acting_user(request).email
        run = order_run(
            data["bot_profile"], made_by=email, tag=data["tag"], judge_model=data["judge_model"]
        )
        queue_run(run)
        return HttpResponseRedirect(self.change_url(run))

    @action(description=_("Cancel"), icon="stop", url_path="cancel", permissions=["manage"])
    def cancel(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        run = self.require_object(request, object_id)
        return self.ask(
            request, lambda data: self._cancel(run), title=gettext("Cancel this run?"),
            intro=gettext("What was measured stays."), submit=gettext("Cancel it"), obj=run,
        )  # fmt: skip

    def _cancel(self, run: EvaluationRun) -> None:
        stop_run(run.pk)

    @action(description=_("Go on"), icon="refresh", url_path="retry", permissions=["manage"])
    def retry(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        run = self.require_object(request, object_id)
        return self.ask(
            request, lambda data: queue_run(retry_run(run.pk)), title=gettext("Go on with this run?"),
            intro=gettext("It asks what it has not asked yet."), submit=gettext("Go on"), obj=run,
        )  # fmt: skip

    @action(description=_("Delete"), icon="delete", url_path="remove", permissions=["manage"])
    def remove(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        run = self.require_object(request, object_id)
        return self.ask(
            request, lambda data: self._remove(run), title=gettext("Delete this run?"), danger=True,
            intro=gettext("With its results. One that is running stops."), submit=gettext("Delete"), obj=run,
        )  # fmt: skip

    def _remove(self, run: EvaluationRun) -> HttpResponse:
        delete_run(run.pk)
        return HttpResponseRedirect(self.list_url())

    @action(description=_("Compare the two chosen"))
    def compare_two(
        self, request: HttpRequest, chosen: QuerySet[EvaluationRun]
    ) -> HttpResponse | None:
        runs = list(chosen.order_by("created_at", "id")[:3])
        if len(runs) != 2:
            self.message_user(request, gettext("Choose two runs."), messages.WARNING)
            return None
        try:
            found = compare_runs(*runs)
        except ProductError as error:
            self.message_user(request, error.detail, messages.WARNING)
            return None
        figures = [
            {
                **row, "name": name_figure(row["name"]),
                **{part: show_figure(row["name"], row[part]) for part in ("before", "after")},
                "difference": show_difference(row["name"], row["difference"]),
            }
            for row in found.figures
        ]  # fmt: skip
        context = {
            **self.admin_site.each_context(request), "opts": self.opts,
            "title": f"{runs[0]} and {runs[1]}, {runs[0].bot_profile}",
            "found": {"figures": figures, "asked_in_both": found.asked_in_both, "asked_in_one": found.asked_in_one},
            "differences": list((found.configuration | found.surroundings).items()),
            "lists": [(gettext("Worse now"), found.worse), (gettext("Better now"), found.better)],
        }  # fmt: skip
        return TemplateResponse(request, "admin/evaluation_comparison.html", context)


def show_figure(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name == "cost_usd":
        return f"${show_number(value, 4)}"
    if name.startswith("duration"):
        return f"{show_number(value)} ms"
    return f"{show_number(100 * value, 1)} %" if isinstance(value, float) else show_number(value)


def show_difference(name: str, value: Any) -> str:
    return f"+{show_figure(name, value)}" if value and value > 0 else show_figure(name, value)


def _named_bot(request: HttpRequest) -> UUID | None:
    """The bot that the address names, as the list's filter does."""
    try:
        return UUID(request.GET.get("bot_profile__id__exact", ""))
    except ValueError:
        return None


def name_figure(name: str) -> str:
    return str(_NAMES.get(name, "")) or name.replace("_", " ").capitalize()


def list_figures(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name_figure(name), show_figure(name, figures[name]))
        for name in COMPARED
        if figures.get(name) is not None
    ]
