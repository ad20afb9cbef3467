"""When visitors of a bot get a person: its rules, and whether people are there now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy

from bots.models import BotProfile
from bots.versions.keeping import keeping
from bots.versions.parts import Part
from conversations.handoffs.hours import find_opening, is_within, write_hours
from conversations.models import HandoffRules
from minirag.lib.errors import NotFound
from tenants.audit import compare, record
from tenants.context import require_tenant
from tenants.models import Tenant
from tenants.plans.holding import has_feature, require_feature
from tenants.plans.models import Feature


def find_rules(bot: BotProfile) -> HandoffRules:
    """Return the bot's rules. Raises NotFound where it has none, and so nobody gets a person."""
    rules = HandoffRules.objects.filter(bot_profile_id=bot.pk).first()
    if rules is None:
        raise NotFound(gettext("The bot has no handoff rules"))
    return rules


def set_rules(bot: BotProfile, fields: Mapping[str, Any]) -> HandoffRules:
    """Give the bot rules, in place of those that it has. Raises NotInPlan."""
    require_feature(Feature.HANDOFFS)
    with keeping(bot):
        rules = HandoffRules.objects.select_for_update().filter(bot_profile_id=bot.pk).first()
        if rules is None:
            rules = HandoffRules.objects.create(bot_profile=bot, **fields)
            record("handoff_rules.created", of=bot, detail={"fields": dict(fields)})
            return rules
        changes = compare(rules, fields)
        for name, value in fields.items():
            setattr(rules, name, value)
        rules.save()
        record("handoff_rules.changed", of=bot, changes=changes)
    return rules


def remove_rules(bot: BotProfile) -> None:
    """From now on no visitor gets a person; those who wait or have one go on. Raises NotFound."""
    with keeping(bot):
        find_rules(bot).delete()
        record("handoff_rules.deleted", of=bot)


def is_staffed(rules: HandoffRules) -> bool:
    """Whether people are there now."""
    return not rules.hours or is_within(rules.hours, now_there())


def next_opening(rules: HandoffRules) -> datetime | None:
    """When people are there again; None where they are, or never will be."""
    return None if is_staffed(rules) else find_opening(rules.hours, now_there())


def now_there() -> datetime:
    """The time in the tenant's zone."""
    zone = Tenant.objects.values_list("time_zone", flat=True).get(pk=require_tenant().pk)
    return timezone.localtime(timezone=ZoneInfo(zone))


def describe_company(bot_profile_id: UUID) -> dict[str, Any] | None:
    """What a widget has to know of the people behind its bot; None where visitors cannot ask for one."""
    rules = HandoffRules.objects.filter(bot_profile_id=bot_profile_id, is_offered=True).first()
    if rules is None:
        return None
    is_there = is_staffed(rules)
    return {
        "is_staffed": is_there,
        "takes_messages": rules.takes_messages,
        "opens_at": None if is_there else next_opening(rules),
    }


# --- In the versions of a bot ---------------------------------------------------------------------------------------
_KEPT: Final = (
    "is_offered", "on_wish", "on_declined_twice", "on_disliked", "hours", "takes_messages",
)  # fmt: skip
Rules = dict[str, Any] | None


def _read(bot: BotProfile) -> Rules:
    return HandoffRules.objects.filter(bot_profile_id=bot.pk).values(*_KEPT).first()


def _tell(rules: Rules) -> Iterator[str]:
    for name, value in (rules or {}).items():
        column: Any = HandoffRules._meta.get_field(name)
        if name == "hours":
            told = write_hours(value).replace("\n", "; ") or gettext("always")
        else:
            told = gettext("yes") if value else gettext("no")
        yield f"{capfirst(str(column.verbose_name))}: {told}"


def _plan(bot: BotProfile, rules: Rules) -> tuple[Rules, list[str]]:
    if rules is None or has_feature(Feature.HANDOFFS):
        return rules, []
    return _read(bot), [gettext("Your plan has no people who answer, so these rules stay out.")]


def _check(bot: BotProfile, rules: Rules) -> None:
    if rules is not None:
        HandoffRules(bot_profile=bot, **rules).clean_fields()


def _bring_back(bot: BotProfile, rules: Rules) -> None:
    wanted, _lost = _plan(bot, rules)
    there = _read(bot)
    if wanted == there:
        return
    if wanted is None:
        remove_rules(bot)
    else:
        set_rules(bot, wanted)


KEPT: Final = Part(
    "handoff_rules", gettext_lazy("Handoff rules"), read=_read, tell=_tell, plan=_plan, check=_check,
    bring_back=_bring_back,
)  # fmt: skip
