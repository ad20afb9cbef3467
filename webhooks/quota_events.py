"""What webhooks are told of quotas: `bots.quotas.counting` returns what was crossed, and its caller tells."""

from __future__ import annotations

from collections.abc import Iterable

from bots.quotas.counting import Crossing
from webhooks.event_types import EventType
from webhooks.events import emit


def tell_crossings(crossings: Iterable[Crossing]) -> None:
    """Put each crossing into the outbox, in the transaction that counted it."""
    for crossing in crossings:
        emit(
            EventType.QUOTA_REACHED if crossing.is_reached else EventType.QUOTA_WARNING,
            crossing.payload,
        )
