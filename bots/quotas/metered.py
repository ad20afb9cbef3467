"""What was metered since some moment, from which a quota's counter begins."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from bots.models import BotProfile, Outcome, UsageEvent, UsageKind
from bots.quotas.models import (
    Quota,
    QuotaResource,
    QuotaSubject,
    SharedStorage,
)


class Metered:
    """What was metered since some moments, by bot: one query for each moment, made when it is first asked for."""

    def __init__(self, besides: Sequence[uuid.UUID] = ()) -> None:
        self._besides = besides
        self._since: dict[datetime, list[dict[str, Any]]] = {}
        self._bytes: dict[uuid.UUID, int] | None = None

    def since(self, start: datetime, quota: Quota) -> Decimal:
        """Return what a quota's subject used since `start`; nothing is metered by token."""
        if quota.resource == QuotaResource.STORAGE:
            return self.stored(quota)
        if quota.subject == QuotaSubject.TOKEN:
            return Decimal(0)
        if start not in self._since:
            turns = Count("pk", filter=Q(kind=UsageKind.CHAT) & ~Q(outcome=Outcome.FAILED))
            events = (
                UsageEvent.objects.filter(created_at__gte=start)
                .exclude(pk__in=self._besides)
                .order_by()
            )
            by_bot = events.values("bot_profile_id")
            sums = by_bot.annotate(
                messages=turns, tokens=Sum("total_tokens"), spent=Sum("cost_usd")
            )
            self._since[start] = [dict(row) for row in sums]
        name = "spent" if quota.resource == QuotaResource.COST else quota.resource
        rows = [
            row for row in self._since[start] if quota.subject_id in (None, row["bot_profile_id"])
        ]
        return sum((Decimal(row[name]) for row in rows), Decimal(0))

    def stored(self, quota: Quota) -> Decimal:
        if self._bytes is None:
            self._bytes = dict(BotProfile.objects.order_by().values_list("pk", "stored_bytes"))
        if quota.subject_id is None:
            shared = SharedStorage.objects.values_list("stored_bytes", flat=True).first() or 0
            return Decimal(sum(self._bytes.values()) + shared)
        return Decimal(self._bytes.get(quota.subject_id, 0))
