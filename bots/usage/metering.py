"""Metering: every model call, for whatever purpose, becomes one UsageEvent."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils import timezone

from bots.models import UsageEvent, UsageKind
from bots.usage.pricing import load_overrides, price_call
from bots.usage.rollup import ROLL_UP_AFTER
from minirag.ai.pricing import Prices
from tenants.backend.holding import insert_soon
from tenants.due import DueKind, make_due


def record_usage(kind: UsageKind, **call: Any) -> UsageEvent:
    """Record one call in the caller's transaction: `price_usage` with its facts, stored."""
    event = price_usage(kind, load_overrides(), **call)
    store_usage([event])
    return event


def price_usage(
    kind: UsageKind,
    overrides: Mapping[str, Prices],
    *,
    bot_profile_id: uuid.UUID,
    model: str,
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    cost_usd: Decimal | int = 0,
    **facts: Any,
) -> UsageEvent:
    """Return one call with what the tenant pays for it, not stored yet; `facts` are further fields of UsageEvent.

    `cost_usd` is the cost at list prices; what is paid is settled here (bots.usage.pricing) and never again.
    """
    model = model[:100]
    cost = price_call(
        kind,
        model,
        overrides,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        listed=cost_usd,
    )
    return UsageEvent(
        kind=kind,
        bot_profile_id=bot_profile_id,
        model=model,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        total_tokens=prompt_tokens + completion_tokens,
        cost_usd=cost,
        **facts,
    )


def store_usage(events: Sequence[UsageEvent]) -> None:
    """Store calls in the caller's transaction, with its next statement."""
    make_due({DueKind.USAGE: timezone.now() + ROLL_UP_AFTER})
    insert_soon(*events)
