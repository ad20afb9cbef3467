"""What the commands that put a question to a bot have in common."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet

from bots.models import BotProfile
from tenants.commands import ProductCommand


class QuestionCommand(ProductCommand):
    """A command for a question to one bot of one tenant."""

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--tenant", required=True, help="The tenant's slug.")
        parser.add_argument("--bot", required=True, help="The bot's name or id.")
        parser.add_argument("question")


def choose_bot(bots: QuerySet[BotProfile], name_or_id: str) -> BotProfile:
    """Choose the one of `bots` with this name or id; raises CommandError, which names those there are."""
    found = list(bots)
    matching = [bot for bot in found if name_or_id in (bot.name, str(bot.pk))]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(sorted(repr(bot.name) for bot in found)[:20])
    problem = "Several bots are" if matching else "No bot is"
    raise CommandError(f"{problem} called {name_or_id!r}. There are: {names or 'none'}.")
