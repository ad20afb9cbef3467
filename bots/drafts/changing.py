"""Hold back what a gate has to see first, and throw it away. Whether the gate lets it pass is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from bots.configurations import answering_fields, changed_fields, snapshot, with_configuration
from bots.drafts.models import BotDraft, QualityGate
from bots.models import BotProfile
from minirag.lib.errors import NotFound
from tenants.audit import record


def split_off(bot: BotProfile, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `fields` that a gate of the bot holds back, as columns; none where it has no gate."""
    if not QualityGate.objects.filter(bot_profile_id=bot.pk).exists():
        return {}
    trial = with_configuration(bot, {})
    for name, value in fields.items():
        setattr(trial, name, value)
    own = {"refusal_mode" if name == "refuses" else name for name in fields}
    return {name: getattr(trial, name) for name in answering_fields() if name in own}


def hold_back(bot: BotProfile, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Put the columns into the bot's draft; returns what the draft changes now. What is as published leaves it."""
    with transaction.atomic():
        published = snapshot(BotProfile.objects.select_for_update(no_key=True).get(pk=bot.pk))
        draft = BotDraft.objects.filter(bot_profile_id=bot.pk).first()
        wanted = {**published, **(draft.changes if draft else {}), **columns}
        wanted = snapshot(with_configuration(bot, wanted))
        differing = changed_fields(published, wanted)
        changes = {name: new for name, (_, new) in differing.items()}
        if not changes:
            BotDraft.objects.filter(bot_profile_id=bot.pk).delete()
        else:
            facts = {"changes": changes, "updated_at": timezone.now()}
            BotDraft.objects.update_or_create(bot_profile_id=bot.pk, defaults=facts)
        if columns:
            event = record("bot.draft_changed", of=bot, detail={"fields": sorted(changes)})
            BotDraft.objects.filter(bot_profile_id=bot.pk).update(made_by=event.actor)
    return changes


def find_draft(bot: BotProfile) -> BotDraft:
    """Return the bot's draft. Raises NotFound."""
    draft = BotDraft.objects.filter(bot_profile_id=bot.pk).first()
    if draft is None:
        raise NotFound(gettext("The bot has no draft"))
    return draft


def find_gate(bot: BotProfile) -> QualityGate:
    """Return the bot's gate. Raises NotFound."""
    gate = QualityGate.objects.filter(bot_profile_id=bot.pk).first()
    if gate is None:
        raise NotFound(gettext("The bot has no gate"))
    return gate


def set_gate(bot: BotProfile, fields: Mapping[str, Any]) -> QualityGate:
    """Give the bot a gate, or change the one it has."""
    with transaction.atomic():
        gate, _ = QualityGate.objects.update_or_create(
            bot_profile_id=bot.pk, defaults={**fields, "updated_at": timezone.now()}
        )
        record("bot.gate_set", of=bot, detail=dict(fields))
    return gate


def remove_gate(bot: BotProfile) -> None:
    """Let changes count at once again; a draft stays until it is published or thrown away. Raises NotFound."""
    with transaction.atomic():
        find_gate(bot).delete()
        record("bot.gate_removed", of=bot)


def discard_draft(bot: BotProfile) -> None:
    """Throw the bot's draft away. Raises NotFound."""
    with transaction.atomic():
        # Who publishes it, or adds to it, is waited for.
        list(BotProfile.objects.select_for_update(no_key=True).only("pk").filter(pk=bot.pk))
        draft = find_draft(bot)
        record("bot.draft_discarded", of=bot, detail={"fields": sorted(draft.changes)})
        draft.delete()


def draft_of(bot: BotProfile) -> BotProfile:
    """The bot as its draft would have it, to be asked and never saved. Raises NotFound."""
    return with_configuration(bot, find_draft(bot).changes)
