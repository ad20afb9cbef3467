"""What is wrong in a tenant, the worst first, each with its remedy one click away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from django.db.models import CharField, Count, F, Max, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy, ngettext, ngettext_lazy

from bots.models import BotProfile, Outcome, ProviderCredential, Quota
from bots.providers.trying import PASSING, KeyOutcome
from bots.quotas.counting import find_standings
from bots.readiness.judging import Level, judge_bots
from conversations.models import Gap, GapState, Message, MessageRole
from conversations.turns.troubles import LASTING, Refusal, list_refusals
from knowledge.models import (
    CONFLICTS,
    Correction,
    DocumentEdit,
    SiteSync,
    Source,
    SourceStatus,
    SyncState,
)
from minirag.lib.telling.kept_sentences import retell
from minirag.lib.telling.shown import show_number
from tenants.context import require_tenant
from tenants.models import Domain
from webhooks.models import Webhook

_MOST_OF_A_KIND: Final = 3
_LONG_WAIT: Final = timedelta(minutes=15)
_RANK: Final = {Level.STOPS: 0, Level.LIMITS: 1, Level.NOTES: 2}


@dataclass(frozen=True)
class Problem:
    level: Level
    text: str
    url: str
    label: str
    page: str  # the admin's list that it leads to: `knowledge_source`


def list_of(name: str, query: str = "") -> str:
    return reverse(f"admin:{name}_changelist") + (f"?{query}" if query else "")


def count_sources() -> dict[str, Any]:
    """The sources by state, those that wait long, how many there are, and the `reason` of one that failed."""
    live = Source.objects.filter(deleted_at__isnull=True)
    waits = Q(status=SourceStatus.PENDING, queued_at__lt=timezone.now() - _LONG_WAIT)
    return live.aggregate(
        ready=Count("id", filter=Q(status=SourceStatus.READY)),
        failed=Count("id", filter=Q(status=SourceStatus.ERROR)),
        working=Count("id", filter=Q(status__in=[SourceStatus.PENDING, SourceStatus.PROCESSING])),
        late=Count("id", filter=waits),
        reason=Max("error_message", filter=Q(status=SourceStatus.ERROR)),
        all=Count("id"),
    )


def count_things() -> dict[str, int]:
    """Everything else that is counted, by name, in one query; what there is none of is not there."""
    day = timezone.now() - timedelta(days=1)
    failed = Message.objects.filter(
        role=MessageRole.USER, outcome=Outcome.FAILED, error_code__startswith="provider_", created_at__gte=day
    )  # fmt: skip
    doubtful = ["", KeyOutcome.WORKS, *PASSING]
    first, *others = (
        _named("webhooks", Webhook.objects.filter(paused_at__isnull=False)),
        _named("gaps", Gap.objects.filter(state=GapState.OPEN)),
        _named("keys", ProviderCredential.objects.exclude(test_outcome__in=doubtful)),
        _named("syncs", SiteSync.objects.filter(state=SyncState.WAITING, source__deleted_at__isnull=True)),
        _named("edits", DocumentEdit.objects.in_conflict().filter(document__source__deleted_at__isnull=True)),
        _named("corrections", Correction.objects.filter(state__in=CONFLICTS, source__deleted_at__isnull=True)),
        _named("hosts", Domain.objects.proven().filter(tenant=require_tenant().pk, proof_missed_at__isnull=False)),
        _counted(failed.annotate(what=Concat(Value("failed:"), F("error_code"), output_field=CharField()))),
    )  # fmt: skip
    return {row["what"]: row["number"] for row in first.union(*others, all=True)}


def _named(name: str, rows: QuerySet[Any]) -> QuerySet[Any, Any]:
    return _counted(rows.annotate(what=Value(name, output_field=CharField())))


def _counted(rows: QuerySet[Any]) -> QuerySet[Any, Any]:
    return rows.order_by().values("what").annotate(number=Count("pk"))


def list_problems(
    bots: Sequence[BotProfile],
    sources: Mapping[str, Any],
    things: Mapping[str, int],
    sees: Callable[[str], bool],
) -> list[Problem]:
    """What is wrong, the worst first; a page that the reader may not see (`sees`) is not led to."""
    found = [
        *_judge_providers(things), *_judge_bots(bots), *_judge_sources(sources), *_judge_quotas(),
        *_judge_things(things),
    ]  # fmt: skip
    shown = (each if sees(each.page) else replace(each, url="") for each in found)
    return sorted(shown, key=lambda each: _RANK[each.level])


def _judge_providers(things: Mapping[str, int]) -> list[Problem]:
    failed = {
        name.partition(":")[2]: count
        for name, count in things.items()
        if name.startswith("failed:")
    }
    found = []
    lasting = sorted(set(failed) & LASTING)
    if lasting:
        number = sum(failed[code] for code in lasting)
        said = ngettext(
            "%(count)s question failed in 24 hours with %(codes)s: look at the account and its key.",
            "%(count)s questions failed in 24 hours with %(codes)s: look at the account and its key.",
            number,
        ) % {"count": show_number(number), "codes": ", ".join(lasting)}
        refusals = list_refusals()
        found.append(
            Problem(
                Level.STOPS if refusals else Level.LIMITS,
                f"{said} {_tell_last(refusals)}",
                list_of("bots_providercredential"),
                gettext("Provider keys"),
                "bots_providercredential",
            )
        )
    passing = sum(count for code, count in failed.items() if code not in LASTING)
    if passing:
        said = ngettext(
            "%(count)s question failed at the model provider in 24 hours. It may pass by itself.",
            "%(count)s questions failed at the model provider in 24 hours. It may pass by itself.",
            passing,
        ) % {"count": show_number(passing)}
        url = list_of("conversations_chat")
        found.append(Problem(Level.LIMITS, said, url, gettext("Chats"), "conversations_chat"))
    return found


def _tell_last(refusals: Sequence[Refusal]) -> str:
    """Whether it still is so, as far as the last call shows, and with whose key."""
    if not refusals:
        return gettext("It has answered since.")
    last = refusals[0]
    told = (
        gettext("%(bot)s, by %(model)s with the platform's key, failed last at %(time)s.")
        if last.is_platforms
        else gettext("%(bot)s, by %(model)s with your key, failed last at %(time)s.")
    )
    shown = date_format(timezone.localtime(last.last_at), "DATETIME_FORMAT")
    return told % {"bot": last.bot, "model": last.bot.model, "time": shown}


def _judge_bots(bots: Sequence[BotProfile]) -> list[Problem]:
    """What stops an active bot, or leaves it nothing to answer from."""
    judged = judge_bots(bots, with_drafts=False)
    found = []
    for bot in bots:
        worst = [
            each for each in judged[bot.pk].findings if each.level != Level.NOTES and bot.is_active
        ]
        if worst:
            url = reverse("admin:bots_botprofile_change", args=[bot.pk])
            found.append(
                Problem(
                    worst[0].level,
                    f"{bot}: {worst[0].detail}",
                    url,
                    gettext("Open the bot"),
                    "bots_botprofile",
                )
            )
    rest = len(found) - _MOST_OF_A_KIND
    found = found[:_MOST_OF_A_KIND]
    if rest > 0:
        said = ngettext(
            "%(count)s more bot cannot answer as it should.",
            "%(count)s more bots cannot answer as they should.",
            rest,
        ) % {"count": show_number(rest)}
        found.append(
            Problem(
                Level.LIMITS,
                said,
                list_of("bots_botprofile"),
                gettext("See which"),
                "bots_botprofile",
            )
        )
    return found


def _judge_sources(sources: Mapping[str, Any]) -> list[Problem]:
    found = []
    if failed := sources["failed"]:
        url = list_of("knowledge_source", "status__exact=error")
        told = retell(sources["reason"])[:120]
        reason = told if failed == 1 else gettext("One of them: %(told)s") % {"told": told}
        said = ngettext(
            "%(count)s source failed to be read.", "%(count)s sources failed to be read.", failed
        ) % {"count": show_number(failed)}
        said = f"{said} {reason}"
        found.append(Problem(Level.LIMITS, said, url, gettext("See why"), "knowledge_source"))
    if late := sources["late"]:
        said = ngettext(
            "%(count)s source waited longer than 15 minutes for a worker.",
            "%(count)s sources waited longer than 15 minutes for a worker.",
            late,
        ) % {"count": show_number(late)}
        url = list_of("knowledge_source", "status__exact=pending")
        found.append(Problem(Level.LIMITS, said, url, gettext("See which"), "knowledge_source"))
    return found


def _judge_quotas() -> list[Problem]:
    """Quotas that are used up, or past their warning."""
    quotas = list(Quota.objects.all()[:100])
    standings = find_standings(quotas) if quotas else {}
    found = []
    for quota in quotas:
        used = standings[quota.pk].used
        if used < quota.warning_level:
            continue
        percent = round(100 * used / quota.limit) if quota.limit else 100
        level = Level.STOPS if used >= quota.limit else Level.LIMITS
        said = gettext("%(percent)s %% of %(quota)s are used.") % {
            "percent": percent,
            "quota": quota,
        }
        url = reverse("admin:bots_quota_change", args=[quota.pk])
        found.append(Problem(level, said, url, gettext("Look at the quota"), "bots_quota"))
    return sorted(found, key=lambda each: _RANK[each.level])[:_MOST_OF_A_KIND]


_THINGS: Final = (
    ("keys", Level.LIMITS, "bots_providercredential", "", gettext_lazy("Provider keys"), ngettext_lazy(
        "%(count)s provider key failed in the last test.", "%(count)s provider keys failed in the last test.", "count"
    )),
    ("webhooks", Level.LIMITS, "webhooks_webhook", "is_active__exact=0", gettext_lazy("See which"), ngettext_lazy(
        "%(count)s webhook is paused, since deliveries failed.",
        "%(count)s webhooks are paused, since deliveries failed.", "count",
    )),
    ("syncs", Level.LIMITS, "knowledge_sitesync", "state__exact=waiting", gettext_lazy("Decide"), ngettext_lazy(
        "%(count)s look at a site is waiting for your approval.",
        "%(count)s looks at a site are waiting for your approval.", "count",
    )),
    ("edits", Level.NOTES, "knowledge_document", "edited=conflict", gettext_lazy("Decide"), ngettext_lazy(
        "%(count)s edited document is in conflict with the source.",
        "%(count)s edited documents are in conflict with the source.", "count",
    )),
    ("corrections", Level.NOTES, "knowledge_correction", "waits=1", gettext_lazy("Decide"), ngettext_lazy(
        "%(count)s correction is in conflict with the source.",
        "%(count)s corrections are in conflict with the source.", "count",
    )),
    ("gaps", Level.NOTES, "conversations_gap", "", gettext_lazy("Answer them"), ngettext_lazy(
        "%(count)s question is not answered well.", "%(count)s questions are not answered well.", "count",
    )),
)  # fmt: skip


def _judge_things(things: Mapping[str, int]) -> list[Problem]:
    found = [
        Problem(level, str(said % {"count": count}), list_of(page, query), str(label), page)
        for name, level, page, query, label, said in _THINGS
        if (count := things.get(name))
    ]
    if count := things.get("hosts"):
        said = ngettext(
            "The record of %(count)s host of yours is missing: soon it leads here no more.",
            "The records of %(count)s hosts of yours are missing: soon they lead here no more.",
            count,
        )
        url = reverse("admin:settings") + "#hosts"
        found.append(
            Problem(Level.STOPS, said % {"count": count}, url, gettext("Look at them"), "settings")
        )
    return found
