"""Say of bots what stops them from answering, what limits them, and what is worth a look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Count
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bots.drafts.models import BotDraft
from bots.models import BotProfile, ProviderCredential
from bots.providers.trying import PASSING, KeyOutcome
from minirag.ai.builtin.local import is_local
from minirag.ai.pricing import family_of, provider_of
from minirag.ai.providers.platform_keys import has_platform_key


class Level(models.TextChoices):
    """How bad a finding is."""

    STOPS = "stops", _("Nobody is answered")
    LIMITS = "limits", _("It answers less than it could")
    NOTES = "notes", _("Worth a look")


class Readiness(models.TextChoices):
    READY = "ready", _("Ready")
    LIMITED = "limited", _("Limited")
    BLOCKED = "blocked", _("Not ready")


@dataclass(frozen=True)
class Finding:
    """One thing that is missing. `place` is where it is mended: bot, key, sources, widget, draft."""

    code: str
    level: Level
    detail: str
    place: str


@dataclass(frozen=True)
class Judged:
    findings: tuple[Finding, ...] = ()

    @property
    def state(self) -> Readiness:
        levels = {each.level for each in self.findings}
        if Level.STOPS in levels:
            return Readiness.BLOCKED
        return Readiness.LIMITED if Level.LIMITS in levels else Readiness.READY


@dataclass(frozen=True)
class Facts:
    """What of a bot's surroundings decides: its sources by status, the keys that it has chosen, its draft."""

    sources: Counter[str]
    keys: tuple[ProviderCredential, ...] = ()
    has_draft: bool = False


_OWN: Final = "private_dataset__sources"
_SHARED: Final = "dataset_links__dataset__sources"


def judge_bots(bots: Iterable[BotProfile], *, with_drafts: bool = True) -> dict[UUID, Judged]:
    """Judge several bots of the tenant in three queries, one less where drafts do not matter."""
    asked = list(bots)
    ids = [bot.pk for bot in asked]
    sources = _count_sources(ids)
    keys: dict[UUID, list[ProviderCredential]] = {}
    chosen = ProviderCredential.objects.filter(choices__bot_profile_id__in=ids)
    for key in chosen.annotate(bot_id=models.F("choices__bot_profile_id")):
        keys.setdefault(key.bot_id, []).append(key)
    drafts: set[UUID] = set()
    if with_drafts:
        waiting = BotDraft.objects.filter(bot_profile_id__in=ids)
        drafts = set(waiting.values_list("bot_profile_id", flat=True))
    return {
        bot.pk: judge(
            bot,
            Facts(sources.get(bot.pk, Counter()), tuple(keys.get(bot.pk, ())), bot.pk in drafts),
        )
        for bot in asked
    }


def judge_bot(bot: BotProfile) -> Judged:
    return judge_bots([bot])[bot.pk]


def _count_sources(ids: list[UUID]) -> dict[UUID, Counter[str]]:
    """Per bot, of what it may answer from, how many sources are in which status."""
    counted: dict[UUID, Counter[str]] = {}
    # Of datasets from which it does not answer nothing counts.
    conditions: dict[str, dict[str, Any]] = {
        _OWN: {"private_dataset__is_active": True, "private_dataset__deleted_at__isnull": True},
        _SHARED: {
            "dataset_links__is_active": True, "dataset_links__dataset__is_active": True,
            "dataset_links__dataset__deleted_at__isnull": True,
        },
    }  # fmt: skip
    parts = []
    for path, counts in conditions.items():
        live = {f"{path}__is_active": True, f"{path}__deleted_at__isnull": True}
        found = BotProfile.objects.filter(pk__in=ids, **counts, **live).order_by()
        parts.append(found.values_list("pk", f"{path}__status").annotate(Count(path)))
    own, shared = parts
    for pk, status, number in own.union(shared, all=True):
        counted.setdefault(pk, Counter())[status] += number
    return counted


def judge(bot: BotProfile, facts: Facts) -> Judged:
    """What is missing of one bot. Asks nothing of the database and calls nobody."""
    parts = (_judge_state(bot, facts), judge_keys(bot, facts.keys), _judge_sources(facts.sources))
    return Judged(tuple(found for part in parts for found in part))


def _judge_state(bot: BotProfile, facts: Facts) -> Iterable[Finding]:
    if not bot.is_active:
        yield Finding(
            "inactive", Level.STOPS, gettext("The bot is switched off: nobody is answered."), "bot"
        )
    if not bot.allowed_origins and not bot.is_public:
        detail = gettext(
            "No page may show its widget: list your site's origin, or make the bot public."
        )
        yield Finding("no_page", Level.NOTES, detail, "widget")
    if facts.has_draft:
        detail = gettext(
            "A changed configuration waits to be measured and published; visitors still get the old one."
        )
        yield Finding("draft_waits", Level.NOTES, detail, "draft")


def judge_keys(bot: BotProfile, keys: tuple[ProviderCredential, ...]) -> Iterable[Finding]:
    """Which of a bot's models have no key that works, with these keys chosen."""
    chosen = {family_of(key.provider): key for key in keys}
    family = provider_of(bot.model)
    key = chosen.get(family)
    own = _find_own(bot)
    if not is_local(bot.model) and own != family:
        if key is None and has_platform_key(bot.model) is False:
            detail = gettext("There is no key for %(model)s: asking gives 503.") % {
                "model": bot.model
            }
            if own:
                other = gettext("Its own key is of %(provider)s and goes nowhere else.")
                detail = f"{detail} {other % {'provider': own}}"
            yield Finding("no_key", Level.STOPS, detail, "key")
        elif key is not None and _fails(key):
            detail = gettext("%(name)s failed its last test: %(label)s") % {
                "name": key.name,
                "label": str(KeyOutcome(key.test_outcome).label),
            }
            yield Finding("key_fails", Level.STOPS, detail, "key")
    yield from _judge_other_models(bot, chosen)


def _judge_other_models(
    bot: BotProfile, chosen: dict[str, ProviderCredential]
) -> Iterable[Finding]:
    """Models that help: without them it answers, by words alone or in the search's own order."""
    main = provider_of(bot.model)
    embeds = bot.embedding_model or settings.DEFAULT_EMBEDDING_MODEL
    own = _find_own(bot)
    helping = {
        gettext("the embedding model"): embeds, gettext("the model that orders"): bot.rerank_model,
        gettext("the model that rewrites"): bot.condense_model,
    }  # fmt: skip
    for what, model in helping.items():
        if not model or is_local(model):
            continue
        family = provider_of(model)
        has_own = own is not None and (own == family or (model == embeds and not bot.key_provider))
        key = chosen.get(family)
        if key is not None and not has_own and _fails(key) and key is not chosen.get(main):
            told = str(KeyOutcome(key.test_outcome).label)
            detail = gettext("%(name)s, for %(what)s, failed its last test: %(told)s") % {
                "name": key.name,
                "what": what,
                "told": told,
            }
            yield Finding("key_fails_beside", Level.LIMITS, detail, "key")
        elif key is None and not has_own and has_platform_key(model) is False:
            yield Finding(
                "no_key_beside",
                Level.LIMITS,
                gettext("There is no key for %(what)s, %(model)s.")
                % {"what": what, "model": model},
                "key",
            )


def _find_own(bot: BotProfile) -> str | None:
    """The provider that the bot's own key goes to; None without one."""
    if not bot.has_credentials:
        return None
    return family_of(bot.key_provider) if bot.key_provider else provider_of(bot.model)


def _fails(key: ProviderCredential) -> bool:
    return bool(key.test_outcome) and key.test_outcome not in (KeyOutcome.WORKS, *PASSING)


def _judge_sources(sources: Counter[str]) -> Iterable[Finding]:
    total = sum(sources.values())
    failed, ready = sources["error"], sources["ready"]
    if not total:
        detail = gettext("It has no source, so it declines what no curated answer is for.")
        yield Finding("no_sources", Level.LIMITS, detail, "sources")
    elif failed == total:
        detail = (
            gettext("All of its sources have failed.")
            if total > 1
            else gettext("Its only source has failed.")
        )
        yield Finding("sources_failed", Level.LIMITS, detail, "sources")
    elif not ready:
        yield Finding(
            "sources_waiting",
            Level.LIMITS,
            gettext("None of its sources has been read yet."),
            "sources",
        )
    elif failed:
        said = ngettext(
            "%(failed)s of its %(total)s sources has failed.",
            "%(failed)s of its %(total)s sources have failed.",
            failed,
        )
        detail = said % {"failed": failed, "total": total}
        yield Finding("some_sources_failed", Level.NOTES, detail, "sources")
