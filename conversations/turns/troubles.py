"""Failures of a model provider that only somebody in charge can mend: who is told of them, where they are counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max
from django.utils import timezone

from bots.models import BotProfile, Outcome, ProviderChoice, UsageEvent, UsageKind
from conversations.models import Message, MessageRole
from minirag.ai.pricing import family_of, provider_of
from minirag.ai.providers.calls import OPERATORS
from minirag.lib.errors import Conflict, ProductError
from webhooks.event_types import EventType
from webhooks.events import emit

# Waiting does not end these: somebody has to pay a bill, or enter another key.
LASTING = {f"provider_{category}" for category in OPERATORS}
_QUIET = timedelta(hours=1)  # between two tellings of the same trouble
_DAY = timedelta(days=1)


def tell_trouble(bot: BotProfile, question: Message, error_code: str) -> None:
    """Put the trouble of a failed turn into the outbox, unless it was told within the hour; in its transaction."""
    if error_code not in LASTING:
        return
    known = Message.objects.filter(
        role=MessageRole.USER,
        outcome=Outcome.FAILED,
        error_code=error_code,
        chat__bot_profile_id=bot.pk,
        created_at__gte=timezone.now() - _QUIET,
    ).exclude(pk=question.pk)
    if not known.exists():
        payload = {"bot_profile_id": str(bot.pk), "model": bot.model, "code": error_code}
        emit(EventType.PROVIDER_REFUSED, payload)


def list_failures() -> list[dict[str, Any]]:
    """The last day's turns that failed at a model provider, by their code: how many, and when the last one was."""
    failed = Message.objects.filter(
        role=MessageRole.USER,
        outcome=Outcome.FAILED,
        error_code__startswith="provider_",
        created_at__gte=timezone.now() - _DAY,
    )
    groups = (
        failed.order_by().values("error_code").annotate(count=Count("id"), last=Max("created_at"))
    )
    return [
        {
            "code": group["error_code"],
            "count": group["count"],
            "last_at": group["last"],
            "is_lasting": group["error_code"] in LASTING,
        }
        for group in groups.order_by("error_code")
    ]


@dataclass(frozen=True)
class Refusal:
    """That a provider refuses the account which a bot answers with, since when as far as is known."""

    bot: BotProfile
    code: str
    last_at: datetime
    is_platforms: bool  # its account: neither the bot nor the tenant has a key for this provider


def list_refusals() -> list[Refusal]:
    """Whose account was refused within a day, and who has not answered since; the newest first."""
    failed = Message.objects.filter(
        role=MessageRole.USER, outcome=Outcome.FAILED, error_code__in=LASTING,
        created_at__gte=timezone.now() - _DAY,
    ).order_by()  # fmt: skip
    groups = failed.values_list("chat__bot_profile_id", "error_code").annotate(Max("created_at"))
    newest = {
        bot_id: (code, last) for bot_id, code, last in sorted(groups, key=lambda each: each[2])
    }
    if not newest:
        return []
    found = []
    for bot in BotProfile.objects.filter(pk__in=newest):
        code, last = newest[bot.pk]
        answered = UsageEvent.objects.filter(
            bot_profile=bot, kind=UsageKind.CHAT, outcome=Outcome.ANSWERED, created_at__gt=last
        )
        if not answered.filter(model=bot.model).exists():
            found.append(Refusal(bot, code, last, not _has_key(bot)))
    return sorted(found, key=lambda each: each.last_at, reverse=True)


def _has_key(bot: BotProfile) -> bool:
    """Whether it has one of its own for its model's provider, or has chosen one of the tenant's."""
    if bot.has_credentials and (
        not bot.key_provider or family_of(bot.key_provider) == provider_of(bot.model)
    ):
        return True
    chosen = ProviderChoice.objects.filter(bot_profile=bot).select_related("credential")
    return any(family_of(each.credential.provider) == provider_of(bot.model) for each in chosen)


class InternalFailure(ProductError):
    """Something of ours broke in the middle of a turn; the log has it under the request id."""

    status, code, retryable = 500, "internal", True


class TurnStopped(Conflict):
    """Somebody else had the turn stopped whose whole answer was waited for."""

    code = "turn_stopped"

    def __init__(self) -> None:
        super().__init__("The turn was stopped; what was said until then is in its chat.")
