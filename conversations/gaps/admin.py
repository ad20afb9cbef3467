"""The admin pages of gaps: what was asked, what comes closest, and the form in which a person answers it."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import SimpleListFilter, register
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from bots.admin_fields import LinesField
from conversations.gaps.deciding import answer_gap, dismiss_gap, reopen_gap, suggest_questions
from conversations.gaps.drafting import draft_for
from conversations.gaps.reading import count_questions, list_closest, list_examples, list_gaps
from conversations.models import Gap, GapState
from knowledge.models import CuratedAnswer, CuratedQuestion
from knowledge.models.curated import LONGEST_ANSWER, MOST_VARIANTS
from minirag.lib.bounds import longest
from tenants.admin_site.meanwhile import SeenField, holding
from tenants.admin_site.model_admin import (
    LookOnlyAdmin,
    may_manage,
    once_per_row,
    posted,
)
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user

_MARK = re.compile(r"[ \t]*\[\d+\]")
_STATE_COLOURS = {
    GapState.OPEN: "warning", GapState.ANSWERED: "success", GapState.DISMISSED: "info",
    "again": "danger",
}  # fmt: skip


_REASONS = {
    _("disliked"): _("disliked"), "weak": _("answered weakly"), "unsupported": _("not supported"),
    "low_confidence": _("nothing close"), "no_passages": _("nothing found"),
    "not_in_sources": _("not in the sources"), "not_answered": _("no passage answers it"),
}  # fmt: skip


class AnswerForm(forms.Form):
    """What is approved; it begins with what fits for sure, and with a draft where one was asked for."""

    questions = LinesField(
        label=_("Questions"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("One per line, the main one first. Only what this very answer is right for."),
    )
    answer = forms.CharField(label=_("Answer"),
        max_length=LONGEST_ANSWER, widget=UnfoldAdminTextareaWidget(attrs={"rows": 12}),
        help_text=_("Markdown, given to visitors as it is written."),
    )  # fmt: skip
    decided = SeenField()
    is_golden = forms.BooleanField(
        label=_("Make the main question a golden one"), required=False, initial=True,
        widget=UnfoldBooleanSwitchWidget,
    )  # fmt: skip

    def __init__(self, *args: Any, gap: Gap, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gap = gap
        self.initial["decided"] = self._stands

    @property
    def _stands(self) -> str:
        return f"{self.gap.state} {self.gap.decided_at or ''}".strip()

    def clean(self) -> dict[str, Any]:
        """Refused where somebody else has decided about the gap since the page was shown; once more is a decision."""
        cleaned: dict[str, Any] = super().clean() or {}
        seen = cleaned.get("decided")
        if seen and seen != self._stands:
            raise forms.ValidationError(
                gettext(
                    "%(who)s has decided about this gap (%(state)s) while you had this page open, so nothing is "
                    "saved yet. What you wrote is still here; approve it again to have it beside theirs."
                )
                % {"who": self.gap.decided_by or "–", "state": GapState(self.gap.state).label}
            )
        return cleaned

    def clean_questions(self) -> list[str]:
        questions: list[str] = self.cleaned_data["questions"]
        length = longest(CuratedQuestion, "text")
        if len(questions) > MOST_VARIANTS or any(len(each) > length for each in questions):
            raise forms.ValidationError(
                gettext("At most %(most_variants)s of at most %(length)s characters.")
                % {"most_variants": MOST_VARIANTS, "length": length}
            )
        return questions


class GapStateFilter(SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each.value, gettext(each.label)) for each in GapState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


def name_reason(reason: str) -> str:
    return str(_REASONS.get(reason, "")) or reason.replace("_", " ")


@register(Gap, site=tenant_site)
class GapAdmin(LookOnlyAdmin):
    list_display = (
        "shown_question",
        "shown_state",
        "shown_count",
        "bot_profile",
        "language",
        "last_asked_at",
    )
    list_filter = (GapStateFilter, ("bot_profile", AutocompleteSelectFilter), "language")
    list_select_related = ("bot_profile",)
    search_fields = ("questions__text",)
    nothing_yet = _(
        "What visitors ask and are not answered well is collected here, within minutes."
    )
    date_hierarchy = "last_asked_at"
    actions_detail = ("write_answer", "draft", "dismiss", "reopen")
    fields = (
        "state_now", ("bot_profile", "language"), "shown_count", "shown_weeks", "shown_examples", "shown_closest",
        ("first_asked_at", "last_asked_at"), ("decided_by", "decided_at"), "shown_answer",
    )  # fmt: skip
    readonly_fields = (
        "state_now", "shown_count", "shown_weeks", "shown_examples", "shown_closest", "shown_answer",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Gap]:
        return list_gaps().order_by("-last_asked_at", "-id")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with the questions counted for the rows of this page alone."""
        changelist = super().get_changelist_instance(request)
        changelist.result_list = rows = list(changelist.result_list)
        counted = count_questions(rows)
        for gap in rows:
            gap.counted = counted[gap.pk]
        return changelist

    def is_offered(self, act: str, row: Gap) -> bool:
        is_open = row.state == GapState.OPEN
        return {"dismiss": is_open, "reopen": not is_open}.get(act, True)

    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "gaps")

    @action(description=_("Answer"), permissions=["decide"], icon="edit", url_path="answer")
    def write_answer(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        with holding(request, f"gap {object_id}"):
            return self._ask_for_answer(request, self.require_object(request, object_id))

    @action(
        description=_("Draft an answer"),
        permissions=["decide"],
        icon="auto_awesome",
        url_path="draft",
    )
    def draft(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Ask for a draft by a POST, since it costs; then show the form with it."""
        if "answer" in request.POST:
            return self.write_answer(request, object_id)
        gap = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> HttpResponse:
            made = draft_for(gap)
            told = (
                gettext(
                    "These are the closest sentences of the sources, to start from: they may not answer it."
                )
                if made.is_quoted
                else gettext("Drafted by %(model)s.") % {"model": made.model}
            )
            # What it says stands alone once it is approved: its marks would lead nowhere.
            draft = _MARK.sub("", made.answer)
            return self._ask_for_answer(request, gap, draft=draft, told=told)

        return self.ask(
            request,
            act,
            title=gettext("Draft an answer"),
            obj=gap,
            submit=gettext("Draft"),
            intro=gettext(
                "From the sources of %(bot_profile)s, by its model; that is metered as any call."
            )
            % {"bot_profile": gap.bot_profile},
        )

    @action(
        description=_("Dismiss"),
        permissions=["decide"],
        icon="do_not_disturb_on",
        url_path="dismiss",
    )
    def dismiss(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        gap = self.require_object(request, object_id)
        return self.ask(
            request,
            lambda data: dismiss_gap(gap, by=acting_user(request).email),
            obj=gap,
            title=gettext("Dismiss this gap?"),
            intro=gettext("It stays so, however often it is asked again."),
            submit=gettext("Dismiss"),
        )

    @action(description=_("Open again"), permissions=["decide"], icon="replay", url_path="reopen")
    def reopen(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        gap = self.require_object(request, object_id)
        return self.ask(
            request, lambda data: reopen_gap(gap, by=acting_user(request).email), obj=gap,
            title=gettext("Open this gap again?"), submit=gettext("Open"),
        )  # fmt: skip

    def _ask_for_answer(
        self, request: HttpRequest, gap: Gap, *, draft: str | None = None, told: str = ""
    ) -> HttpResponse:
        initial = {"questions": suggest_questions(gap), "answer": draft or "", "is_golden": True}
        is_new = draft is not None  # the POST that we answer asked for the draft
        form = AnswerForm(None if is_new else posted(request), initial=initial, gap=gap)
        after = gettext(
            "%(bot_profile)s gives what you approve as it is written, before anything is searched."
        ) % {"bot_profile": gap.bot_profile}
        intro = f"{told} {after}".strip()

        def act(data: dict[str, Any]) -> HttpResponse:
            user = acting_user(request)
            fields = {"answer": data["answer"], "owner_id": user.pk}
            answer_gap(
                gap, fields, questions=data["questions"], by=user.email, is_golden=data["is_golden"]
            )
            self.message_user(request, gettext("Answered."), messages.SUCCESS)
            return HttpResponseRedirect(self.change_url(gap))

        return self.ask(
            request,
            act,
            title=gettext("Answer for good"),
            intro=intro,
            submit=gettext("Approve"),
            obj=gap,
            form=form,
        )

    @display(description=_("question"))
    def shown_question(self, gap: Gap) -> str:
        return gap.question[:90]

    @display(description=_("state"), label=_STATE_COLOURS)
    def shown_state(self, gap: Gap) -> tuple[str, str]:
        if gap.reopened_at and gap.state == GapState.OPEN:
            return "again", gettext("Asked again %(reopened_at)s") % {
                "reopened_at": f"{gap.reopened_at:%Y-%m-%d}"
            }
        return gap.state, GapState(gap.state).label

    @display(description=_("state"))
    def state_now(self, gap: Gap) -> str:
        return self.shown_state(gap)[1]

    @display(description=_("asked"))
    @once_per_row
    def shown_count(self, gap: Any) -> str:
        counted = getattr(gap, "counted", None) or count_questions([gap])[gap.pk]
        reasons = ", ".join(
            f"{count} {name_reason(reason)}" for reason, count in counted["reasons"].items()
        )
        return f"{counted['question_count']} ({reasons})"

    @display(description=_("by week"))
    @once_per_row
    def shown_weeks(self, gap: Gap) -> SafeString:
        weeks = count_questions([gap])[gap.pk]["weeks"]
        rows = ((f"{each['week']:%Y-%m-%d}", each["count"]) for each in weeks)
        return format_html_join(" · ", "{}: {}", rows)

    @display(description=_("in visitors' words"))
    @once_per_row
    def shown_examples(self, gap: Gap) -> SafeString:
        rows = (
            (
                reverse("admin:conversations_chat_change", args=(each.message.chat_id,)),
                Truncator(each.message.content).chars(300), name_reason(each.reason),
            )
            for each in list_examples(gap)
        )  # fmt: skip
        return format_html_join(
            "", '<p class="mr-said"><a href="{}" class="underline">{}</a> ({})</p>', rows
        )

    @display(description=_("comes closest"))
    @once_per_row
    def shown_closest(self, gap: Gap) -> SafeString | str:
        rows = (
            (
                reverse("admin:knowledge_source_change", args=(each.source_id,)), each.title,
                Truncator(each.content).chars(300),
            )
            for each in list_closest(gap, list_examples(gap))
        )  # fmt: skip
        return (
            format_html_join(
                "", '<p class="mr-said"><a href="{}" class="underline">{}</a>: {}</p>', rows
            )
            or "–"
        )

    @display(description=_("curated answer"))
    @once_per_row
    def shown_answer(self, gap: Gap) -> SafeString | str:
        wanted = CuratedAnswer.objects.filter(pk__in=[gap.curated_answer_id])
        found = wanted.first() if gap.curated_answer_id else None
        if found is None:
            return "–"
        url = reverse("admin:knowledge_curatedanswer_change", args=(found.pk,))
        return format_html('<a href="{}" class="underline">{}</a>', url, str(found)[:90])
