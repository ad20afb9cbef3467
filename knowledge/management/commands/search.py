"""Search a bot's knowledge from the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import BaseCommand, CommandError

from bots.models import BotProfile
from knowledge.retrieval import Passage, Retrieval, retrieve
from tenants.context import tenant_context
from tenants.models import Tenant

EXCERPT = 150


class Command(BaseCommand):
    help = "Print the passages that a bot would answer a question from, with the parts of their scores."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="The tenant's slug.")
        parser.add_argument("--bot", required=True, help="The bot's name or id.")
        parser.add_argument("--limit", type=int, help="How many passages; as many as the bot uses if not given.")
        parser.add_argument("question")

    def handle(self, *, tenant: str, bot: str, question: str, limit: int | None, **options: Any) -> None:
        if limit is not None and limit < 1:
            raise CommandError("--limit must be at least 1.")
        found = Tenant.objects.filter(slug=tenant).first()
        if found is None:
            raise CommandError(f"There is no tenant {tenant!r}.")
        with tenant_context(found):
            self._print(async_to_sync(retrieve)(find_bot(bot), question, limit=limit))

    def _print(self, found: Retrieval) -> None:
        if found.passages:
            self.stdout.write(f"{'':>3}  {'score':>6} {'cosine':>6} {'bm25':>6}  place")
        for number, passage in enumerate(found.passages, start=1):
            parts = f"{passage.score:6.3f} {passage.cosine:6.3f} {passage.bm25:6.2f}"
            self.stdout.write(f"{number:>3}  {parts}  {name_place(passage)}")
            excerpt = " ".join(passage.content.split())
            self.stdout.write(f"{'':>26}{excerpt[:EXCERPT]}{'…' if len(excerpt) > EXCERPT else ''}")
        verdict = "too weak to answer from" if found.is_weak else "enough to answer from"
        self.stdout.write(
            f"confidence {found.confidence:.3f}, threshold {found.threshold:.3f}: {verdict}. "
            f"{found.mode} search, language {found.language}, "
            f"embedder {found.embedding_model or 'none'}, {found.milliseconds:.0f} ms"
        )


def name_place(passage: Passage) -> str:
    """Where a passage stands: its heading path or title, its page, its address."""
    page = f", page {passage.page}" if passage.page else ""
    return f"{passage.heading or passage.title}{page} {passage.url}".rstrip()


def find_bot(name_or_id: str) -> BotProfile:
    """Find a bot of the current tenant, active or not, by name or id; raises CommandError."""
    bots = list(BotProfile.objects.all())
    matching = [bot for bot in bots if name_or_id in (bot.name, str(bot.pk))]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(sorted(repr(bot.name) for bot in bots)[:20])
    problem = "Several bots are" if matching else "No bot is"
    raise CommandError(f"{problem} called {name_or_id!r}. There are: {names or 'none'}.")
