"""Ask a bot from the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import BaseCommand, CommandError

from bots.models import BotProfile
from conversations.recording import Asker
from conversations.turns import Delta, Done, Failed, take_turn
from minirag.lib.errors import ProductError
from tenants.context import tenant_context
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Ask a bot a question; prints the answer as it comes, then what it cites."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="The tenant's slug.")
        parser.add_argument("--bot", required=True, help="The bot's name or id.")
        parser.add_argument("question")

    def handle(self, *, tenant: str, bot: str, question: str, **options: Any) -> None:
        found = Tenant.objects.filter(slug=tenant).first()
        if found is None:
            raise CommandError(f"There is no tenant {tenant!r}.")
        with tenant_context(found):
            profile = find_bot(bot)
            try:
                async_to_sync(self._ask)(profile, question)
            except ProductError as error:
                raise CommandError(error.detail) from None

    async def _ask(self, bot: BotProfile, question: str) -> None:
        async for event in take_turn(bot.pk, None, question, asker=Asker(request_id="command"), is_stream=True):
            if isinstance(event, Delta):
                self.stdout.write(event.content, ending="")
                self.stdout.flush()
            elif isinstance(event, Failed):
                raise CommandError(event.error.detail)
            elif isinstance(event, Done):
                self._print_grounds(event)

    def _print_grounds(self, done: Done) -> None:
        self.stdout.write("\n")
        if done.refusal:
            refusal = done.refusal
            self.stdout.write(
                f"(refused: {refusal.reason}, confidence {refusal.score:.3f} against {refusal.threshold:.3f})"
            )
        for number, passage in done.citations:
            place = passage.heading or passage.title
            page = f", page {passage.page}" if passage.page else ""
            self.stdout.write(f"[{number}] {place}{page} ({passage.score:.3f}) {passage.url}".rstrip())


def find_bot(name_or_id: str) -> BotProfile:
    """Find an active bot of the current tenant by its name or id; raises CommandError."""
    bots = list(BotProfile.objects.active().filter(name=name_or_id)[:2])
    if not bots and len(name_or_id) == 36:
        bots = [bot for bot in BotProfile.objects.active() if str(bot.pk) == name_or_id.lower()]
    if len(bots) == 1:
        return bots[0]
    names = ", ".join(repr(name) for name in BotProfile.objects.active().values_list("name", flat=True)[:20])
    problem = "Two bots are" if bots else "No bot is"
    raise CommandError(f"{problem} called {name_or_id!r}. There are: {names or 'none'}.")
