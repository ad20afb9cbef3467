"""Make, change and deactivate bots."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from bots.drafts.changing import find_draft, hold_back, split_off
from bots.models import BotProfile, CameFrom
from bots.versions.keeping import keeping
from minirag.ai.credentials import Credentials
from minirag.lib.errors import NotFound
from minirag.lib.rows import FixedQuery
from tenants.audit import compare, record
from tenants.plans.holding import require_room
from tenants.plans.models import Countable

_BOT: FixedQuery[BotProfile] = FixedQuery(
    lambda pk: BotProfile.objects.filter(pk=pk).order_by(), UUID
)


def find_bot(bot_profile_id: UUID) -> BotProfile:
    """Return a bot, active or not. Raises NotFound with the contract's sentence."""
    bot = _BOT.first(bot_profile_id)
    if bot is None:
        raise NotFound(gettext("Bot profile not found"))
    return bot


def require_room_for_bot() -> None:
    """Raise NotInPlan where the tenant's plan has no room for one more bot that is on."""
    require_room(Countable.BOTS, BotProfile.objects.active().count)


def create_bot(fields: dict[str, Any], *, credentials: Credentials | None = None) -> BotProfile:
    """Make a bot; fields that are not given take the model's defaults. Raises NotInPlan."""
    bot = BotProfile(**fields)
    bot.set_credentials(credentials or Credentials())
    with keeping(bot, is_new=True):
        require_room_for_bot()
        bot.save(force_insert=True)
        record("bot.created", of=bot, detail={"fields": sorted(fields)})
    return bot


def update_bot(bot: BotProfile, fields: dict[str, Any]) -> BotProfile:
    """Change only the given fields; `updated_at` moves even when there are none.

    Where the bot has a gate, those that decide how it answers become its draft instead (`held_back` says what that
    changes), and it answers on as before.
    """
    held = split_off(bot, fields)
    with keeping(bot):
        if held:
            bot.held_back = hold_back(bot, held)
            held["refuses"] = None
        return _write(bot, {name: value for name, value in fields.items() if name not in held})


def seal_key(bot: BotProfile, key: Credentials, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that keep a key of the bot's own, entered together with `fields`, or forget it."""
    entered = copy(bot)
    for name in {"model", "embedding_model", "rerank_model", "condense_model"} & fields.keys():
        setattr(entered, name, fields[name])
    entered.set_credentials(key)
    return {name: getattr(entered, name) for name in ("encrypted_credentials", "key_provider")}


def publish_draft(bot: BotProfile, note: dict[str, Any]) -> BotProfile:
    """Let the bot answer as its draft says; `note` says in the audit log why it may. Raises NotFound."""
    with keeping(bot, CameFrom.DRAFT, note=str(note.get("reason") or "")):
        draft = find_draft(bot)
        record("bot.draft_published", of=bot, detail={"fields": sorted(draft.changes), **note})
        draft.delete()
        return _write(bot, draft.changes)


def _write(bot: BotProfile, fields: dict[str, Any]) -> BotProfile:
    changes = compare(bot, fields)
    columns = {"refusal_mode" if name == "refuses" else name for name in fields}
    with transaction.atomic():
        if fields.get("is_active") and not bot.is_active:
            require_room_for_bot()
        for name, value in fields.items():
            setattr(bot, name, value)
        bot.save(update_fields=[*columns, "updated_at"])
        record("bot.changed", of=bot, changes=changes)
    return bot


def deactivate_bot(bot_profile_id: UUID) -> None:
    """Switch a bot off, which can be undone and done twice; its knowledge and chats stay. Raises NotFound."""
    switch_bot(find_bot(bot_profile_id), False)


def switch_bot(bot: BotProfile, is_active: bool) -> None:
    """Switch a bot on or off: one that is off answers nobody."""
    update_bot(bot, {"is_active": is_active})
