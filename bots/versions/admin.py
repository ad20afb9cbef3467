"""Admin pages of what bots were set to before: what each version changed, two compared, one brought back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import register
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from bots.models import BotVersion, CameFrom
from bots.versions.keeping import describe_configuration, versions_of
from bots.versions.rolling_back import RollBack, plan_roll_back, roll_back
from bots.versions.telling import FieldChange, compare_configurations, tell_versions
from tenants.admin_site.model_admin import LookOnlyAdmin, may_manage, once_per_row, posted
from tenants.admin_site.sites import tenant_site

_COLOURS = {
    CameFrom.FORM: "info", CameFrom.API: "info", CameFrom.COMMAND: "info", CameFrom.DRAFT: "success",
    CameFrom.ROLL_BACK: "warning", CameFrom.BEFORE: "info",
}  # fmt: skip


class WhyForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), required=False, max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=gettext_lazy("Why. It is kept with the new version."),
    )  # fmt: skip


@register(BotVersion, site=tenant_site)
class BotVersionAdmin(LookOnlyAdmin):
    list_display = (
        "shown_number", "bot_profile", "created_at", "shown_origin", "made_by", "in_words",
    )  # fmt: skip
    list_filter = (("bot_profile", AutocompleteSelectFilter), "came_from")
    list_select_related = ("bot_profile",)
    search_fields = ("bot_profile__name", "made_by", "note")
    date_hierarchy = "created_at"
    nothing_yet = gettext_lazy("Each time a bot is saved, what it is set to is kept here.")
    actions_detail = ("bring_back",)
    change_form_outer_after_template = "admin/bot_version.html"
    fields = (
        ("bot_profile", "number"), ("created_at", "made_by"), ("came_from", "restored_number"), "note",
    )  # fmt: skip

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        told = tell_versions(changelist.result_list)
        for row in changelist.result_list:
            row.told = told[row.pk]
        return changelist

    def facts_beside(self, request: HttpRequest, obj: BotVersion) -> dict[str, Any]:
        others = list(versions_of(obj.bot_profile).exclude(pk=obj.pk))
        wanted = request.GET.get("with", "")
        other = next((each for each in others if str(each.pk) == wanted), None)
        before = next((each for each in others if each.number == obj.number - 1), None)
        compared: list[FieldChange] = []
        if wanted == "live":
            compared = compare_configurations(
                obj.configuration, describe_configuration(obj.bot_profile)
            )
        elif first := other or before:
            older, newer = sorted((first, obj), key=lambda each: each.number)
            compared = compare_configurations(older.configuration, newer.configuration)
        return {
            "field_changes": compared, "others": others, "other": other, "before": before,
            "with_live": wanted == "live", "cannot_come_back": plan_roll_back(obj.bot_profile, obj).lost,
            "publishing_url": reverse("admin:bot_publishing", args=[obj.bot_profile_id]),
        }  # fmt: skip

    def has_edit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "bots")

    @display(description=gettext_lazy("version"), ordering="number")
    def shown_number(self, version: BotVersion) -> int:
        return version.number

    @display(description=gettext_lazy("came from"), ordering="came_from", label=_COLOURS)
    def shown_origin(self, version: BotVersion) -> tuple[str, str]:
        return version.came_from, version.get_came_from_display()

    @display(description=gettext_lazy("what changed"))
    @once_per_row
    def in_words(self, version: BotVersion) -> SafeString:
        return tell_in_lines(getattr(version, "told", ()))

    @action(description=gettext_lazy("Roll back to this"), permissions=["edit"], icon="restore")
    def bring_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version: BotVersion = self.require_object(request, object_id)
        return self.ask(
            request, lambda data: self._bring_back(request, version, data["reason"]), obj=version,
            title=gettext("Set %(bot)s to version %(number)d again?")
            % {"bot": version.bot_profile, "number": version.number},
            intro=_tell_plan(plan_roll_back(version.bot_profile, version)), submit=gettext("Roll back"),
            form=WhyForm(posted(request)),
        )  # fmt: skip

    def _bring_back(self, request: HttpRequest, version: BotVersion, reason: str) -> HttpResponse:
        bot = version.bot_profile
        roll_back(bot, version, reason.strip())
        if bot.held_back is not None:
            text = gettext(
                "The bot has a gate: how it answers stays as it is, and the change is its draft."
            )
            self.message_user(request, text, messages.WARNING)
        else:
            told = gettext("%(bot)s is set to version %(number)d again.")
            facts = {"bot": bot, "number": version.number}
            self.message_user(request, told % facts, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:bot_publishing", args=[bot.pk]))


def tell_in_lines(changes: Sequence[FieldChange]) -> SafeString:
    """What a version changed, a line each."""
    return format_html_join(SafeString("<br>"), "{}", ((each.in_words,) for each in changes))


def _tell_plan(plan: RollBack) -> SafeString:
    told = [each.in_words for each in plan.changes] or [gettext("It is set so already.")]
    lost = [gettext("Cannot come back: %s") % each for each in plan.lost]
    return format_html_join(SafeString("<br>"), "{}", ((each,) for each in [*told, *lost]))
