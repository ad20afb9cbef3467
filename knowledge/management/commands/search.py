"""Search a bot's knowledge from the command line."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import CommandError

from bots.commands import QuestionCommand, choose_bot
from bots.models import BotProfile
from knowledge.audiences import add_groups_argument, read_audience
from knowledge.retrieval.retrieving import Passage, Retrieval, retrieve
from tenants.context import tenant_context
from tenants.provisioning import get_tenant

EXCERPT = 150


class Command(QuestionCommand):
    help = "Print the passages that a bot would answer a question from, with the parts of their scores."

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--limit", type=int, help="How many passages; as many as the bot uses if not given."
        )
        add_groups_argument(parser)

    def handle(
        self,
        *,
        tenant: str,
        bot: str,
        question: str,
        limit: int | None,
        groups: str,
        **options: Any,
    ) -> None:
        if limit is not None and limit < 1:
            raise CommandError("--limit must be at least 1.")
        with tenant_context(get_tenant(tenant)):
            chosen, audience = choose_bot(BotProfile.objects.all(), bot), read_audience(groups)
            self._print(async_to_sync(retrieve)(chosen, question, audience=audience, limit=limit))

    def _print(self, found: Retrieval) -> None:
        if found.passages:
            self.stdout.write(f"{'':>3}  {'score':>6} {'cosine':>6} {'bm25':>6}  place")
        for number, passage in enumerate(found.passages, start=1):
            parts = f"{passage.score:6.3f} {passage.cosine:6.3f} {passage.bm25:6.2f}"
            self.stdout.write(f"{number:>3}  {parts}  {name_place(passage)}")
            excerpt = " ".join(passage.content.split())
            self.stdout.write(f"{'':>26}{excerpt[:EXCERPT]}{'…' if len(excerpt) > EXCERPT else ''}")
        for asked in found.external:
            self.stdout.write(
                f"external {asked.source_id}: {asked.outcome}, {asked.milliseconds:.0f} ms"
            )
        verdict = "too weak to answer from" if found.is_weak else "enough to answer from"
        self.stdout.write(
            f"confidence {found.confidence:.3f}, threshold {found.threshold:.3f}: {verdict}. "
            f"{found.mode} search, language {found.language}, "
            f"embedder {found.embedding_model or 'none'}, {found.milliseconds:.0f} ms"
        )


def name_place(passage: Passage) -> str:
    """Where a passage is from: its heading path or title, its page, its address."""
    label = f"[{passage.authority.upper()}] " if passage.authority else ""
    return f"{label}{passage.heading or passage.title}{passage.shown_place} {passage.url}".rstrip()
