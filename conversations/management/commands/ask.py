"""Ask a bot from the command line."""

from __future__ import annotations

import logging
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import CommandError

from bots.commands import QuestionCommand, choose_bot
from bots.models import BotProfile
from conversations.following.running import running_turns, start_turn
from conversations.turns.schemas import tell_event
from conversations.turns.state import Asker
from conversations.turns.taking import Delta, Done, Failed, TurnEvent
from knowledge.audiences import add_groups_argument, read_audience
from knowledge.models import Audience
from tenants.context import tenant_context
from tenants.provisioning import get_tenant


class Command(QuestionCommand):
    help = "Ask a bot a question; prints the answer as it comes, then what it cites."

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        add_groups_argument(parser)

    def handle(self, *, tenant: str, bot: str, question: str, groups: str, **options: Any) -> None:
        with tenant_context(get_tenant(tenant)):
            chosen, audience = choose_bot(BotProfile.objects.active(), bot), read_audience(groups)
            log = logging.getLogger("conversations.turns")
            level = log.level
            log.setLevel(logging.WARNING)  # what it tells of a turn is printed here
            try:
                async_to_sync(self._ask)(chosen, question, audience)
            finally:
                log.setLevel(level)

    async def _ask(self, bot: BotProfile, question: str, audience: Audience) -> None:
        asker = Asker(request_id="command", audience=audience)
        turn = await start_turn(
            bot.pk, None, question, asker=asker, is_stream=True, tell=tell_event
        )  # fmt: skip
        try:
            async for _, event in turn.read():
                self._print(event)
        finally:
            await turn.stop()
            await running_turns().journal.write()

    def _print(self, event: TurnEvent) -> None:
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
        if done.message.cut_reason:
            self.stdout.write(f"(cut: {done.message.get_cut_reason_display().lower()})")
        for number, passage in done.citations:
            place = passage.heading or passage.title
            self.stdout.write(
                f"[{number}] {place}{passage.shown_place} ({passage.score:.3f}) {passage.url}".rstrip()
            )
