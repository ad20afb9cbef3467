"""Metering: every model call, for whatever purpose, becomes one UsageEvent."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django.utils import timezone

from bots.models import UsageEvent, UsageKind
from bots.usage.pricing import price_call
from bots.usage.rollup import ROLL_UP_AFTER
from tenants.due import DueKind, make_due


def record_usage(
    kind: UsageKind,
    *,
    bot_profile_id: uuid.UUID,
    model: str,
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    cost_usd: Decimal | int = 0,
    **facts: Any,
) -> UsageEvent:
    """Record one call in the caller's transaction; `facts` are further fields of UsageEvent (ids, times, outcome).

    `cost_usd` is the cost at list prices; what the tenant pays is settled here (bots.usage.pricing) and never again.
    """
    model = model[:100]
    cost = price_call(
        kind,
        model,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        listed=cost_usd,
    )
    make_due({DueKind.USAGE: timezone.now() + ROLL_UP_AFTER})
    return UsageEvent.objects.create(
        kind=kind,
        bot_profile_id=bot_profile_id,
        model=model,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        total_tokens=prompt_tokens + completion_tokens,
        cost_usd=cost,
        **facts,
    )
