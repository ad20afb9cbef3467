"""Bring back what a bot was set to, as far as it can come back, as a change like any other."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext

from bots.configurations import answering_fields
from bots.models import BotProfile, BotVersion, CameFrom, ProviderCredential
from bots.profiles import update_bot
from bots.providers.changing import choose_keys
from bots.readiness.judging import judge_keys
from bots.versions.keeping import (
    KEYS,
    OWN_KEY,
    describe_configuration,
    keeping,
    kept_columns,
)
from bots.versions.parts import list_kept
from bots.versions.telling import FieldChange, compare_configurations, label_of
from minirag.lib.errors import Conflict
from tenants.audit import record


@dataclass(frozen=True)
class RollBack:
    """What bringing a version back changes, and in sentences what cannot come back."""

    changes: list[FieldChange]
    lost: list[str] = field(default_factory=list)


def plan_roll_back(bot: BotProfile, version: BotVersion) -> RollBack:
    """Look at what would become of the bot; nothing is changed."""
    now = describe_configuration(bot)
    kept = {name: value for name, value in version.configuration.items() if name in now}
    wanted = {**now, **kept, OWN_KEY: now[OWN_KEY]}
    keys = _find_keys(version)
    there = {str(each.pk) for each in keys}
    wanted[KEYS] = [each for each in wanted[KEYS] if each["id"] in there]
    lost = list(_list_lost(bot, version, keys))
    trial = _as_it_was(bot, version)
    for part, value in list_kept(version.configuration):
        wanted[part.name], told = part.plan(trial, value)
        lost += told
    return RollBack(compare_configurations(now, wanted), lost)


def roll_back(bot: BotProfile, version: BotVersion, reason: str = "") -> RollBack:
    """Set the bot to what a version says: a new version, or a draft as far as the bot has a gate.

    `bot.held_back` says then what the draft changes. Raises Conflict (`version_unusable`) where the bot cannot be set
    so any more.
    """
    columns = {
        name: version.configuration[name]
        for name in kept_columns()
        if name in version.configuration
    }
    _check(bot, version, columns)
    with keeping(bot, CameFrom.ROLL_BACK, note=reason, restored=version.number):
        bot.refresh_from_db()  # nobody else can save it now
        plan = plan_roll_back(bot, version)
        record(
            "bot.rolled_back", of=bot, detail={"version": version.number, "reason": reason[:1000]}
        )
        # Of what a gate holds back all: a draft that waits is to be this, too.
        own = set(answering_fields())
        update_bot(
            bot,
            {
                name: value
                for name, value in columns.items()
                if name in own or getattr(bot, name) != value
            },
        )
        choose_keys(bot, [each.pk for each in _find_keys(version)])
        for part, value in list_kept(version.configuration):
            part.bring_back(bot, value)
    return plan


def _check(bot: BotProfile, version: BotVersion, columns: dict[str, Any]) -> None:
    trial = copy(bot)
    for name, value in columns.items():
        setattr(trial, name, value)
    try:
        trial.clean_fields()
        for part, value in list_kept(version.configuration):
            part.check(bot, value)
    except ValidationError as error:
        told = "; ".join(
            f"{label_of(name)}: {' '.join(why)}" for name, why in error.message_dict.items()
        )
        raise Conflict(told, code="version_unusable") from None


def _find_keys(version: BotVersion) -> list[ProviderCredential]:
    """Those of its provider keys that there still are."""
    ids = [each["id"] for each in version.configuration.get(KEYS, ())]
    return list(ProviderCredential.objects.filter(pk__in=ids))


def _list_lost(
    bot: BotProfile, version: BotVersion, keys: list[ProviderCredential]
) -> Iterator[str]:
    there = {str(each.pk) for each in keys}
    for each in version.configuration.get(KEYS, ()):
        if each["id"] not in there:
            yield gettext("The provider key “%(name)s” is deleted.") % each
    if version.configuration.get(OWN_KEY) and not bot.has_credentials:
        yield gettext("It had an API key of its own, which no version keeps: enter it again.")
    elif bot.has_credentials and not version.configuration.get(OWN_KEY):
        yield gettext(
            "It had no API key of its own; the one that it has now stays until you remove it."
        )
    yield from _list_filtered(version)
    trial = _as_it_was(bot, version)
    yield from (found.detail for found in judge_keys(trial, tuple(keys)))
    if trial.embedding_model != bot.embedding_model:
        yield gettext("Its knowledge is embedded anew by the other model, which takes a while.")


def _as_it_was(bot: BotProfile, version: BotVersion) -> BotProfile:
    trial = copy(bot)
    for name in kept_columns():
        setattr(trial, name, version.configuration.get(name, getattr(bot, name)))
    return trial


def _list_filtered(version: BotVersion) -> Iterator[str]:
    """Datasets and sources that it was narrowed to and that are gone: nothing is answered from them."""
    stored = version.configuration.get("source_filter") or {}
    source = _model_behind(BotProfile, "sources")
    kinds = {
        "dataset_ids": (_model_behind(source, "dataset"), gettext("Of its datasets %(number)d are deleted: %(ids)s.")),
        "source_ids": (source, gettext("Of its sources %(number)d are deleted: %(ids)s.")),
    }  # fmt: skip
    for key, (model, sentence) in kinds.items():
        ids = [str(each) for each in stored.get(key, ())]
        rows = model._default_manager.filter(pk__in=ids, deleted_at__isnull=True)
        there = set(map(str, rows.values_list("pk", flat=True))) if ids else set()
        if gone := [each for each in ids if each not in there]:
            yield sentence % {"number": len(gone), "ids": ", ".join(gone)}


def _model_behind(model: type[Model], name: str) -> type[Model]:
    """Knowledge is above this app: what its models are called is known from what they say of bots."""
    relation: Any = model._meta.get_field(name)
    found: type[Model] = relation.related_model
    return found
