"""What a run was made on: the bot's answering configuration, and all around it that could make a difference."""

from __future__ import annotations

import hashlib
from typing import Any

import minirag
from bots.configurations import answering_fields, snapshot, with_configuration
from bots.models import SCOPE_FACTS, BotProfile
from conversations.models import EvaluationRun
from knowledge.models import Source


def describe_surroundings(bot: BotProfile) -> dict[str, Any]:
    """What is no part of the configuration and may change between two runs of the same."""
    scopes = [{name: getattr(scope, name) for name in SCOPE_FACTS} for scope in bot.active_scopes]
    return {
        "embedding_model": bot.effective_embedding_model,
        "scopes": [{name: str(value) for name, value in scope.items()} for scope in scopes],
        "index": name_index(bot),
        "version": minirag.__version__,
    }


def name_index(bot: BotProfile) -> str:
    """A short name of what the bot answers from: another one as soon as a source changes, comes or goes."""
    sources = Source.objects.answering(bot.pk).order_by("pk")
    found = hashlib.sha256()
    for row in sources.values_list("pk", "content_hash", "chunk_count"):
        found.update(repr(row).encode())
    return found.hexdigest()[:16]


def configuration_of(bot: BotProfile) -> dict[str, Any]:
    return snapshot(bot)


def restore_bot(run: EvaluationRun) -> BotProfile:
    """The bot as it was when the run was ordered, to be asked and never saved."""
    bot = BotProfile.objects.with_scopes().get(pk=run.bot_profile_id)
    known = set(answering_fields())
    values = {name: value for name, value in run.configuration.items() if name in known}
    return with_configuration(bot, values)
