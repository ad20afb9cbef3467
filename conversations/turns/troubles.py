"""Failures of a model provider that only somebody in charge can mend: who is told of them, where they are counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Max
from django.utils import timezone

from bots.models import BotProfile, Outcome
from conversations.models import Message, MessageRole
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


class InternalFailure(ProductError):
    """Something of ours broke in the middle of a turn; the log has it under the request id."""

    status, code, retryable = 500, "internal", True


class TurnStopped(Conflict):
    """Somebody else had the turn stopped whose whole answer was waited for."""

    code = "turn_stopped"

    def __init__(self) -> None:
        super().__init__("The turn was stopped; what was said until then is in its chat.")
