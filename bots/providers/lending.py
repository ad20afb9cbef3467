"""Which key goes to which model of a bot, on the event loop."""

from __future__ import annotations

from bots.models import BotProfile
from minirag.ai.credentials import Credentials
from minirag.ai.lending import lend_credentials
from tenants.context import run_sync


async def find_keys(bot: BotProfile) -> Credentials:
    """The bot's keys, as `BotProfile.credentials` has them."""
    return bot.credentials if bot.has_loaded_keys else await run_sync(lambda: bot.credentials)


async def lend_key(bot: BotProfile, model: str) -> Credentials | None:
    """The key for a call of `model` that is made for the bot."""
    return await lend_credentials(await find_keys(bot), bot.model, model)
