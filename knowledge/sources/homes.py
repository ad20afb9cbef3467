"""Where a source goes: into a shared dataset, or into its bot's own."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext

from bots.models import BotProfile
from knowledge.models import Dataset
from minirag.lib.errors import BadInput, NotFound


@dataclass(frozen=True)
class Home:
    """Where a source lives: in a bot's private dataset, or in a shared one and then with a bot or without."""

    dataset: Dataset
    bot: BotProfile | None


def find_home(bot_profile_id: UUID | None, dataset_id: UUID | None) -> Home:
    """Return where a new source goes: into the named dataset, else into the bot's private one.

    A bot that is named for a shared dataset must be linked with it: it then pays for the source. Raises BadInput,
    NotFound.
    """
    bot = find_bot_for_source(bot_profile_id) if bot_profile_id else None
    if dataset_id is None:
        if bot is None:
            raise BadInput(gettext("A bot or a dataset is required"), code="home_missing")
        return Home(private_dataset(bot), bot)
    dataset = (
        Dataset.objects.select_related("bot_profile")
        .filter(pk=dataset_id, deleted_at__isnull=True)
        .first()
    )
    if dataset is None:
        raise NotFound(gettext("Dataset not found"))
    if not dataset.is_shared:
        if bot is not None and bot.pk != dataset.bot_profile_id:
            raise BadInput(gettext("The dataset is another bot's own"), code="dataset_of_other_bot")
        return Home(dataset, dataset.bot_profile)
    if bot is not None and not dataset.bot_links.filter(bot_profile=bot).exists():
        raise BadInput(
            gettext("The dataset is not linked with this bot"), code="dataset_not_linked"
        )
    return Home(dataset, bot)


def find_bot_for_source(bot_profile_id: UUID) -> BotProfile:
    """Return the bot a source is for, active or not. Raises BadInput: the contract has 422 here, not 404."""
    bot = BotProfile.objects.filter(pk=bot_profile_id).first()
    if bot is None:
        raise BadInput(
            gettext("Bot profile not found or belongs to a different tenant"), code="bot_not_found"
        )
    return bot


def private_dataset(bot: BotProfile) -> Dataset:
    """Return the bot's own dataset, made on first use with the embedding model the bot has then."""
    fields = {"name": bot.name, "embedding_model": bot.effective_embedding_model}
    return Dataset.objects.get_or_create(bot_profile=bot, defaults=fields)[0]
