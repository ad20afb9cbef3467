"""The secret with which a site signs who its visitors are: made, replaced without a gap, forgotten."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from bots.models import BotProfile
from minirag.lib.errors import NotFound
from tenants.audit import record

MAX_OVERLAP_SECONDS: Final = 7 * 24 * 3600


def make_secret(bot_profile_id: UUID, overlap_seconds: int) -> tuple[BotProfile, str]:
    """Give a bot a new secret, which cannot be read again; the one before counts `overlap_seconds` longer.

    Raises NotFound.
    """
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        bot = _lock(bot_profile_id)
        _replace(bot, secret, overlap_seconds)
        record("bot.identity_secret_made", of=bot, detail={"overlap_seconds": overlap_seconds})
    return bot, secret


def forget_secret(bot_profile_id: UUID) -> None:
    """Believe no signature any more, from the next question on; twice is as good as once. Raises NotFound."""
    with transaction.atomic():
        bot = _lock(bot_profile_id)
        _replace(bot, "", 0)
        record("bot.identity_secret_forgotten", of=bot)


def _lock(bot_profile_id: UUID) -> BotProfile:
    bot = BotProfile.objects.select_for_update().filter(pk=bot_profile_id).first()
    if bot is None:
        raise NotFound(gettext("Bot profile not found"))
    return bot


def _replace(bot: BotProfile, secret: str, overlap_seconds: int) -> None:
    columns = bot.replace_identity_secret(secret, timedelta(seconds=overlap_seconds))
    bot.save(update_fields=[*columns, "updated_at"])
