"""What a bot lacks, on its page and in the list of bots, with the way to mend it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from bots.models import BotProfile
from bots.readiness.judging import Finding, Judged, Readiness, judge_bot, judge_bots
from tenants.admin_site.model_admin import ProductAdmin, is_writable
from tenants.calls.permissions import acting_user
from tenants.models import May

_COLOURS = {Readiness.READY: "success", Readiness.LIMITED: "warning", Readiness.BLOCKED: "danger"}


class ReadinessShown(ProductAdmin):
    """Judges the bots of one page of the list together."""

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        judged = judge_bots(changelist.result_list)
        for bot in changelist.result_list:
            bot.judged = judged[bot.pk]
        return changelist

    @display(description=_("ready"), label=_COLOURS)
    def shown_readiness(self, bot: BotProfile) -> tuple[str, str]:
        state = _judged(bot).state
        return state, str(state.label)

    def facts_beside(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        judged = _judged(obj)
        lacking = [{"finding": each, **_find_remedy(obj, each)} for each in judged.findings]
        return {
            **super().facts_beside(request, obj), "readiness": judged, "lacking": lacking,
            "script_prefix": get_script_prefix(),
            "hosted_page": request.build_absolute_uri(f"{get_script_prefix()}chat/{obj.pk}/"),
            "widget_script": request.build_absolute_uri(static("minirag/widget.js")),
            "widget_api": _api_of(request), "may_ask": acting_user(request).may(May.ASK) and is_writable(),
        }  # fmt: skip


def _api_of(request: HttpRequest) -> str:
    """Where the widget talks to; "" where that is where its script comes from."""
    prefix = get_script_prefix().rstrip("/")
    return request.build_absolute_uri(prefix) if prefix else ""


def _judged(bot: BotProfile) -> Judged:
    judged: Judged = getattr(bot, "judged", None) or judge_bot(bot)
    return judged


def _find_remedy(bot: BotProfile, finding: Finding) -> dict[str, str]:
    """The page where it is mended, "" for a field of the bot's own page."""
    sources = f"{reverse('admin:knowledge_source_changelist')}?bot_profile__id__exact={bot.pk}"
    pages = {
        "no_key": (reverse("admin:bots_providercredential_changelist"), gettext("Provider keys")),
        "key_fails": (reverse("admin:bots_providercredential_changelist"), gettext("Provider keys")),
        "key_fails_beside": (reverse("admin:bots_providercredential_changelist"), gettext("Provider keys")),
        "no_key_beside": (reverse("admin:bots_providercredential_changelist"), gettext("Provider keys")),
        "no_sources": (f"{reverse('admin:knowledge_source_add')}?bot_profile={bot.pk}", gettext("Add a source")),
        "sources_failed": (f"{sources}&status__exact=error", gettext("See why")),
        "some_sources_failed": (f"{sources}&status__exact=error", gettext("See why")),
        "sources_waiting": (sources, gettext("Look at them")),
        "draft_waits": (reverse("admin:bot_publishing", args=[bot.pk]), gettext("Look at the draft")),
    }  # fmt: skip
    url, label = pages.get(finding.code, ("", ""))
    return {"url": url, "label": label}
