"""What a run was made on: the bot's answering configuration, and all around it that could make a difference."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

import minirag
from bots.configurations import answering_fields, snapshot, with_configuration
from bots.models import SCOPE_FACTS, BotProfile
from conversations.models import EvaluationRun, GoldenQuestion
from knowledge.models import INSIDER, CuratedAnswer, Source
from knowledge.models.standing import STANDING

SURROUNDINGS: Final = {
    "questions": _("golden questions"), "index": _("knowledge"), "curated": _("curated answers"),
    "scopes": _("guardrails"), "embedding_model": _("embedding model"), "version": _("MiniRAG's version"),
}  # fmt: skip
"""What is no part of the configuration and may change between two runs of the same, in a reader's words."""


def describe_surroundings(bot: BotProfile) -> dict[str, Any]:
    """What SURROUNDINGS names as it is at this moment; what is large by a short name."""
    scopes = [{name: getattr(scope, name) for name in SCOPE_FACTS} for scope in bot.active_scopes]
    return {
        "embedding_model": bot.effective_embedding_model,
        "scopes": [{name: str(value) for name, value in scope.items()} for scope in scopes],
        "index": name_index(bot),
        "curated": _name_rows(_list_curated(bot)),
        "questions": _name_rows(_list_questions(bot)),
        "version": minirag.__version__,
    }


def list_changed(run: EvaluationRun) -> list[str]:
    """Which of the surroundings have changed since a run was ordered; one that it knows nothing of may have."""
    now = describe_surroundings(
        BotProfile.objects.with_scopes().with_keys().get(pk=run.bot_profile_id)
    )
    return [name for name in SURROUNDINGS if run.surroundings.get(name) != now[name]]


def name_index(bot: BotProfile) -> str:
    """A short name of what the bot answers from: another one as soon as a source changes, comes or goes."""
    sources = Source.objects.answering(bot.pk, INSIDER).order_by("pk")
    readers = ("parent__visibility", "parent__groups")
    return _name_rows(
        sources.values_list("pk", "content_hash", "chunk_count", "language", *readers, *STANDING)
    )


def _list_curated(bot: BotProfile) -> QuerySet[Any, Any]:
    answers = CuratedAnswer.objects.answering(bot.pk, INSIDER)
    return answers.order_by("pk", "questions__place").values_list(
        "pk", "title", "answer", "links", "language", "visibility", "groups", "questions__text"
    )


def _list_questions(bot: BotProfile) -> QuerySet[Any, Any]:
    """What is asked, and what is right: all that a run reads of them."""
    rows = GoldenQuestion.objects.active().filter(bot_profile_id=bot.pk)
    return rows.order_by("name_hash").values_list(
        "name_hash", "language", "expected_sources", "expected_facts", "forbidden_facts", "must_decline"
    )  # fmt: skip


def _name_rows(rows: QuerySet[Any, Any]) -> str:
    found = hashlib.sha256()
    for row in rows:
        found.update(repr(row).encode())
    return found.hexdigest()[:16]


def configuration_of(bot: BotProfile) -> dict[str, Any]:
    return snapshot(bot)


def restore_bot(run: EvaluationRun) -> BotProfile:
    """The bot as it was when the run was ordered, to be asked and never saved."""
    bot = BotProfile.objects.with_scopes().with_keys().get(pk=run.bot_profile_id)
    known = set(answering_fields())
    values = {name: value for name, value in run.configuration.items() if name in known}
    return with_configuration(bot, values)
